# SPDX-License-Identifier: Apache-2.0
"""Whatever chunks are sent: what is published is within the limits, and a refusal has a cause."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verification.bench.gate.benchmark import players
from verification.bench.gate.player import Player
from verification.bench.gate.rounds import KINDS, Chunk, Round, Stop, draw
from verification.bench.gate.subjects import Subject, subject_of
from verification.rig import START_Q
from verification.robots import ROBOTS

_EXAMPLES = 8  # of each kind
_UP = np.tile([0.0, 0.0, 0.02, 0.0, 0.0, 0.0], (6, 1))
_ACROSS = np.tile([0.0, 0.02, 0.0, 0.1, 0.0, 0.0], (6, 1))


@pytest.fixture(scope="module")
def arms() -> list[Player]:
    return players()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=_EXAMPLES, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_nothing_bad_is_let_out(arms: list[Player], kind: str, seed: int) -> None:
    outcome = arms[seed % len(arms)].play(draw(kind, np.random.default_rng(seed)))
    assert (outcome.violations, outcome.unexpected) == (0, 0), outcome.examples
    assert outcome.chunks == outcome.played + outcome.refused.total()


@pytest.fixture(scope="module", params=list(ROBOTS))
def others(request: pytest.FixtureRequest) -> tuple[list[Player], Subject]:
    return players(request.param), subject_of(ROBOTS[request.param])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=_EXAMPLES, deadline=None)
@given(kind=st.sampled_from(list(KINDS)), seed=st.integers(0, 2**32 - 1))
def test_nothing_bad_is_let_out_of_other_arms(
    others: tuple[list[Player], Subject], kind: str, seed: int
) -> None:
    of, subject = others
    outcome = of[seed % len(of)].play(draw(kind, np.random.default_rng(seed), subject))
    assert (outcome.violations, outcome.unexpected) == (0, 0), outcome.examples
    assert outcome.chunks == outcome.played + outcome.refused.total()


@pytest.mark.parametrize("q", [[], [0.0] * 6, [0.0] * 8, [float("nan")] * 7], ids=str)
def test_what_is_no_posture_is_refused_by_name(arms: list[Player], q: list[float]) -> None:
    """A chunk of another arm's joint states, or of none."""
    for arm in arms:
        outcome = arm.play(Round("bad state", np.array(q), (Chunk(_UP),)))
        assert (outcome.violations, outcome.unexpected) == (0, 0), outcome.examples
        assert outcome.refused == {"no_joint_states": 1}


@pytest.mark.parametrize("first_in_s", [0.001, 0.005, 0.0099])
@pytest.mark.parametrize("event", ["chunk", "stop"])
def test_what_comes_before_a_chunks_time_0_follows_it(
    arms: list[Player], event: str, first_in_s: float
) -> None:
    """A chunk may begin a clock step from now; what came meanwhile was planned from before it.

    The motion that led there broke every limit, and the search for a slower one took all memory.
    """
    second = Stop(0.0) if event == "stop" else Chunk(_ACROSS, share=0.0, start_in_s=0.2)
    moving = (Chunk(_UP), Chunk(_UP, share=0.4, start_in_s=first_in_s))
    for arm in arms:
        outcome = arm.play(Round("hand-over", START_Q, (*moving, second)))
        assert (outcome.violations, outcome.unexpected) == (0, 0), outcome.examples
        assert outcome.played + outcome.stops == 3, outcome.refused


@pytest.mark.parametrize("left", [1e-3, 1e-4, 2e-5, 2e-6, 1e-6])
def test_a_chunk_in_the_last_moment_of_another_follows_it(arms: list[Player], left: float) -> None:
    """What is left of the first made a piece of microseconds, whose jerk was all rounding."""
    for arm in arms:
        chunks = (Chunk(_UP), Chunk(_ACROSS, share=1.0 - left))
        outcome = arm.play(Round("hand-over", START_Q, chunks))
        assert (outcome.violations, outcome.unexpected) == (0, 0), outcome.examples
        assert outcome.played == 2, outcome.refused

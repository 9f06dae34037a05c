# SPDX-License-Identifier: Apache-2.0
"""An adaptive gate closes on what stands out of an episode's raw gripper column."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.policy.gripper_gate import GateRules, GripperGate

COLUMNS = st.lists(st.floats(-1.0, 1.0, width=32), min_size=1, max_size=60)
WAITS = GateRules(gripper_arrival_m=0.005)


def states(
    raw: list[float],
    rises: list[float] | None = None,
    rules: GateRules | None = None,
    **more: float,
) -> list[float]:
    scale = more.get("scale", 1.0)
    gate = GripperGate(rules or GateRules(), lambda: scale)
    return list(gate.decide(np.array(raw), np.array(rises or [0.0] * len(raw))))


def test_a_weak_signal_closes_and_holds_until_the_opposite_opens() -> None:
    """A fixed threshold of 0.5 would never be reached."""
    quiet = [0.004, -0.006, 0.002] * 5
    assert states([*quiet, 0.13, *quiet, -0.13, *quiet]) == [0.0] * 15 + [1.0] * 16 + [0.0] * 16


@given(raw=COLUMNS, cuts=st.lists(st.integers(0, 60), max_size=4))
def test_the_state_lasts_from_chunk_to_chunk(raw: list[float], cuts: list[int]) -> None:
    gate = GripperGate(GateRules())
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    parts = [gate.decide(np.array(raw[a:b]), np.zeros(b - a)) for a, b in itertools.pairwise(edges)]
    assert np.concatenate(parts).tolist() == states(raw)
    gate.begin()
    assert gate.decide(np.array(raw), np.zeros(len(raw))).tolist() == states(raw)


@given(raw=COLUMNS)
def test_scores_are_those_of_the_column_with_its_prior(raw: list[float]) -> None:
    """Against a computation from all values at once."""
    closed, expected = False, []
    for count in range(1, len(raw) + 1):
        seen = np.array(raw[:count], float)
        weight = 70.0 + count
        mean = seen.sum() / weight
        spread = 70.0 * (0.05**2 + mean**2) + ((seen - mean) ** 2).sum()
        score = (seen[-1] - mean) / np.sqrt(spread / weight)
        if abs(abs(score) - 2.0) < 1e-6:
            return  # rounding decides
        closed = score > 2.0 or (closed and score >= -2.0)
        expected.append(float(closed))
    assert states(raw) == expected


def test_a_lone_flicker_does_not_drop_what_is_held() -> None:
    raw, rules = [0.2, -0.2, 0.0, -0.2, -0.2], GateRules(gripper_open_actions=2)
    assert states(raw) == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert states(raw, rules=rules) == [1.0, 1.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("rises", "closes"),
    [
        ([-0.02, -0.02, -0.02, -0.001], [0.0, 0.0, 0.0, 1.0]),  # once it has arrived
        ([-0.02, 0.01, -0.001, 0.0], [0.0, 0.0, 0.0, 0.0]),  # it has given up
        ([0.0, 0.01, 0.01, 0.01], [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_a_close_waits_for_the_end_of_the_descent(rises: list[float], closes: list[float]) -> None:
    assert states([0.2, 0.0, 0.0, 0.0], rises, WAITS) == closes
    amplified = [3.0 * rise for rise in rises]
    assert states([0.2, 0.0, 0.0, 0.0], amplified, WAITS, scale=3.0) == closes


def test_what_is_demanded_while_descending_may_be_taken_back() -> None:
    raw, rises = [0.2, -0.2, 0.0], [-0.02, -0.02, 0.0]
    assert states(raw, rises, WAITS) == [0.0, 0.0, 0.0]

# SPDX-License-Identifier: Apache-2.0
"""A small storm: whatever is sent, what is let out is good, and what is not has a cause."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.gate import players
from bench.player import Player
from bench.storm import KINDS, draw

_EXAMPLES = 8  # of each kind


@pytest.fixture(scope="module")
def arms() -> list[Player]:
    return players()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=_EXAMPLES)
@given(seed=st.integers(0, 2**32 - 1))
def test_nothing_bad_is_let_out(arms: list[Player], kind: str, seed: int) -> None:
    outcome = arms[seed % len(arms)].play(draw(kind, np.random.default_rng(seed)))
    assert (outcome.violations, outcome.unexpected) == (0, 0), outcome.examples
    assert outcome.chunks == outcome.played + outcome.refused.total()

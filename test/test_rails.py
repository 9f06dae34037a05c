# SPDX-License-Identifier: Apache-2.0
"""Rails shorten what goes too far, keep its direction, and say so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vera_ros.rails import Rails

from .motion.chunks import Vector

RAILS = Rails(step_m=0.03, step_rad=0.05, chunk_m=0.15)
CHUNKS = st.integers(1, 12).flatmap(
    lambda rows: hnp.arrays(
        float, (rows, 6), elements=st.one_of(st.just(0.0), st.floats(-0.1, 0.1))
    )
)


def lengths(deltas: Vector) -> tuple[Vector, Vector]:
    return np.linalg.norm(deltas[:, :3], axis=1), np.linalg.norm(deltas[:, 3:], axis=1)


@given(deltas=CHUNKS)
def test_nothing_goes_beyond_the_rails(deltas: Vector) -> None:
    given_deltas = deltas.copy()
    kept, _ = RAILS.keep(deltas)
    moves, turns = lengths(kept)
    assert (moves <= RAILS.step_m + 1e-12).all()
    assert (turns <= RAILS.step_rad + 1e-12).all()
    assert moves.sum() <= RAILS.chunk_m + 1e-12
    np.testing.assert_array_equal(deltas, given_deltas)


@given(deltas=CHUNKS)
def test_directions_are_kept_and_nothing_becomes_longer(deltas: Vector) -> None:
    kept, bound = RAILS.keep(deltas)
    for part in (slice(3), slice(3, 6)):
        for before, after in zip(deltas[:, part], kept[:, part], strict=True):
            np.testing.assert_allclose(np.cross(before, after), 0.0, atol=1e-12)
            assert before @ after >= 0.0
            assert np.linalg.norm(after) <= np.linalg.norm(before) + 1e-12
    assert bound == (not np.allclose(kept, deltas, rtol=0.0, atol=1e-12))


@given(deltas=CHUNKS)
def test_keeping_twice_is_keeping_once(deltas: Vector) -> None:
    once, _ = RAILS.keep(deltas)
    twice, bound = RAILS.keep(once)
    np.testing.assert_allclose(twice, once, atol=1e-12)
    assert not bound


@given(rows=st.integers(1, 20), size=st.floats(0.0, 0.03))
def test_actions_beyond_the_budget_are_not_played(rows: int, size: float) -> None:
    deltas = np.zeros((rows, 6))
    deltas[:, 0] = size
    kept, bound = RAILS.keep(deltas)
    whole = np.minimum(np.cumsum(deltas[:, 0]), RAILS.chunk_m)
    np.testing.assert_allclose(np.cumsum(kept[:, 0]), whole, atol=1e-12)
    assert bound == (rows * size > RAILS.chunk_m + 1e-12)


@pytest.mark.parametrize("rows", [1, 4])
def test_a_chunk_that_moves_nothing_is_left_alone(rows: int) -> None:
    kept, bound = RAILS.keep(np.zeros((rows, 6)))
    np.testing.assert_array_equal(kept, 0.0)
    assert not bound

# SPDX-License-Identifier: Apache-2.0
"""Rails shorten what goes too far, and say so."""

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


@given(deltas=CHUNKS)
def test_nothing_goes_beyond_the_rails(deltas: Vector) -> None:
    given_deltas = deltas.copy()
    kept, _ = RAILS.keep(deltas)
    assert (np.abs(kept[:, :3]) <= RAILS.step_m + 1e-12).all()
    assert (np.abs(kept[:, 3:]) <= RAILS.step_rad + 1e-12).all()
    assert np.linalg.norm(kept[:, :3], axis=1).sum() <= RAILS.chunk_m + 1e-12
    np.testing.assert_array_equal(deltas, given_deltas)


@given(deltas=CHUNKS)
def test_no_component_is_turned_round_or_becomes_longer(deltas: Vector) -> None:
    kept, bound = RAILS.keep(deltas)
    assert (kept * deltas >= 0.0).all()
    assert (np.abs(kept) <= np.abs(deltas) + 1e-12).all()
    assert bound == (not np.allclose(kept, deltas, rtol=0.0, atol=1e-12))


@given(deltas=CHUNKS)
def test_keeping_twice_is_keeping_once(deltas: Vector) -> None:
    once, _ = RAILS.keep(deltas)
    twice, bound = RAILS.keep(once)
    np.testing.assert_allclose(twice, once, atol=1e-12)
    assert not bound


@given(deltas=CHUNKS)
def test_a_path_that_is_too_long_is_scaled_as_a_whole(deltas: Vector) -> None:
    slow = deltas / 10.0  # no single action is bound
    path_m = np.linalg.norm(slow[:, :3], axis=1).sum()
    kept, bound = Rails(step_m=1.0, step_rad=1.0, chunk_m=0.01).keep(slow)
    share = min(1.0, 0.01 / max(path_m, 0.01))
    np.testing.assert_allclose(kept[:, :3], slow[:, :3] * share, atol=1e-12)
    np.testing.assert_array_equal(kept[:, 3:], slow[:, 3:])
    assert bound == (share < 1.0 and bool((np.abs(slow[:, :3]) * (1.0 - share) > 1e-12).any()))


@pytest.mark.parametrize("rows", [1, 4])
def test_a_chunk_that_moves_nothing_is_left_alone(rows: int) -> None:
    kept, bound = RAILS.keep(np.zeros((rows, 6)))
    np.testing.assert_array_equal(kept, 0.0)
    assert not bound

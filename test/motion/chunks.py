# SPDX-License-Identifier: Apache-2.0
"""Start postures and action chunks for property tests."""

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Vector = npt.NDArray[np.float64]

START_Q = np.array([0.0, 0.19634954, 0.0, -2.61799388, 0.0, 2.94159265, 0.78539816])
ACTION_SCALE = np.array([0.05, 0.05, 0.05, 0.5, 0.5, 0.5])
CONTROL_DT_S = 0.05
POLICY_LIKE = np.tile([0.3, -0.2, 0.5, 0.0, 0.0, 0.1], (10, 1)) * ACTION_SCALE


def vectors(low: float, high: float, count: int) -> st.SearchStrategy[Vector]:
    return hnp.arrays(float, count, elements=st.floats(low, high))


def starts(spread: float = 0.2) -> st.SearchStrategy[Vector]:
    """Postures around the start posture, away from the joint limits."""
    room = np.array([1, 1, 1, 1, 1, 0.5, 1])
    return vectors(-spread, spread, 7).map(lambda offset: START_Q + room * offset)


def chunks(most_rows: int = 16) -> st.SearchStrategy[Vector]:
    """Deltas of 1 to `most_rows` actions: any, zeros and extremes too, or one kept up."""
    values = st.one_of(st.sampled_from([0.0, 1.0, -1.0]), st.floats(-1.0, 1.0))
    rows = st.integers(1, most_rows)
    mixed = rows.flatmap(lambda count: hnp.arrays(float, (count, 6), elements=values))
    constant = st.tuples(rows, hnp.arrays(float, 6, elements=values)).map(
        lambda both: np.tile(both[1], (both[0], 1))
    )
    gains = st.sampled_from([0.1, 0.5, 1.0])
    return st.tuples(st.one_of(mixed, constant), gains).map(
        lambda both: both[0] * both[1] * ACTION_SCALE
    )

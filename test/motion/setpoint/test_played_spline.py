# SPDX-License-Identifier: Apache-2.0
"""The pieces that a controller plays, and the samples on which they are judged."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.setpoint.played_spline import QuinticPieces
from vera_ros.motion.trajectory import ArmTrajectory

from ..chunks import Vector, vectors


def trajectory(times_s: Vector, q: Vector) -> ArmTrajectory:
    still = np.zeros_like(q)
    start = np.zeros(q.shape[1])
    return ArmTrajectory(times_s, q, still, still, start, start, start)


@given(
    durations=st.lists(st.floats(0.001, 2.0), min_size=1, max_size=6),
    count=st.integers(2, 20),
    most_s=st.floats(0.001, 0.1),
)
def test_samples_cover_every_piece_evenly_and_densely(
    durations: list[float], count: int, most_s: float
) -> None:
    pieces = QuinticPieces(trajectory(np.cumsum(durations), np.zeros((len(durations), 1))).points)
    piece, s = pieces.even(count, most_s)
    for number, duration_s in enumerate(durations):
        own = s[piece == number]
        assert (own[0], own[-1]) == (0.0, 1.0)
        assert len(own) >= count
        assert np.diff(own).max() * duration_s <= most_s * (1 + 1e-9)
        np.testing.assert_allclose(np.diff(own), 1.0 / (len(own) - 1))


@given(q=vectors(-1.0, 1.0, 3))
def test_a_piece_begins_and_ends_where_it_must(q: Vector) -> None:
    pieces = QuinticPieces(trajectory(np.array([0.5]), q[None]).points)
    for time_s, where in ((0.0, np.zeros(3)), (0.25, 0.5 * q), (0.5, q), (0.9, q)):
        at, dq, _ = pieces.state(time_s)
        np.testing.assert_allclose(at, where, atol=1e-12)
        if time_s != 0.25:
            np.testing.assert_allclose(dq, 0.0, atol=1e-12)

# SPDX-License-Identifier: Apache-2.0
"""A spline goes through its points, smoothly, from the state given to rest."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vera_ros.motion.joint_spline import JointSpline

from .chunks import Vector, vectors

PATHS = st.integers(2, 30).flatmap(
    lambda count: hnp.arrays(float, (count, 3), elements=st.floats(-2.0, 2.0))
)


def times_of(q: Vector) -> Vector:
    return np.arange(float(len(q))) * 0.0125


@given(q=PATHS, dq=vectors(-1.0, 1.0, 3), ddq=vectors(-5.0, 5.0, 3))
def test_points_and_end_derivatives_are_met(q: Vector, dq: Vector, ddq: Vector) -> None:
    spline = JointSpline(times_of(q), q, dq, ddq)
    np.testing.assert_allclose(spline.derivative(0, spline.times_s), q, atol=1e-8)
    for expected, value in zip((q[0], dq, ddq), spline.state(0.0), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-5)
    end = spline.duration_s
    np.testing.assert_allclose(spline.derivative(1, end), 0.0, atol=1e-5)
    np.testing.assert_allclose(spline.derivative(2, end), 0.0, atol=1e-2)


@given(q=PATHS)
def test_position_velocity_and_acceleration_are_continuous_at_knots(q: Vector) -> None:
    spline = JointSpline(times_of(q), q, np.zeros(3), np.zeros(3))
    eps = 1e-9
    for order in range(3):
        scale = 1.0 + np.abs(spline.derivative(order + 1, spline.dense_times())).max()
        for knot in spline.times_s[1:-1]:
            before, after = spline.derivative(order, np.array([knot - eps, knot + eps]))
            np.testing.assert_allclose(before, after, atol=1e-8 * scale + 1e-9)


@given(q=PATHS, factor=st.floats(1.0, 20.0), part=st.floats(0.0, 1.0))
def test_stretched_is_the_same_path_later(q: Vector, factor: float, part: float) -> None:
    spline = JointSpline(times_of(q), q, np.zeros(3), np.zeros(3))
    slower = spline.stretched(factor)
    time_s = part * spline.duration_s
    assert slower.duration_s == spline.duration_s * factor
    for order in range(4):
        size = np.abs(spline.derivative(order, spline.dense_times())).max()
        np.testing.assert_allclose(
            slower.derivative(order, factor * time_s) * factor**order,
            spline.derivative(order, time_s),
            atol=1e-6 * size + 1e-9,
        )


@given(q=PATHS, late_s=st.floats(0.0, 100.0))
def test_it_rests_once_it_is_over(q: Vector, late_s: float) -> None:
    spline = JointSpline(times_of(q), q, np.zeros(3), np.zeros(3))
    position, dq, ddq = spline.state(spline.duration_s + late_s)
    np.testing.assert_allclose(position, q[-1], atol=1e-9)
    np.testing.assert_array_equal(dq, 0.0)
    np.testing.assert_array_equal(ddq, 0.0)


@given(q=PATHS, per_piece=st.integers(1, 9))
def test_dense_times_hold_every_knot(q: Vector, per_piece: int) -> None:
    spline = JointSpline(times_of(q), q, np.zeros(3), np.zeros(3))
    dense = spline.dense_times(per_piece)
    assert len(dense) == (len(q) - 1) * per_piece + 1
    np.testing.assert_allclose(dense[::per_piece], spline.times_s)
    assert (np.diff(dense) > 0).all()

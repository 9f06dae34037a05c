# SPDX-License-Identifier: Apache-2.0
"""A spline goes through its points, smoothly, from the state given to rest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.interpolate import BPoly

from vera_ros.motion.planning.joint_spline import JointSpline

from ..chunks import Vector, vectors

PATHS = st.integers(2, 30).flatmap(
    lambda count: hnp.arrays(float, (count, 3), elements=st.floats(-2.0, 2.0))
)

STILL = (np.zeros(3), np.zeros(3))


def times_of(q: Vector) -> Vector:
    return np.arange(float(len(q))) * 0.0125


@given(q=PATHS, dq=vectors(-1.0, 1.0, 3), ddq=vectors(-5.0, 5.0, 3))
def test_points_and_end_derivatives_are_met(q: Vector, dq: Vector, ddq: Vector) -> None:
    spline = JointSpline(times_of(q), q, (dq, ddq))
    np.testing.assert_allclose(spline.derivative(0, spline.times_s), q, atol=1e-8)
    for expected, value in zip((q[0], dq, ddq), spline.state(0.0), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-5)
    end = spline.duration_s
    np.testing.assert_allclose(spline.derivative(1, end), 0.0, atol=1e-5)
    np.testing.assert_allclose(spline.derivative(2, end), 0.0, atol=1e-2)


@given(q=PATHS, dq=vectors(-1.0, 1.0, 3), ddq=vectors(-5.0, 5.0, 3))
def test_it_ends_in_motion_where_that_is_asked_for(q: Vector, dq: Vector, ddq: Vector) -> None:
    spline = JointSpline(times_of(q), q, STILL, (dq, ddq))
    for expected, value in zip((q[-1], dq, ddq), spline.state(spline.duration_s), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-5)
    np.testing.assert_allclose(spline.derivative(1, 0.0), 0.0, atol=1e-5)


@given(q=PATHS, dq=vectors(-1.0, 1.0, 3), ddq=vectors(-5.0, 5.0, 3), part=st.floats(0.0, 1.0))
def test_a_controller_plays_this_very_curve(
    q: Vector, dq: Vector, ddq: Vector, part: float
) -> None:
    """Quintic pieces through position, velocity and acceleration at the knots are the spline."""
    spline = JointSpline(times_of(q), q, (dq, ddq))
    knots = np.stack([spline.derivative(order, spline.times_s) for order in range(3)], axis=1)
    pieces = BPoly.from_derivatives(spline.times_s, knots)
    time_s = part * spline.duration_s
    scale = 1.0 + np.abs(spline.derivative(0, spline.dense_times())).max()
    np.testing.assert_allclose(spline.derivative(0, time_s), pieces(time_s), atol=1e-9 * scale)


@given(q=PATHS)
def test_position_velocity_and_acceleration_are_continuous_at_knots(q: Vector) -> None:
    spline = JointSpline(times_of(q), q, STILL)
    eps = 1e-9
    for order in range(3):
        scale = 1.0 + np.abs(spline.derivative(order + 1, spline.dense_times())).max()
        for knot in spline.times_s[1:-1]:
            before, after = spline.derivative(order, np.array([knot - eps, knot + eps]))
            np.testing.assert_allclose(before, after, atol=1e-8 * scale + 1e-9)


@given(q=PATHS, factor=st.floats(1.0, 20.0), part=st.floats(0.0, 1.0))
def test_stretched_is_the_same_path_later(q: Vector, factor: float, part: float) -> None:
    spline = JointSpline(times_of(q), q, STILL)
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
    spline = JointSpline(times_of(q), q, STILL)
    position, dq, ddq = spline.state(spline.duration_s + late_s)
    np.testing.assert_allclose(position, q[-1], atol=1e-9)
    size = 1.0 + np.abs(spline.derivative(0, spline.dense_times())).max()
    np.testing.assert_allclose(dq, 0.0, atol=1e-11 * size)
    np.testing.assert_allclose(ddq, 0.0, atol=1e-8 * size)


@given(q=PATHS, per_piece=st.integers(1, 9))
def test_dense_times_hold_every_knot(q: Vector, per_piece: int) -> None:
    spline = JointSpline(times_of(q), q, STILL)
    dense = spline.dense_times(per_piece)
    assert len(dense) == (len(q) - 1) * per_piece + 1
    np.testing.assert_allclose(dense[::per_piece], spline.times_s)
    assert (np.diff(dense) > 0).all()


@given(from_s=st.floats(0.0, 0.99), turn=st.floats(0.0, 1.0), seed=st.integers(0, 2**32 - 1))
def test_a_motion_that_turns_off_is_both_motions_exactly(
    from_s: float, turn: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    still = np.zeros(3)
    path = JointSpline(np.linspace(0.0, 1.0, 21), rng.normal(size=(21, 3)), (still, still))
    at_s = from_s + turn * (1.0 - from_s)
    q, dq, ddq = path.state(at_s)
    way = JointSpline(np.linspace(0.0, 0.5, 6), np.vstack((q, rng.normal(size=(5, 3)))), (dq, ddq))
    turned = path.turning_off(from_s, way, at_s)
    assert turned.duration_s == pytest.approx(at_s - from_s + 0.5)
    assert (np.diff(turned.times_s) > 0.0).all()
    for order in range(3):
        for time_s in np.linspace(0.0, at_s - from_s, 9):
            np.testing.assert_allclose(
                turned.derivative(order, time_s),
                path.derivative(order, from_s + time_s),
                rtol=1e-6,
                atol=1e-6 * 50**order,
            )
        for time_s in np.linspace(1e-9, 0.5, 9):
            np.testing.assert_allclose(
                turned.derivative(order, at_s - from_s + time_s),
                way.derivative(order, time_s),
                rtol=1e-6,
                atol=1e-5 * 50**order,
            )

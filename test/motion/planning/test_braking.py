# SPDX-License-Identifier: Apache-2.0
"""Braking starts with the motion given and ends at rest, within the limits."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.braking import brake
from vera_ros.motion.planning.joint_spline import JointSpline

from ..chunks import START_Q, Vector, vectors

DT_S = 0.0125


@given(speed=vectors(-0.9, 0.9, 7), rate=vectors(-0.85, 0.85, 7))
@example(speed=np.zeros(7), rate=np.zeros(7))
@example(speed=np.full(7, 0.9), rate=np.full(7, 0.85))
@example(speed=np.full(7, 0.9), rate=np.full(7, -0.85))
def test_braking_keeps_acceleration_and_jerk(limits: Limits, speed: Vector, rate: Vector) -> None:
    most = limits.rates.joints
    dq, ddq = speed * most[0], rate * most[1]
    times, q = brake(START_Q, dq, ddq, most, DT_S)
    spline = JointSpline(np.concatenate(([0.0], times)), np.vstack((START_Q, q)), (dq, ddq))
    dense = spline.dense_times(16)
    # At the start the spline has the jerk of the state given; braking adds no more than its share.
    assert (np.abs(spline.derivative(2, dense)) <= most[1]).all()
    assert (np.abs(spline.derivative(3, dense)) <= most[2]).all()


@given(speed=vectors(-2.0, 2.0, 7), rate=vectors(-10.0, 10.0, 7), dt_s=st.floats(0.001, 0.02))
def test_braking_goes_from_the_state_given_to_rest(
    limits: Limits, speed: Vector, rate: Vector, dt_s: float
) -> None:
    times, q = brake(START_Q, speed, rate, limits.rates.joints, dt_s)
    np.testing.assert_allclose(np.diff(times, prepend=0.0), dt_s)
    path = np.vstack((START_Q, q))
    # Positions of a quartic: exact differences tell its derivatives at both ends.
    T = times[-1]
    quartic = [np.polyfit(np.append(0.0, times) / T, joint, 4) for joint in path.T]
    for index, coefficients in enumerate(quartic):
        first, second = np.polyder(coefficients), np.polyder(coefficients, 2)
        np.testing.assert_allclose(np.polyval(first, 0.0) / T, speed[index], atol=1e-6)
        np.testing.assert_allclose(np.polyval(second, 0.0) / T**2, rate[index], atol=1e-4)
        np.testing.assert_allclose(np.polyval(first, 1.0) / T, 0.0, atol=1e-6)
        np.testing.assert_allclose(np.polyval(second, 1.0) / T**2, 0.0, atol=1e-4)


def test_an_arm_at_rest_stays(limits: Limits) -> None:
    times, q = brake(START_Q, np.zeros(7), np.zeros(7), limits.rates.joints, DT_S)
    assert len(times) >= 3
    np.testing.assert_array_equal(q, np.tile(START_Q, (len(times), 1)))

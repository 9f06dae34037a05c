# SPDX-License-Identifier: Apache-2.0
"""A nominal motion begins as the arm moves, soon is the path, and ends at rest inside."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.joint_path import JointPath
from vera_ros.motion.planning.nominal_motion import NominalMotion
from vera_ros.motion.planning.start import Start
from vera_ros.motion.response.model import TcpResponse
from vera_ros.motion.response.osc_pose import OscPoseResponse

from ..chunks import ACTION_SCALE, CONTROL_DT_S, START_Q, Vector, vectors

DELTAS = np.tile([0.3, -0.2, 0.5, 0.0, 0.0, 0.1], (10, 1)) * ACTION_SCALE
JOIN_S = 0.1
STILL = np.zeros(7)
WALL = Reason(Cause.OUTSIDE_WORKSPACE, "a wall")


@pytest.fixture(scope="module")
def answer(arm: ArmModel, response: OscPoseResponse) -> TcpResponse:
    return response.respond(
        response.at_rest(START_Q, arm.tcp_pose(START_Q), None), DELTAS, CONTROL_DT_S
    )


def q_of(answer: TcpResponse) -> Vector:
    assert answer.q is not None
    return answer.q


@given(dq=vectors(-0.2, 0.2, 7), ddq=vectors(-2.0, 2.0, 7), rate=st.floats(0.3, 1.0))
def test_it_begins_as_the_arm_moves_and_soon_is_the_path(
    arm: ArmModel, limits: Limits, answer: TcpResponse, dq: Vector, ddq: Vector, rate: float
) -> None:
    q = q_of(answer)
    start = Start(START_Q, dq, ddq, None, rate=rate)
    motion, until_s = NominalMotion(arm, limits).to_rest(JointPath(q), answer, start, JOIN_S)
    begin = motion.state(0.0)
    np.testing.assert_allclose(begin[0], START_Q, atol=1e-9)
    np.testing.assert_allclose(begin[1] * rate, dq, atol=1e-6)
    np.testing.assert_allclose(begin[2] * rate**2, ddq, atol=1e-4)
    assert until_s == pytest.approx(answer.times_s[-1])
    later = answer.times_s > JOIN_S + 1e-9
    joined = motion.derivative(0, answer.times_s[later])
    np.testing.assert_allclose(joined, q[later], atol=1e-9)
    end = motion.state(motion.duration_s)
    np.testing.assert_allclose(end[1], 0.0, atol=1e-6)
    np.testing.assert_allclose(end[2], 0.0, atol=1e-3)


@pytest.mark.parametrize("length", [8, 9, 14, 20, 40])
def test_a_cut_path_is_not_left_and_not_exceeded(
    arm: ArmModel, limits: Limits, answer: TcpResponse, length: int
) -> None:
    q = q_of(answer)[:length]
    start = Start(START_Q, STILL, STILL, None)
    motion, until_s = NominalMotion(arm, limits).to_rest(
        JointPath(q, cut=WALL), answer, start, 0.05
    )
    np.testing.assert_allclose(motion.state(motion.duration_s)[0], q[-1], atol=1e-6)
    assert CONTROL_DT_S - 1e-9 <= until_s < answer.times_s[length - 1]
    dense = np.linspace(0.0, answer.times_s[length - 1], 2000)
    path = np.stack([np.interp(dense, answer.times_s[:length], column) for column in q.T], axis=1)
    for posture in motion.derivative(0, motion.dense_times()):
        assert np.abs(path - posture).max(axis=1).min() < 2e-3


@pytest.mark.parametrize("length", [1, 2, 5, 7])
def test_a_path_that_is_cut_in_its_first_action_is_refused(
    arm: ArmModel, limits: Limits, answer: TcpResponse, length: int
) -> None:
    path = JointPath(q_of(answer)[:length], cut=WALL)
    start = Start(START_Q, STILL, STILL, None)
    with pytest.raises(MotionRefusedError, match="a wall; nothing is published") as refusal:
        NominalMotion(arm, limits).to_rest(path, answer, start, JOIN_S)
    assert refusal.value.cause is Cause.OUTSIDE_WORKSPACE


def test_a_rest_beyond_a_joints_range_is_moved_back_onto_the_path(
    arm: ArmModel, limits: Limits, answer: TcpResponse
) -> None:
    """Braking after the last sample led millimetres on, and out of range."""
    q = q_of(answer)
    count = int(answer.step_ends[-1]) + 9
    moving = JointPath(q[:count])
    past = np.where(q[count - 1] >= q[count - 2], 1.0, -1.0)
    tight = replace(
        limits,
        lower=np.where(past > 0, limits.lower, q[:count].min(axis=0) - 1e-6),
        upper=np.where(past > 0, q[:count].max(axis=0) + 1e-6, limits.upper),
    )
    start = Start(START_Q, STILL, STILL, None)
    motion, until_s = NominalMotion(arm, tight).to_rest(moving, answer, start, JOIN_S)
    np.testing.assert_allclose(motion.state(motion.duration_s)[0], q[count - 1], atol=1e-6)
    assert until_s >= answer.times_s[answer.step_ends[-1]] - 1e-9

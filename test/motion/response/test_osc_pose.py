# SPDX-License-Identifier: Apache-2.0
"""The response moves as the training environment's arm does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.response.model import TcpResponse
from vera_ros.motion.response.osc_model import OscModel
from vera_ros.motion.response.osc_pose import OscPoseResponse, OscState

from ..chunks import ACTION_SCALE, CONTROL_DT_S, START_Q, Vector, chunks, starts, vectors

REST = OscState(START_Q, np.zeros(7))
AXES = [(axis, sign) for axis in range(3) for sign in (1.0, -1.0)]
TRACES = Path(__file__).resolve().parents[2] / "data" / "osc_pose_traces.npz"
KINDS = ["mimicgen", "mimicgen_small", "mixed", "constant", "stop"]
PHYSICS_STEP_S = 0.002
LONGEST_TAIL_S = 0.8


def respond(response: OscPoseResponse, deltas: Vector, state: OscState = REST) -> TcpResponse:
    return response.respond(state, deltas, CONTROL_DT_S)


def one_way(axis: int, size: float, rows: int = 12) -> Vector:
    deltas = np.zeros((rows, 6))
    deltas[:, axis] = size
    return deltas


def steps_along(path: TcpResponse, axis: int) -> Vector:
    """How far the TCP goes along an axis in each action."""
    ends = np.concatenate(([0], path.step_ends))
    return np.diff(path.position[ends, axis])


def end_speed(path: TcpResponse) -> float:
    """Speed of the TCP in the last sample, [m/s]."""
    return float(np.linalg.norm(path.position[-1] - path.position[-2]) / path.times_s[1])


def angle_between(one: Vector, other: Vector) -> float:
    return float(np.linalg.norm(pin.log3(one.T @ other)))


# What was recorded in the training environment.


@pytest.mark.parametrize("kind", KINDS)
def test_recorded_runs_are_answered_as_they_were(
    response: OscPoseResponse, arm: ArmModel, kind: str
) -> None:
    """Mean error of the runs of a kind: 1 mm and 5 mrad after 10 actions, 3 and 15 after 40.

    The recorded pose is that of the last physics step's start.
    """
    with np.load(TRACES) as traces:
        runs = np.flatnonzero(traces["kind"] == kind)
        q0, actions = traces["q0"][runs], traces["actions"][runs, :, :6]
        position, rotation = traces["tcp_pos"][runs], traces["tcp_rot"][runs]
    assert len(runs) >= 5
    errors = np.empty((len(runs), 2, 2))
    for run in range(len(runs)):
        deltas = np.clip(actions[run], -1.0, 1.0) * ACTION_SCALE
        path = respond(response, deltas, OscState(q0[run], np.zeros(7)))
        for column, count in enumerate((10, 40)):
            state = path.state_at(count * CONTROL_DT_S - PHYSICS_STEP_S)
            pose = arm.tcp_pose(state.q)
            errors[run, 0, column] = np.linalg.norm(pose.translation - position[run, count - 1])
            errors[run, 1, column] = angle_between(pose.rotation, rotation[run, count - 1])
    assert (errors.mean(axis=0) <= [[1e-3, 3e-3], [5e-3, 15e-3]]).all(), errors.mean(axis=0)


# What actions do.


@given(rows=st.integers(1, 16))
def test_zero_actions_at_the_posture_move_nothing(response: OscPoseResponse, rows: int) -> None:
    path = respond(response, np.zeros((rows, 6)))
    assert np.abs(path.position - path.position[0]).max() < 1e-6
    assert np.abs(np.asarray(path.q) - START_Q).max() < 1e-6


@given(offset=vectors(-0.1, 0.1, 7))
def test_zero_actions_elsewhere_move_the_posture_but_hardly_the_tcp(
    response: OscPoseResponse, offset: Vector
) -> None:
    path = respond(response, np.zeros((16, 6)), OscState(START_Q + offset, np.zeros(7)))
    assert np.abs(path.position - path.position[0]).max() < 2e-3


@pytest.mark.parametrize(("axis", "sign"), AXES)
def test_first_step_covers_a_tenth_and_later_ones_a_quarter(
    response: OscPoseResponse, axis: int, sign: float
) -> None:
    covered = steps_along(respond(response, one_way(axis, sign * 0.01)), axis) / (sign * 0.01)
    assert 0.08 < covered[0] < 0.14
    assert (covered[6:] > 0.21).all()
    assert (covered[6:] < 0.29).all()
    assert (np.diff(covered[:4]) > 0).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_opposite_commands_lead_to_nearly_opposite_motion(
    response: OscPoseResponse, axis: int
) -> None:
    there = steps_along(respond(response, one_way(axis, 0.01, rows=4)), axis)
    back = steps_along(respond(response, one_way(axis, -0.01, rows=4)), axis)
    np.testing.assert_allclose(there, -back, rtol=0.1)


def test_mirrored_commands_lead_to_mirrored_motion(response: OscPoseResponse) -> None:
    """The start posture is symmetric about the plane y = 0, and so is the arm."""
    left = respond(response, one_way(1, 0.03, rows=8)).position
    right = respond(response, one_way(1, -0.03, rows=8)).position
    count = min(len(left), len(right))
    np.testing.assert_allclose(left[:count] * [1, -1, 1], right[:count], atol=2e-3)


def test_big_commands_are_held_back_by_the_torque_limits(osc_model: OscModel) -> None:
    unlimited = osc_model.plant._replace(torque_limit=np.full(7, 1e6))
    strong = OscPoseResponse(replace(osc_model, plant=unlimited))
    deltas = one_way(0, -0.05) + one_way(4, 0.5)
    clipped = np.asarray(respond(OscPoseResponse(osc_model), deltas).q)[4]
    free = np.asarray(respond(strong, deltas).q)[4]
    assert np.linalg.norm(clipped - START_Q) < 0.9 * np.linalg.norm(free - START_Q)
    small = np.asarray(respond(OscPoseResponse(osc_model), deltas * 0.01).q)
    np.testing.assert_array_equal(small, np.asarray(respond(strong, deltas * 0.01).q))


@given(deltas=chunks())
def test_small_translations_and_yaw_end_nearly_at_rest(
    response: OscPoseResponse, deltas: Vector
) -> None:
    """Larger ones, roll and pitch may leave a slow drift: the wrist is nearly singular there."""
    deltas[:, 3:5] = 0.0
    assert end_speed(respond(response, deltas * 0.1)) < 0.03


@given(deltas=chunks())
def test_a_response_ends_at_rest_or_after_the_longest_tail(
    response: OscPoseResponse, deltas: Vector
) -> None:
    path = respond(response, deltas)
    tail_s = path.times_s[-1] - len(deltas) * CONTROL_DT_S
    assert tail_s + 1e-9 >= 0.0
    assert tail_s <= LONGEST_TAIL_S + 1e-9
    if tail_s < LONGEST_TAIL_S - 1e-9:
        assert end_speed(path) < 0.03


# The rotation goal.


def test_zero_rotation_keeps_or_drops_the_last_rotation_goal(osc_model: OscModel) -> None:
    deltas = np.zeros((12, 6))
    deltas[0, 5] = 0.2
    keeps = respond(OscPoseResponse(osc_model), deltas)
    drops = respond(OscPoseResponse(replace(osc_model, zero_rotation_keeps_goal=False)), deltas)
    ends = [path.rotation[path.step_ends[-1]] for path in (keeps, drops)]
    assert angle_between(keeps.rotation[0], ends[0]) == pytest.approx(0.2, abs=0.03)
    assert angle_between(drops.rotation[0], ends[1]) < 0.12


@pytest.mark.parametrize("keeps", [True, False])
def test_rotation_goal_is_carried_into_the_next_chunk(osc_model: OscModel, keeps: bool) -> None:
    response = OscPoseResponse(replace(osc_model, zero_rotation_keeps_goal=keeps))
    deltas = np.zeros((1, 6))
    deltas[0, 5] = 0.2
    ended = respond(response, deltas).state_at(np.inf)
    assert ended.rotation_goal is not None
    state = OscState(START_Q, np.zeros(7), ended.rotation_goal)
    following = respond(response, np.zeros((12, 6)), state)
    turned = angle_between(following.rotation[0], following.rotation[following.step_ends[-1]])
    assert turned == pytest.approx(0.2 if keeps else 0.0, abs=0.03)


# One motion, however it is divided.


@given(deltas=chunks(12), share=st.floats(0.0, 1.0))
def test_going_on_from_an_actions_end_is_the_same_as_not_stopping(
    response: OscPoseResponse, deltas: Vector, share: float
) -> None:
    deltas = deltas * 0.5
    whole = respond(response, deltas)
    action = min(round(share * len(deltas)), len(deltas) - 1)
    at = action * (whole.step_ends[0])
    rest = respond(response, deltas[action:], whole.state_at(action * CONTROL_DT_S))
    count = min(len(rest.position), len(whole.position) - at)
    assert count == len(rest.position)
    np.testing.assert_allclose(rest.position, whole.position[at:], atol=1e-9)
    np.testing.assert_allclose(rest.rotation, whole.rotation[at:], atol=1e-8)
    np.testing.assert_allclose(np.asarray(rest.q), np.asarray(whole.q)[at:], atol=1e-8)


@given(deltas=chunks(6), share=st.floats(0.0, 1.2))
def test_states_on_the_way_belong_to_the_path(
    response: OscPoseResponse, arm: ArmModel, deltas: Vector, share: float
) -> None:
    path = respond(response, deltas * 0.5)
    time_s = min(share, 1.0) * path.times_s[-1]
    state = path.state_at(share * path.times_s[-1])
    step = 1e-5
    before, after = (path.state_at(time_s + sign * step) for sign in (-1, 1))
    within = step < time_s < path.times_s[-1] - step
    if within:
        np.testing.assert_allclose(state.dq, (after.q - before.q) / (2 * step), atol=0.02)
    for axis in range(3):
        along = np.interp(time_s, path.times_s, path.position[:, axis])
        assert arm.tcp_pose(state.q).translation[axis] == pytest.approx(along, abs=1e-3)


@given(deltas=chunks())
def test_samples_belong_together(response: OscPoseResponse, arm: ArmModel, deltas: Vector) -> None:
    path = respond(response, deltas)
    q = np.asarray(path.q)
    assert path.times_s[-1] <= len(deltas) * CONTROL_DT_S + 0.8 + 1e-9
    assert len(q) == len(path.times_s) == len(path.position) == len(path.rotation)
    np.testing.assert_allclose(np.diff(path.times_s), path.times_s[1])
    np.testing.assert_allclose(
        path.times_s[path.step_ends], CONTROL_DT_S * np.arange(1, len(deltas) + 1)
    )
    np.testing.assert_allclose(arm.tcp_positions(q), path.position, atol=1e-6)
    np.testing.assert_array_equal(path.state_at(0.0).q, START_Q)
    np.testing.assert_allclose(path.state_at(np.inf).q, q[-1], atol=1e-12)


@pytest.mark.parametrize("control_dt_s", [0.001, 0.003, 0.02, 1 / 15, 0.1, 0.5])
def test_any_control_rate_gives_nearly_the_same_motion(
    response: OscPoseResponse, control_dt_s: float
) -> None:
    """Samples of 10 to 17 ms, where the rate allows, in steps like the environment's."""
    path = response.respond(REST, one_way(2, 0.001, rows=3), control_dt_s)
    assert path.times_s[1] <= 0.017 + 1e-9
    np.testing.assert_allclose(path.times_s[path.step_ends], control_dt_s * np.arange(1, 4))


@given(deltas=chunks(8))
def test_shorter_steps_change_little(osc_model: OscModel, deltas: Vector) -> None:
    usual = respond(OscPoseResponse(osc_model), deltas * 0.3)
    fine = respond(OscPoseResponse(replace(osc_model, physics_step_s=0.001)), deltas * 0.3)
    difference = usual.position[usual.step_ends] - fine.position[fine.step_ends]
    assert np.linalg.norm(difference, axis=1).max() < 1e-3


# Where it begins.


@given(q=starts(0.3), goal=st.booleans())
def test_an_arm_with_the_tcp_at_the_modelled_ones_is_that_arm(
    response: OscPoseResponse, arm: ArmModel, q: Vector, goal: bool
) -> None:
    before = OscState(START_Q, np.ones(7), np.eye(3)) if goal else None
    state = response.at_rest(q, arm.tcp_pose(q), before)
    np.testing.assert_array_equal(state.q, q)
    np.testing.assert_array_equal(state.dq, 0.0)
    assert (state.rotation_goal is None) is not goal


@given(q=starts(0.3), tool=st.floats(-0.1, 0.1))
def test_that_arm_may_have_another_tool(
    response: OscPoseResponse, arm: ArmModel, q: Vector, tool: float
) -> None:
    pose = arm.tcp_pose(q) * pin.SE3(pin.exp3(np.array([0, 0, 1.0])), np.array([0, 0, tool]))
    np.testing.assert_array_equal(response.at_rest(q, pose, None).q, q)


@pytest.mark.parametrize("joints", [np.zeros(6), np.array([0, 0.2, 0, 0.8, 0, 0.4, 0.8])])
@given(q=starts(0.3))
def test_of_another_arm_the_modelled_one_has_the_tcps_pose(
    response: OscPoseResponse, arm: ArmModel, joints: Vector, q: Vector
) -> None:
    """An arm with seven joints was taken for the modelled one, whatever its joints did."""
    pose = arm.tcp_pose(q)
    state = response.at_rest(joints, pose, None)
    assert state.q.shape == (7,)
    left = arm.tcp_pose(state.q).actInv(pose)
    assert np.linalg.norm(left.translation) < 1e-5
    assert np.linalg.norm(pin.log3(left.rotation)) < 1e-4


def test_a_pose_that_the_modelled_arm_does_not_reach_is_refused(response: OscPoseResponse) -> None:
    with pytest.raises(MotionRefusedError, match="does not reach") as refusal:
        response.at_rest(np.zeros(6), pin.SE3(np.eye(3), np.array([3.0, 0.0, 0.0])), None)
    assert refusal.value.cause is Cause.UNREACHABLE


def test_singular_postures_are_refused(response: OscPoseResponse) -> None:
    """A failed factorisation was ignored, and its right-hand side taken for the solution."""
    straight = OscState(np.zeros(7), np.zeros(7))
    with pytest.raises(MotionRefusedError, match="singular") as refusal:
        respond(response, one_way(0, 0.05), straight)
    assert refusal.value.cause is Cause.SINGULAR

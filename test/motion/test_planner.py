# SPDX-License-Identifier: Apache-2.0
"""Whatever is planned may be played; whatever cannot be planned is refused with a cause."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from vera_ros.motion.arm_model import ArmModel
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.gate import Gate, GripperLimits
from vera_ros.motion.ik import IkSolver
from vera_ros.motion.limits import Limits
from vera_ros.motion.osc_response import OscPoseResponse
from vera_ros.motion.plan import Plan
from vera_ros.motion.planner import Planner
from vera_ros.motion.response import ResponseState

from .checker import check, played
from .chunks import ACTION_SCALE, CONTROL_DT_S, START_Q, Vector, chunks, starts, vectors
from .conftest import refusal_of

POLICY_LIKE = np.tile([0.3, -0.2, 0.5, 0.0, 0.0, 0.1], (10, 1)) * ACTION_SCALE


@pytest.fixture(scope="module")
def gate(arm: ArmModel, limits: Limits, gripper_limits: GripperLimits) -> Gate:
    return Gate(arm, limits, gripper_limits, lambda _: None, lambda _: None)


def plan_or_none(planner: Planner, deltas: Vector, q: Vector) -> Plan | None:
    """The plan; None when it is refused."""
    plans: list[Plan] = []
    refusal = refusal_of(lambda: plans.append(planner.plan_chunk(deltas, CONTROL_DT_S, q, None)))
    if refusal is None:
        return plans[0]
    assert refusal.cause is not Cause.NONE
    assert str(refusal)
    return None


@given(deltas=chunks(), q=starts())
@example(deltas=np.zeros((1, 6)), q=START_Q)
@example(deltas=np.full((16, 6), 1.0) * ACTION_SCALE, q=START_Q)
@example(deltas=np.full((16, 6), 5e-324), q=START_Q)
def test_plan_keeps_every_limit_or_is_refused(
    planner: Planner, gate: Gate, limits: Limits, deltas: Vector, q: Vector
) -> None:
    plan = plan_or_none(planner, deltas, q)
    if plan is None:
        return
    trajectory = plan.trajectory()
    np.testing.assert_array_equal(trajectory.start_q, plan.spline.derivative(0, 0.0))
    np.testing.assert_allclose(trajectory.start_q, q, atol=1e-9)
    np.testing.assert_allclose(trajectory.start_dq, 0.0, atol=1e-9)
    np.testing.assert_allclose(trajectory.start_ddq, 0.0, atol=1e-6)
    refusal = refusal_of(lambda: gate.check_arm(trajectory, q))
    if refusal is not None:
        assert refusal.cause in (Cause.OUTSIDE_WORKSPACE, Cause.LIMIT_EXCEEDED)
        # What is slowed keeps the rates: only the path itself, or its length, can be refused.
        assert any(word in str(refusal) for word in ("position", "workspace", "longest")), refusal
        return
    check(trajectory, limits)


def test_policy_like_chunks_are_not_refused(planner: Planner, gate: Gate, limits: Limits) -> None:
    plan = planner.plan_chunk(POLICY_LIKE, CONTROL_DT_S, START_Q, None)
    gate.check_arm(plan.trajectory(), START_Q)
    check(plan.trajectory(), limits)


@given(deltas=chunks(), q=starts(0.1), part=st.floats(0.0, 1.2), lead_s=st.floats(0.0, 0.1))
@example(deltas=POLICY_LIKE, q=START_Q, part=0.0, lead_s=0.025)
@example(deltas=POLICY_LIKE, q=START_Q, part=1.0, lead_s=0.025)
def test_stop_may_begin_anywhere_in_a_plan(
    planner: Planner,
    gate: Gate,
    limits: Limits,
    deltas: Vector,
    q: Vector,
    part: float,
    lead_s: float,
) -> None:
    running = plan_or_none(planner, deltas, q)
    if running is None:
        return
    if refusal_of(lambda: gate.check_arm(running.trajectory(), q)) is not None:
        return
    time_s = part * running.duration_s
    now = running.spline.state(time_s)
    stop = planner.plan_stop(running, time_s, lead_s)
    trajectory = stop.trajectory()
    gate.check_arm(trajectory, now[0])
    check(trajectory, limits)
    for name, value in zip(("start_q", "start_dq", "start_ddq"), now, strict=True):
        np.testing.assert_allclose(getattr(trajectory, name), value, atol=1e-6)
    assert stop.duration_s <= max(running.duration_s - time_s, lead_s) + 0.03


@given(part=st.floats(0.05, 0.8))
def test_stop_stays_on_the_path(planner: Planner, part: float) -> None:
    running = planner.plan_chunk(POLICY_LIKE, CONTROL_DT_S, START_Q, None)
    stop = planner.plan_stop(running, part * running.duration_s, 0.025)
    path = running.spline.derivative(0, np.linspace(0.0, running.duration_s, 4000))
    for q in stop.spline.derivative(0, stop.spline.dense_times()):
        assert np.abs(path - q).max(axis=1).min() < 1e-3


def test_stop_repeats_the_plan_until_the_controller_has_it(planner: Planner) -> None:
    running = planner.plan_chunk(POLICY_LIKE, CONTROL_DT_S, START_Q, None)
    stop = planner.plan_stop(running, 0.2, 0.05)
    for ahead in np.linspace(0.0, 0.05, 11):
        np.testing.assert_allclose(
            stop.spline.derivative(0, ahead), running.spline.derivative(0, 0.2 + ahead), atol=1e-5
        )
    assert stop.duration_s < running.duration_s - 0.2


@given(q=starts(0.3), goal=starts(0.3), share=st.floats(0.05, 1.0))
@example(q=START_Q, goal=START_Q, share=0.1)
def test_move_goes_to_its_goal_within_the_limits(
    planner: Planner, gate: Gate, limits: Limits, q: Vector, goal: Vector, share: float
) -> None:
    plan = planner.plan_move(q, goal, share)
    assume(plan.duration_s <= limits.duration_s)
    gate.check_arm(plan.trajectory(), q)
    check(plan.trajectory(), limits)
    np.testing.assert_allclose(plan.trajectory().q[-1], goal, atol=1e-9)
    assert np.abs(plan.trajectory().dq).max() <= share * limits.velocity.max() * 1.001


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, np.nan, np.inf])
def test_move_refuses_shares_out_of_range(planner: Planner, share: float) -> None:
    with pytest.raises(MotionRefusedError, match="share"):
        planner.plan_move(START_Q, START_Q + 0.1, share)


@pytest.mark.parametrize("bad", [np.full(7, np.nan), np.zeros(6), np.full(7, np.inf)])
def test_move_refuses_positions_that_are_none(planner: Planner, bad: Vector) -> None:
    with pytest.raises(MotionRefusedError, match="goal"):
        planner.plan_move(START_Q, bad, 0.5)
    with pytest.raises(MotionRefusedError, match="start") as refusal:
        planner.plan_move(bad, START_Q, 0.5)
    assert refusal.value.cause is Cause.NO_JOINT_STATES


@given(deltas=chunks(), q=starts(0.1))
def test_tcp_follows_the_response_at_the_step_times(
    planner: Planner, arm: ArmModel, response: OscPoseResponse, deltas: Vector, q: Vector
) -> None:
    plan = plan_or_none(planner, deltas, q)
    if plan is None:
        return
    expected = response.respond(ResponseState(q, np.zeros(7), None), deltas, CONTROL_DT_S)
    assert len(plan.step_times_s) == len(deltas)
    assert (np.diff(plan.step_times_s, prepend=0.0) > 0).all()
    curve = played(plan.trajectory())
    for index, time_s in zip(expected.step_ends, plan.step_times_s, strict=True):
        pose = arm.tcp_pose(curve(time_s))
        error = np.linalg.norm(pose.translation - expected.tcp_position[index])
        turned = expected.tcp_rotation[index].T @ pose.rotation
        assert error < 1e-4
        assert np.arccos(np.clip((np.trace(turned) - 1) / 2, -1, 1)) < 1e-3
    assert plan.ik_error_m <= 1e-5
    assert plan.ik_error_rad <= 1e-4


def test_another_tool_makes_the_same_motion(
    urdf: str, response: OscPoseResponse, limits: Limits, planner: Planner
) -> None:
    other = ArmModel(urdf, [f"panda_joint{i}" for i in range(1, 8)], tcp_frame="panda_hand")
    plan = Planner(other, response, limits, IkSolver(other)).plan_chunk(
        POLICY_LIKE, CONTROL_DT_S, START_Q, None
    )
    nominal = planner.plan_chunk(POLICY_LIKE, CONTROL_DT_S, START_Q, None)
    moved = plan.tcp_path[-5] - plan.tcp_path[0]
    np.testing.assert_allclose(moved, nominal.tcp_path[-5] - nominal.tcp_path[0], atol=5e-3)


def test_tcp_limits_stretch_the_plan(
    arm: ArmModel, response: OscPoseResponse, limits: Limits, gripper_limits: GripperLimits
) -> None:
    slow = replace(limits, tcp_speed_m_s=0.05, tcp_turn_rad_s=0.1)
    plan = Planner(arm, response, slow, IkSolver(arm)).plan_chunk(
        POLICY_LIKE, CONTROL_DT_S, START_Q, None
    )
    assert plan.time_stretch > 1.5
    Gate(arm, slow, gripper_limits, lambda _: None, lambda _: None).check_arm(
        plan.trajectory(), START_Q
    )
    check(plan.trajectory(), slow)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("control_dt_s", [0.001, 0.01, 1.0])
def test_shortest_chunks_of_any_rate_are_planned(
    planner: Planner, limits: Limits, rows: int, control_dt_s: float
) -> None:
    """A response of two samples had no third one to take the last acceleration from."""
    plan = planner.plan_chunk(np.zeros((rows, 6)), control_dt_s, START_Q, None)
    check(plan.trajectory(), limits)


@pytest.mark.parametrize(
    "deltas",
    [
        np.zeros((0, 6)),
        np.zeros((3, 7)),
        np.zeros(6),
        np.full((2, 6), np.nan),
        np.full((2, 6), np.inf),
        np.full((2, 6), 1e300),
    ],
)
def test_chunks_that_are_none_are_refused(planner: Planner, deltas: Vector) -> None:
    with pytest.raises(MotionRefusedError) as refusal:
        planner.plan_chunk(deltas, CONTROL_DT_S, START_Q, None)
    assert refusal.value.cause is Cause.INVALID_CHUNK


@given(exponent=st.floats(-1.0, 308.0), direction=vectors(-1.0, 1.0, 6))
def test_huge_deltas_are_refused_with_a_cause(
    planner: Planner, gate: Gate, exponent: float, direction: Vector
) -> None:
    plan = plan_or_none(planner, np.tile(direction * 10.0**exponent, (3, 1)), START_Q)
    if plan is None:
        return
    refusal = refusal_of(lambda: gate.check_arm(plan.trajectory(), START_Q))
    if refusal is not None:
        assert refusal.cause in (Cause.OUTSIDE_WORKSPACE, Cause.LIMIT_EXCEEDED)


@pytest.mark.parametrize("control_dt_s", [0.0, -0.05, np.nan, np.inf, 1e-9, 10.0])
def test_action_durations_out_of_range_are_refused(planner: Planner, control_dt_s: float) -> None:
    with pytest.raises(MotionRefusedError, match="valid is") as refusal:
        planner.plan_chunk(np.zeros((2, 6)), control_dt_s, START_Q, None)
    assert refusal.value.cause is Cause.INVALID_CHUNK


def test_chunks_longer_than_the_longest_trajectory_are_refused(planner: Planner) -> None:
    with pytest.raises(MotionRefusedError, match="longest") as refusal:
        planner.plan_chunk(np.zeros((1000, 6)), CONTROL_DT_S, START_Q, None)
    assert refusal.value.cause is Cause.LIMIT_EXCEEDED


def test_bad_start_is_refused(planner: Planner) -> None:
    with pytest.raises(MotionRefusedError) as refusal:
        planner.plan_chunk(np.zeros((1, 6)), CONTROL_DT_S, np.full(7, np.nan), None)
    assert refusal.value.cause is Cause.NO_JOINT_STATES


def test_out_of_reach_is_refused(planner: Planner) -> None:
    with pytest.raises(MotionRefusedError) as refusal:
        planner.plan_chunk(np.tile([0.5, 0, 0.5, 0, 0, 0], (16, 1)), CONTROL_DT_S, START_Q, None)
    assert refusal.value.cause is Cause.UNREACHABLE


def test_commanded_translation_is_summed(planner: Planner) -> None:
    plan = planner.plan_chunk(POLICY_LIKE, CONTROL_DT_S, START_Q, None)
    expected = np.linalg.norm(POLICY_LIKE[:, :3], axis=1).sum()
    assert plan.executed_trans_m == pytest.approx(expected)

# SPDX-License-Identifier: Apache-2.0
"""Whatever is planned may be played, as far as the arm can go; the rest is refused with a cause."""

from dataclasses import replace

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import ACTION_S
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.joint_path import Obstacles
from vera_ros.motion.planning.joint_spline import JointSpline
from vera_ros.motion.planning.plan import Plan
from vera_ros.motion.planning.tcp_path import PathFinder, SingularityBounds
from vera_ros.motion.response.direct import DirectResponse
from vera_ros.motion.response.osc_pose import OscPoseResponse, OscState
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.trajectory import ArmState
from verification.judge.played import played, state_at

from ..checker import check
from ..chunks import (
    ACTION_SCALE,
    CONTROL_DT_S,
    POLICY_LIKE,
    START_Q,
    Vector,
    chunks,
    starts,
    vectors,
)
from ..conftest import JOINTS, plan_or_none, refusal_of

NOW_S = 1.7e9
BOUNDS = SingularityBounds(70.0, 140.0)


def planner_of(
    arm: ArmModel,
    response: OscPoseResponse | DirectResponse,
    limits: Limits,
    *,
    obstacles: Obstacles | None = None,
    speed_scale: float = 1.0,
) -> ChunkPlanner:
    paths = PathFinder(arm, limits, BOUNDS, obstacles)
    return ChunkPlanner(arm, response, limits, paths, speed_scale)


def plan_from(planner: ChunkPlanner, deltas: Vector = POLICY_LIKE, q: Vector = START_Q) -> Plan:
    return planner.plan_chunk(deltas, CONTROL_DT_S, planner.from_rest(q))


def tcp_path(arm: ArmModel, spline: JointSpline, count: int = 600) -> Vector:
    times = np.linspace(0.0, spline.duration_s, count)
    return arm.tcp_positions(spline.derivative(0, times))


def distance_to(path: Vector, points: Vector) -> float:
    """The largest distance of a point to a path's nearest segment."""
    begin, along = path[:-1], np.diff(path, axis=0)
    square = np.maximum((along**2).sum(axis=1), 1e-18)
    worst = 0.0
    for point in points:
        share = np.clip(((point - begin) * along).sum(axis=1) / square, 0.0, 1.0)
        nearest = begin + share[:, None] * along
        worst = max(worst, float(np.linalg.norm(point - nearest, axis=1).min()))
    return worst


# Limits.


@given(deltas=chunks(), q=starts())
@example(deltas=np.zeros((1, 6)), q=START_Q)
@example(deltas=np.full((16, 6), 1.0) * ACTION_SCALE, q=START_Q)
@example(deltas=np.full((16, 6), 5e-324), q=START_Q)
def test_plan_keeps_every_limit_or_is_refused(
    chunk_planner: ChunkPlanner, gate: Gate, limits: Limits, deltas: Vector, q: Vector
) -> None:
    plan = plan_or_none(chunk_planner, deltas, q)
    if plan is None:
        return
    trajectory = plan.trajectory()
    np.testing.assert_array_equal(trajectory.start_q, plan.spline.derivative(0, 0.0))
    np.testing.assert_allclose(trajectory.start_q, q, atol=1e-9)
    np.testing.assert_allclose(trajectory.start_dq, 0.0, atol=1e-9)
    np.testing.assert_allclose(trajectory.start_ddq, 0.0, atol=1e-6)
    refusal = refusal_of(lambda: gate.check_arm(trajectory, ArmState(q), NOW_S))
    if refusal is not None:
        # Coming to rest, or the spline near a joint's limit, may lead out of a range by a little.
        assert any(word in str(refusal) for word in ("position of joint", "workspace")), refusal
        return
    check(trajectory, limits)


def test_policy_like_chunks_are_played_whole(
    chunk_planner: ChunkPlanner, gate: Gate, limits: Limits
) -> None:
    plan = plan_from(chunk_planner)
    assert plan.cut is None
    gate.check_arm(plan.trajectory(), ArmState(START_Q), NOW_S)
    check(plan.trajectory(), limits)
    expected = np.linalg.norm(POLICY_LIKE[:, :3], axis=1).sum()
    assert plan.executed_trans_m == pytest.approx(expected)
    assert len(plan.step_times_s) == len(POLICY_LIKE)


@given(deltas=chunks(), q=starts(0.1))
def test_tcp_follows_the_response_at_the_step_times(
    chunk_planner: ChunkPlanner,
    arm: ArmModel,
    response: OscPoseResponse,
    deltas: Vector,
    q: Vector,
) -> None:
    plan = plan_or_none(chunk_planner, deltas, q)
    if plan is None:
        return
    expected = response.respond(OscState(q, np.zeros(7)), deltas, CONTROL_DT_S)
    assert (len(plan.step_times_s) == len(deltas)) or plan.cut is not None
    assert (np.diff(plan.step_times_s, prepend=0.0) > 0).all()
    curve = played(plan.trajectory())
    if not deltas.any():  # the modelled arm creeps towards its posture; this one stands
        for time_s in plan.step_times_s:
            np.testing.assert_allclose(curve(time_s), q, atol=1e-9)
        return
    for index, time_s in zip(expected.step_ends, plan.step_times_s, strict=False):
        pose = arm.tcp_pose(curve(time_s))
        assert np.linalg.norm(pose.translation - expected.position[index]) < 2e-4
        turned = expected.rotation[index].T @ pose.rotation
        assert np.linalg.norm(pin.log3(turned)) < 2e-3
    assert plan.ik_error_m <= 1e-6
    assert plan.ik_error_rad <= 1e-5


@pytest.mark.parametrize(
    ("speed", "turn", "least"), [(0.05, 0.1, 2.0), (1.7, 0.05, 2.0), (0.03, 2.5, 2.0)]
)
def test_tcp_limits_stretch_the_plan_and_keep_its_path(
    arm: ArmModel,
    response: OscPoseResponse,
    limits: Limits,
    chunk_planner: ChunkPlanner,
    speed: float,
    turn: float,
    least: float,
) -> None:
    slow = replace(limits, rates=limits.rates.slower(limits.rates.joints[0], speed, turn))
    plan = plan_from(planner_of(arm, response, slow))
    assert plan.time_stretch > least
    check(plan.trajectory(), slow)
    nominal = tcp_path(arm, plan_from(chunk_planner).spline)
    assert distance_to(nominal, tcp_path(arm, plan.spline, 200)) < 2e-4


@given(scale=st.floats(0.05, 1.0), deltas=chunks(8))
def test_the_speed_scale_slows_everything_and_keeps_the_path(
    arm: ArmModel, response: OscPoseResponse, limits: Limits, scale: float, deltas: Vector
) -> None:
    limits = replace(limits, duration_s=100.0)
    plans = [
        plan_or_none(planner_of(arm, response, limits, speed_scale=of), 0.3 * deltas, START_Q)
        for of in (1.0, scale)
    ]
    assume(plans[0] is not None)
    usual, slow = plans
    assert usual is not None
    assert slow is not None
    assert slow.time_stretch >= 1 / scale - 1e-6
    check(slow.trajectory(), limits)
    assert slow.executed_trans_m == usual.executed_trans_m
    assert len(slow.step_times_s) == len(usual.step_times_s)
    assert distance_to(tcp_path(arm, usual.spline), tcp_path(arm, slow.spline, 100)) < 3e-4


@pytest.mark.parametrize("scale", [0.0, -1.0, 1.5, np.nan, 0.001])
def test_speed_scales_out_of_range_are_refused(
    arm: ArmModel, response: OscPoseResponse, limits: Limits, scale: float
) -> None:
    with pytest.raises(ConfigurationError, match=r"speed_scale is .*; valid is 0.01 to 1"):
        planner_of(arm, response, limits, speed_scale=scale)


def test_a_chunk_that_would_hardly_move_is_refused(
    arm: ArmModel, response: OscPoseResponse, limits: Limits
) -> None:
    rates = limits.rates.slower(limits.rates.joints[0], 0.002, 2.5)
    crawling = replace(limits, rates=rates, duration_s=1e3)
    with pytest.raises(MotionRefusedError, match="would stretch the chunk") as refusal:
        plan_from(planner_of(arm, response, crawling))
    assert refusal.value.cause is Cause.LIMIT_EXCEEDED


# As far as the arm can go.


def boxed(limits: Limits, at: Vector, room: float) -> Limits:
    return replace(limits, workspace_lower=at - room, workspace_upper=at + room)


@given(direction=vectors(-1.0, 1.0, 3), room=st.floats(0.02, 0.08))
def test_a_chunk_that_leaves_the_workspace_is_played_up_to_there(
    arm: ArmModel,
    response: OscPoseResponse,
    limits: Limits,
    direction: Vector,
    room: float,
) -> None:
    assume(np.linalg.norm(direction) > 0.3)
    deltas = np.zeros((40, 6))
    deltas[:, :3] = 0.05 * direction / np.abs(direction).max()
    at = arm.tcp_pose(START_Q).translation
    box = boxed(limits, at, room)
    plan = plan_or_none(planner_of(arm, response, box), deltas, START_Q)
    assume(plan is not None)
    assert plan is not None
    assert plan.cut is not None
    assert plan.cut.cause in (Cause.OUTSIDE_WORKSPACE, Cause.SINGULAR, Cause.UNREACHABLE)
    check(plan.trajectory(), box)
    played_steps = len(plan.step_times_s)
    assert played_steps < len(deltas)
    expected = np.linalg.norm(deltas[:played_steps, :3], axis=1).sum()
    assert plan.executed_trans_m == pytest.approx(expected)
    whole = response.respond(OscState(START_Q, np.zeros(7)), deltas, CONTROL_DT_S)
    path = tcp_path(arm, plan.spline, 200)
    assert distance_to(whole.position, path) < 1e-3
    if plan.cut.cause is Cause.OUTSIDE_WORKSPACE:  # it goes close to the wall
        assert np.abs(path[-1] - at).max() > room - 0.03


@pytest.mark.parametrize(
    ("way", "cause"),
    [
        ([0.5, 0, 0.5, 0, 0, 0], (Cause.UNREACHABLE, Cause.SINGULAR, Cause.OUTSIDE_WORKSPACE)),
        ([0, 0, -0.05, 0, 0, 0], (Cause.OUTSIDE_WORKSPACE, Cause.UNREACHABLE)),
    ],
)
def test_a_chunk_that_goes_too_far_says_why_it_ends(
    chunk_planner: ChunkPlanner,
    gate: Gate,
    limits: Limits,
    way: list[float],
    cause: tuple[Cause, ...],
) -> None:
    deltas = np.tile(way, (60, 1))
    plan = plan_or_none(chunk_planner, deltas, START_Q)
    assert plan is not None
    assert plan.cut is not None
    assert plan.cut.cause in cause
    assert 0 < len(plan.step_times_s) < len(deltas)
    gate.check_arm(plan.trajectory(), ArmState(START_Q), NOW_S)
    check(plan.trajectory(), limits)


@pytest.mark.parametrize("room", [0.0, 1e-3, 2.5e-3])
def test_a_chunk_of_which_nothing_can_be_played_is_refused(
    arm: ArmModel, response: OscPoseResponse, limits: Limits, room: float
) -> None:
    low = limits.workspace_lower.copy()
    low[2] = arm.tcp_pose(START_Q).translation[2] - room
    down = np.tile([0, 0, -0.05, 0, 0, 0], (10, 1))
    planner = planner_of(arm, response, replace(limits, workspace_lower=low))
    refusal = refusal_of(lambda: plan_from(planner, down))
    assert refusal is not None
    assert refusal.cause is Cause.OUTSIDE_WORKSPACE
    assert plan_from(planner, -down).cut is None  # and up is free


class Wall:
    """Obstacles that are too close from a sample on."""

    def __init__(self, first: int) -> None:
        self.first = first

    def first_too_close(self, q: Vector) -> tuple[int, object] | None:
        return (self.first, "the table, 3 mm") if self.first < len(q) else None


@pytest.mark.parametrize("first", [0, 1, 2, 3, 4, 5, 8, 20, 40])
def test_a_chunk_into_an_obstacle_is_played_up_to_it_or_refused(
    arm: ArmModel, response: OscPoseResponse, limits: Limits, first: int
) -> None:
    planner = planner_of(arm, response, limits, obstacles=Wall(first))
    plans: list[Plan] = []
    refusal = refusal_of(lambda: plans.append(plan_from(planner)))
    if refusal is not None:
        assert first < 8  # not even the first action would be complete
        assert refusal.cause is Cause.COLLISION
        return
    assert plans[0].cut is not None
    assert plans[0].cut.cause is Cause.COLLISION
    check(plans[0].trajectory(), limits)


# Where it begins.


@given(q=starts(0.2), lead_s=st.one_of(st.just(0.0), st.floats(0.01, 2.0)))
def test_an_arm_at_rest_holds_still_until_the_chunk_begins(
    chunk_planner: ChunkPlanner, limits: Limits, q: Vector, lead_s: float
) -> None:
    start = chunk_planner.from_rest(q, None, lead_s)
    assert start.lead_s == pytest.approx(lead_s)
    plan = chunk_planner.plan_chunk(0.3 * POLICY_LIKE, CONTROL_DT_S, start)
    usual = chunk_planner.plan_chunk(0.3 * POLICY_LIKE, CONTROL_DT_S, chunk_planner.from_rest(q))
    trajectory = plan.trajectory()
    check(trajectory, limits)
    assert plan.chunk is not None
    assert plan.chunk.begins_s == pytest.approx(lead_s)
    held = plan.spline.derivative(0, np.linspace(0.0, lead_s, 20))
    np.testing.assert_allclose(held, np.tile(q, (20, 1)), atol=1e-4)
    np.testing.assert_allclose(plan.step_times_s, lead_s + usual.step_times_s, atol=1e-6)
    for time_s in np.linspace(0.0, usual.duration_s, 10):
        np.testing.assert_allclose(
            plan.spline.derivative(0, lead_s + time_s),
            usual.spline.derivative(0, time_s),
            atol=1e-3,
        )


def test_the_state_of_the_chunk_before_carries_over(chunk_planner: ChunkPlanner) -> None:
    turn = np.zeros((1, 6))
    turn[0, 5] = 0.3
    first = plan_from(chunk_planner, turn)
    assert first.chunk is not None
    before = first.chunk.response.state_at(first.chunk.until_s)
    ended = first.spline.state(first.duration_s)[0]
    still = np.zeros((10, 6))
    carried, fresh = (
        chunk_planner.plan_chunk(still, CONTROL_DT_S, chunk_planner.from_rest(ended, state))
        for state in (before, None)
    )
    moved = [
        np.abs(plan.spline.derivative(0, plan.duration_s) - ended).max()
        for plan in (carried, fresh)
    ]
    assert moved[0] > 3 * moved[1]


@pytest.mark.parametrize("bad", [np.full(7, np.nan), np.zeros(6), np.full(7, np.inf)])
def test_bad_start_is_refused(chunk_planner: ChunkPlanner, bad: Vector) -> None:
    with pytest.raises(MotionRefusedError) as refusal:
        chunk_planner.from_rest(bad)
    assert refusal.value.cause is Cause.NO_JOINT_STATES


# Other arms and other responses.


def test_another_tool_makes_the_same_motion(
    urdf: str, response: OscPoseResponse, limits: Limits, chunk_planner: ChunkPlanner, arm: ArmModel
) -> None:
    other = ArmModel(urdf, JOINTS, tcp_frame="panda_hand")
    plan, nominal = plan_from(planner_of(other, response, limits)), plan_from(chunk_planner)
    moved, expected = (
        model.tcp_pose(of.spline.derivative(0, of.step_times_s[-1]))
        for model, of in ((other, plan), (arm, nominal))
    )
    begun, expected_begun = other.tcp_pose(START_Q), arm.tcp_pose(START_Q)
    np.testing.assert_allclose(
        moved.translation - begun.translation,
        expected.translation - expected_begun.translation,
        atol=1e-4,
    )
    np.testing.assert_allclose(
        moved.rotation @ begun.rotation.T, expected.rotation @ expected_begun.rotation.T, atol=1e-3
    )


def test_an_arm_of_six_joints_makes_the_same_motion(
    urdf: str, response: OscPoseResponse, limits: Limits, chunk_planner: ChunkPlanner, arm: ArmModel
) -> None:
    """The third joint is stuck at zero, where the start posture has it."""
    names = [name for name in JOINTS if name != "panda_joint3"]
    six = ArmModel(urdf, names)
    kept = [0, 1, 3, 4, 5, 6]
    rates = replace(limits.rates, joints=limits.rates.joints[:, kept])
    fewer = replace(limits, lower=six.lower, upper=six.upper, rates=rates)
    plan = plan_from(planner_of(six, response, fewer), POLICY_LIKE, START_Q[kept])
    nominal = plan_from(chunk_planner)
    assert plan.cut is None
    ends = [
        model.tcp_pose(of.spline.derivative(0, of.step_times_s[-1]))
        for model, of in ((six, plan), (arm, nominal))
    ]
    np.testing.assert_allclose(ends[0].homogeneous, ends[1].homogeneous, atol=2e-3)


@given(q=starts(0.1), seed=st.integers(0, 2**32 - 1))
def test_the_direct_response_moves_by_the_deltas(
    arm: ArmModel, limits: Limits, q: Vector, seed: int
) -> None:
    delta = np.random.default_rng(seed).uniform(-0.005, 0.005, 6)
    deltas = np.sin(np.linspace(0.3, 2.8, 8))[:, None] * delta
    planner = planner_of(arm, DirectResponse(0.02, 0.1), limits)
    plan = plan_or_none(planner, deltas, q)
    assert plan is not None
    check(plan.trajectory(), limits)
    if plan.cut is not None:
        return
    moved = arm.tcp_pose(plan.trajectory().q[-1]).translation - arm.tcp_pose(q).translation
    np.testing.assert_allclose(moved, deltas[:, :3].sum(axis=0), atol=5e-4)


# What is no chunk.


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("control_dt_s", [*ACTION_S, 0.01])
def test_shortest_chunks_of_any_rate_are_planned(
    chunk_planner: ChunkPlanner, limits: Limits, rows: int, control_dt_s: float
) -> None:
    """A response of two samples had no third one to take the last acceleration from."""
    start = chunk_planner.from_rest(START_Q)
    plan = chunk_planner.plan_chunk(np.zeros((rows, 6)), control_dt_s, start)
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
        np.full((2, 6), 1.01),
    ],
)
def test_chunks_that_are_none_are_refused(chunk_planner: ChunkPlanner, deltas: Vector) -> None:
    with pytest.raises(MotionRefusedError) as refusal:
        plan_from(chunk_planner, deltas)
    assert refusal.value.cause is Cause.INVALID_CHUNK


@given(exponent=st.floats(-1.0, 308.0), direction=vectors(-1.0, 1.0, 6))
def test_huge_deltas_are_refused_with_a_cause(
    chunk_planner: ChunkPlanner,
    gate: Gate,
    limits: Limits,
    exponent: float,
    direction: Vector,
) -> None:
    deltas = np.tile(direction * 10.0**exponent, (3, 1))
    plan = plan_or_none(chunk_planner, deltas, START_Q)
    if plan is None:
        return
    refusal = refusal_of(lambda: gate.check_arm(plan.trajectory(), ArmState(START_Q), NOW_S))
    if refusal is None:
        check(plan.trajectory(), limits)


@pytest.mark.parametrize("control_dt_s", [0.0, -0.05, np.nan, np.inf, 1e-9, 10.0])
def test_action_durations_out_of_range_are_refused(
    chunk_planner: ChunkPlanner, control_dt_s: float
) -> None:
    start = chunk_planner.from_rest(START_Q)
    with pytest.raises(MotionRefusedError, match="valid is") as refusal:
        chunk_planner.plan_chunk(np.zeros((2, 6)), control_dt_s, start)
    assert refusal.value.cause is Cause.INVALID_CHUNK


def test_chunks_longer_than_the_longest_trajectory_are_refused(
    chunk_planner: ChunkPlanner,
) -> None:
    with pytest.raises(MotionRefusedError, match="longest") as refusal:
        plan_from(chunk_planner, np.zeros((1000, 6)))
    assert refusal.value.cause is Cause.LIMIT_EXCEEDED


def test_planning_keeps_no_state(chunk_planner: ChunkPlanner) -> None:
    first, _, again = (
        plan_from(chunk_planner, deltas) for deltas in (POLICY_LIKE, -POLICY_LIKE, POLICY_LIKE)
    )
    for one, other in zip(
        state_at(first.trajectory(), 0.3), state_at(again.trajectory(), 0.3), strict=True
    ):
        np.testing.assert_array_equal(one, other)

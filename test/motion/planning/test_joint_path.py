# SPDX-License-Identifier: Apache-2.0
"""Chunks of joint actions keep every limit, on a planar robot, two arms and a hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.joint_path import JointPaths
from vera_ros.motion.planning.start import in_motion
from verification.judge.bounds import Start, TrajectoryBounds
from verification.judge.checker import Checker
from verification.judge.played import state_at
from verification.rig import Rig
from verification.robots import ROBOTS, Robot, make_joint_rig

from ..chunks import Vector
from ..conftest import refusal_of

few = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
SEEDS = st.integers(0, 2**32 - 1)


class Bench:
    """A robot, its motion stack, and the judge of its trajectories."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self.rig: Rig = make_joint_rig(robot)
        self.checker = Checker(robot.urdf.read_text(), robot.joints, robot.base, *robot.tips)
        self.bounds = TrajectoryBounds.of(self.rig.limits)

    def posture(self, rng: np.random.Generator) -> Vector:
        q = self.robot.start_q + rng.uniform(-0.1, 0.1, self.robot.n)
        return np.clip(q, self.rig.limits.lower, self.rig.limits.upper)

    def actions(self, rng: np.random.Generator) -> Vector:
        """Displacements of 1 to 12 actions, correlated in time."""
        rows = int(rng.integers(1, 13))
        noise = rng.standard_normal((rows, self.robot.n)).cumsum(axis=0)
        scale = rng.choice([0.1, 0.5]) * self.robot.step
        return np.asarray(noise / np.sqrt(np.arange(1, rows + 1))[:, None] * scale)

    def judge(self, trajectory: object, start: Start | None = None) -> None:
        assert self.checker.violations(trajectory, self.bounds, start) == []


@pytest.fixture(scope="module", params=list(ROBOTS))
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(ROBOTS[request.param])


def test_the_robots_are_those_of_their_descriptions(bench: Bench) -> None:
    arm = bench.rig.arm
    assert arm.n == bench.robot.n
    assert arm.base_frame == bench.robot.base
    assert tuple(tip.frame for tip in arm.tips) == bench.robot.tips


@few
@given(seed=SEEDS)
def test_a_plan_keeps_every_limit_or_is_refused(bench: Bench, seed: int) -> None:
    rng = np.random.default_rng(seed)
    q, actions = bench.posture(rng), bench.actions(rng)
    try:
        plan = bench.rig.plan(q, actions, bench.robot.control_dt_s)
    except MotionRefusedError:
        return
    trajectory = plan.trajectory()
    still = np.zeros(bench.robot.n)
    bench.judge(trajectory, Start(q, still, still))
    bench.rig.check(trajectory, q)
    assert np.isfinite(plan.executed_trans_m)
    assert plan.ik_error_m == plan.ik_error_rad == 0.0
    assert (len(plan.step_times_s) == len(actions)) or plan.cut is not None


@few
@given(seed=SEEDS, rows=st.integers(1, 12))
def test_zero_displacements_do_not_move(bench: Bench, seed: int, rows: int) -> None:
    q = bench.posture(np.random.default_rng(seed))
    plan = bench.rig.plan(q, np.zeros((rows, bench.robot.n)), bench.robot.control_dt_s)
    np.testing.assert_allclose(
        plan.trajectory().q, np.broadcast_to(q, plan.trajectory().q.shape), atol=1e-12
    )
    assert plan.executed_trans_m == pytest.approx(0.0, abs=1e-9)
    assert not plan.clipped


@few
@given(seed=SEEDS, part=st.floats(0.05, 0.95))
def test_a_chunk_takes_over_in_motion(bench: Bench, seed: int, part: float) -> None:
    rng = np.random.default_rng(seed)
    dt_s, chunks = bench.robot.control_dt_s, bench.rig.chunks
    try:
        first = bench.rig.plan(bench.posture(rng), bench.actions(rng), dt_s)
        time_s = part * first.duration_s
        start = in_motion(first, time_s, 0.05)
        if start is None:  # it comes to rest already
            return
        second = chunks.plan_chunk(bench.actions(rng), dt_s, start)
    except MotionRefusedError:
        return
    trajectory = second.trajectory()
    bench.judge(trajectory, Start(*state_at(first.trajectory(), time_s)))
    for later_s in (0.0, 0.02, 0.05):
        old, _, _ = first.spline.state(time_s + later_s)
        np.testing.assert_allclose(second.spline.state(later_s)[0], old, atol=1e-9)


@few
@given(seed=SEEDS, part=st.floats(0.0, 1.0))
def test_a_stop_keeps_every_limit(bench: Bench, seed: int, part: float) -> None:
    rng = np.random.default_rng(seed)
    try:
        plan = bench.rig.plan(bench.posture(rng), bench.actions(rng), bench.robot.control_dt_s)
    except MotionRefusedError:
        return
    time_s = part * plan.duration_s
    stop = bench.rig.planner.plan_stop(plan, time_s, 0.0125)
    bench.judge(stop.trajectory(), Start(*state_at(plan.trajectory(), time_s)))
    assert stop.duration_s <= plan.duration_s - time_s + 0.1


def test_a_move_keeps_every_limit(bench: Bench) -> None:
    rng = np.random.default_rng(1)
    q = bench.posture(rng)
    move = bench.rig.plan_move(q, bench.robot.start_q)
    bench.judge(move.trajectory())
    np.testing.assert_allclose(move.trajectory().q[-1], bench.robot.start_q, atol=1e-9)


def test_targets_beyond_the_ranges_are_clipped(bench: Bench) -> None:
    """A joint is pushed on and on: it stops before the end of its range, and all is played."""
    robot, limits = bench.robot, bench.rig.limits
    actions = np.zeros((60, robot.n))
    actions[:, 0] = (limits.upper[0] - robot.start_q[0]) / 40
    free = ChunkPlanner(
        bench.rig.arm, bench.rig.response, limits, JointPaths(bench.rig.arm, limits)
    )
    plan = free.plan_chunk(actions, robot.control_dt_s, free.from_rest(robot.start_q))
    assert plan.clipped
    assert plan.cut is None
    bench.judge(plan.trajectory())
    assert plan.trajectory().q[-1, 0] == pytest.approx(limits.upper[0], abs=3e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bench: Bench, value: float) -> None:
    actions = np.zeros((3, bench.robot.n))
    actions[1, -1] = value
    refusal = refusal_of(lambda: bench.rig.plan(bench.robot.start_q, actions))
    assert refusal is not None
    assert refusal.cause is Cause.INVALID_CHUNK
    assert "not finite" in str(refusal)


@pytest.mark.parametrize("more", [-1, 1])
def test_another_number_of_columns_is_refused(bench: Bench, more: int) -> None:
    actions = np.zeros((3, bench.robot.n + more))
    refusal = refusal_of(lambda: bench.rig.plan(bench.robot.start_q, actions))
    assert refusal is not None
    assert refusal.cause is Cause.INVALID_CHUNK
    assert f"valid is (H, {bench.robot.n})" in str(refusal)


def test_an_implausible_displacement_is_refused(bench: Bench) -> None:
    actions = np.zeros((3, bench.robot.n))
    actions[2, 1] = 100.0
    refusal = refusal_of(lambda: bench.rig.plan(bench.robot.start_q, actions))
    assert refusal is not None
    assert "100 in column 2" in str(refusal)


def test_a_start_beyond_a_range_is_refused(bench: Bench) -> None:
    """The message has the joint, its position, the range, and the unit."""
    arm, q = bench.rig.arm, bench.robot.start_q.copy()
    q[-1] = bench.rig.limits.upper[-1] + 0.01
    refusal = refusal_of(lambda: bench.rig.plan(q, np.zeros((1, arm.n))))
    assert refusal is not None
    assert refusal.cause is Cause.LIMIT_EXCEEDED
    unit = "m" if bench.robot.base == "picture" else "rad"
    assert f"joint '{arm.joint_names[-1]}' is at {q[-1]:.4f} {unit};" in str(refusal)


def test_a_path_out_of_the_workspace_is_cut(bench: Bench) -> None:
    """Each tip keeps to the box."""
    arm, limits, robot = bench.rig.arm, bench.rig.limits, bench.robot
    tips = np.array([tip.poses(robot.start_q[None])[0][0] for tip in arm.tips])
    box = replace(
        limits, workspace_lower=tips.min(axis=0) - 0.02, workspace_upper=tips.max(axis=0) + 0.02
    )
    planner = ChunkPlanner(arm, bench.rig.response, box, JointPaths(arm, box))
    actions = np.tile(robot.step * 0.4, (20, 1))
    refusal = None
    try:
        plan = planner.plan_chunk(actions, robot.control_dt_s, planner.from_rest(robot.start_q))
    except MotionRefusedError as error:
        refusal = error
    cut = refusal.reason if refusal is not None else plan.cut
    assert cut is not None
    assert cut.cause is Cause.OUTSIDE_WORKSPACE
    named = bench.robot.tips if len(arm.tips) > 1 else ("the TCP",)
    assert any(f"{name} would go to" in str(cut) for name in named)
    if refusal is None:
        bench.checker.violations(plan.trajectory(), TrajectoryBounds.of(box))

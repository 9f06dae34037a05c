# SPDX-License-Identifier: Apache-2.0
"""Moves, stops and brakes keep every limit and end at rest."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import GripperLimits, Limits
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.plan import Plan
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.setpoint.setpoint import Setpoint
from vera_ros.motion.trajectory import ArmState
from vera_ros.sim.trajectory import Knot, Trajectory
from vera_ros.sim.trajectory import Setpoint as Followed
from verification.judge.played import state_at

from ..checker import check
from ..chunks import POLICY_LIKE, START_Q, Vector, chunks, starts, vectors
from ..conftest import Published, plan_or_none, refusal_of

NOW_S = 1.7e9
LEAD_S = 0.025


@pytest.fixture(scope="module")
def running(chunk_planner: ChunkPlanner) -> Plan:
    plan = plan_or_none(chunk_planner, POLICY_LIKE, START_Q)
    assert plan is not None
    return plan


def sent(gate: Gate, plan: Plan | None, q: Vector) -> Plan | None:
    """The plan, if there is one and the gate lets it through."""
    if plan is None:
        return None
    refusal = refusal_of(lambda: gate.send_arm(plan.trajectory(), ArmState(q), NOW_S))
    return plan if refusal is None else None


@given(deltas=chunks(), q=starts(0.1), part=st.floats(0.0, 1.2), lead_s=st.floats(0.0, 0.1))
@example(deltas=POLICY_LIKE, q=START_Q, part=0.0, lead_s=0.025)
@example(deltas=POLICY_LIKE, q=START_Q, part=1.0, lead_s=0.025)
def test_stop_may_begin_anywhere_in_a_plan(
    chunk_planner: ChunkPlanner,
    planner: Planner,
    limits: Limits,
    arm: ArmModel,
    gripper_limits: GripperLimits,
    deltas: Vector,
    q: Vector,
    part: float,
    lead_s: float,
) -> None:
    gate = Published(arm, limits, gripper_limits).gate
    running = sent(gate, plan_or_none(chunk_planner, deltas, q), q)
    if running is None:
        return
    time_s = part * running.duration_s
    now = running.spline.state(time_s)
    stop = planner.plan_stop(running, time_s, lead_s)
    trajectory = stop.trajectory()
    gate.check_arm(trajectory, ArmState(now[0]), NOW_S + time_s)
    check(trajectory, limits)
    for name, value in zip(("start_q", "start_dq", "start_ddq"), now, strict=True):
        np.testing.assert_allclose(getattr(trajectory, name), value, atol=1e-6)
    assert stop.duration_s <= max(running.duration_s - time_s, lead_s) + 0.03


def played(plan: Plan, start_s: float, heard_s: float, before: Followed) -> Trajectory:
    """What a controller plays that hears of a plan in that state."""
    told = plan.trajectory()
    knots = [
        Knot(to_ns(start_s + time_s), *row)
        for time_s, *row in zip(told.times_s.tolist(), told.q, told.dq, told.ddq, strict=True)
    ]
    return Trajectory(knots, Knot(to_ns(heard_s), before.q, before.dq, before.ddq))


def state(trajectory: Trajectory, time_s: float) -> Followed:
    setpoint = trajectory.sample(to_ns(time_s))
    assert setpoint is not None
    return setpoint


def to_ns(time_s: float) -> int:
    return round(time_s * 1e9)


@given(
    deltas=chunks(), q=starts(0.1), part=st.floats(0.0, 1.0), late_s=st.sampled_from([0.0, LEAD_S])
)
@example(deltas=POLICY_LIKE, q=START_Q, part=0.0, late_s=0.0)
@example(deltas=POLICY_LIKE, q=START_Q, part=0.3, late_s=LEAD_S)
@example(deltas=POLICY_LIKE, q=START_Q, part=0.6, late_s=LEAD_S)
def test_a_way_back_suits_a_controller_that_plays_and_one_that_does_not(
    chunk_planner: ChunkPlanner,
    planner: Planner,
    limits: Limits,
    arm: ArmModel,
    gripper_limits: GripperLimits,
    deltas: Vector,
    q: Vector,
    part: float,
    late_s: float,
) -> None:
    gate = Published(arm, limits, gripper_limits).gate
    running = sent(gate, plan_or_none(chunk_planner, deltas, q), q)
    if running is None:
        return
    time_s = part * running.duration_s
    now = ArmState(running.spline.state(time_s)[0])
    try:
        back = planner.plan_return(running, time_s, q, LEAD_S)
        gate.check_arm(back.trajectory(), now, NOW_S + time_s)
    except MotionRefusedError:
        # A plan may use its limits up to the last, and a piece may leave the joints' ranges.
        assert deltas is not POLICY_LIKE
        return
    check(back.trajectory(), limits)
    rest = Followed(q, np.zeros(7), np.zeros(7), active=False)
    heard_s = time_s + late_s
    before = state(played(running, 0.0, 0.0, rest), heard_s)
    hears, deaf = (played(back, time_s, heard_s, there) for there in (before, rest))
    after = state(hears, heard_s)
    velocity, acceleration = limits.rates.joints[:2]
    for played_s in np.linspace(heard_s, time_s + back.duration_s, 50):
        assert (np.abs(state(hears, played_s).dq) <= 1.001 * velocity).all()
        assert (np.abs(state(hears, played_s).ddq) <= 1.001 * acceleration).all()
    for name, most in (("q", 1e-6), ("dq", 1e-4), ("ddq", 1e-2)):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=most)
    for later_s in np.linspace(late_s, back.duration_s + 0.1, 20):
        np.testing.assert_allclose(state(deaf, time_s + later_s).q, q, atol=1e-9)
    np.testing.assert_allclose(state(hears, time_s + back.duration_s).q, q, atol=1e-9)


def test_a_way_back_that_keeps_no_limit_is_refused(planner: Planner, running: Plan) -> None:
    far = refusal_of(lambda: planner.plan_return(running, 0.2, START_Q + 1e3, LEAD_S))
    assert far is not None
    assert far.cause is Cause.LIMIT_EXCEEDED


@given(part=st.floats(0.05, 0.8), off=st.floats(-0.1, 0.1))
def test_a_return_follows_the_plan_for_its_lead_and_keeps_every_limit(
    planner: Planner, running: Plan, limits: Limits, part: float, off: float
) -> None:
    time_s = part * running.duration_s
    q = running.spline.derivative(0, time_s) + off
    back = planner.plan_return_along(running, time_s, q, LEAD_S)
    check(back.trajectory(), limits)
    for passed_s in np.linspace(0.0, LEAD_S, 5):
        for planned, before in zip(
            back.spline.state(passed_s), running.spline.state(time_s + passed_s), strict=True
        ):
            np.testing.assert_allclose(planned, before, atol=1e-9)
    end_q, end_dq, _ = back.spline.state(back.duration_s)
    np.testing.assert_allclose(end_q, q, atol=1e-9)
    np.testing.assert_allclose(end_dq, 0.0, atol=1e-9)


@given(part=st.floats(0.05, 0.8))
def test_stop_stays_on_the_path(planner: Planner, running: Plan, part: float) -> None:
    stop = planner.plan_stop(running, part * running.duration_s, 0.025)
    path = running.spline.derivative(0, np.linspace(0.0, running.duration_s, 4000))
    for q in stop.spline.derivative(0, stop.spline.dense_times()):
        assert np.abs(path - q).max(axis=1).min() < 1e-3


@pytest.fixture(scope="module")
def reversal(chunk_planner: ChunkPlanner) -> Plan:
    """A motion that turns round in the middle."""
    there = np.tile([0.03, 0.03, 0.03, 0.0, 0.0, 0.1], (8, 1))
    plan = plan_or_none(chunk_planner, np.vstack((there, -there)), START_Q)
    assert plan is not None
    return plan


@given(part=st.floats(0.0, 1.1), lead_s=st.floats(0.0, 0.1))
def test_a_short_stop_is_sooner_and_keeps_every_limit(
    planner: Planner, limits: Limits, reversal: Plan, part: float, lead_s: float
) -> None:
    time_s = part * reversal.duration_s
    along = planner.plan_stop(reversal, time_s, lead_s)
    stop = planner.plan_short_stop(reversal, time_s, lead_s, along)
    if stop is None:
        return
    assert stop.duration_s < along.duration_s
    check(stop.trajectory(), limits)
    for ahead_s in np.linspace(0.0, lead_s, 4):
        for mine, running in zip(
            stop.spline.state(ahead_s), reversal.spline.state(time_s + ahead_s), strict=True
        ):
            np.testing.assert_allclose(mine, running, atol=1e-6)
    for rate in stop.spline.state(stop.duration_s)[1:]:
        np.testing.assert_allclose(rate, 0.0, atol=1e-6)


def test_a_stop_is_soon_wherever_a_motion_turns(
    planner: Planner, limits: Limits, reversal: Plan
) -> None:
    """Along the path, the arm went on for half a second before it could slow down."""
    lead_s, left = 0.0125, 0
    for time_s in np.arange(0.0, reversal.duration_s, 0.01).tolist():
        along = planner.plan_stop(reversal, time_s, lead_s)
        short = planner.plan_short_stop(reversal, time_s, lead_s, along)
        left += short is not None
        stop = short or along
        dq = reversal.spline.derivative(1, time_s + np.linspace(0.0, lead_s, 5))
        braking_s = (np.abs(dq) / limits.rates.joints[1]).max()
        assert stop.duration_s <= lead_s + 0.05 + 2 * braking_s
    assert left


def test_stop_repeats_the_plan_until_the_controller_has_it(planner: Planner, running: Plan) -> None:
    stop = planner.plan_stop(running, 0.2, 0.05)
    for ahead in np.linspace(0.0, 0.05, 11):
        np.testing.assert_allclose(
            stop.spline.derivative(0, ahead), running.spline.derivative(0, 0.2 + ahead), atol=1e-5
        )
    assert stop.duration_s < running.duration_s - 0.2


def test_a_stop_plays_no_chunk(planner: Planner, running: Plan) -> None:
    stop = planner.plan_stop(running, 0.2, 0.05)
    assert stop.chunk is None
    assert len(stop.step_times_s) == 0


# Brakes.


@given(q=starts(0.3), speed=vectors(-0.5, 0.5, 7))
def test_a_brake_begins_as_measured_and_ends_at_rest(
    planner: Planner, limits: Limits, q: Vector, speed: Vector
) -> None:
    dq = 0.6 * speed * limits.rates.joints[0]
    trajectory = planner.plan_brake(q, dq).trajectory()
    np.testing.assert_allclose(trajectory.start_q, q, atol=1e-12)
    np.testing.assert_allclose(trajectory.start_dq, dq, atol=1e-9)
    np.testing.assert_allclose(trajectory.start_ddq, 0.0, atol=1e-9)
    np.testing.assert_allclose(trajectory.dq[-1], 0.0, atol=1e-9)
    for rates, bound in zip((trajectory.dq, trajectory.ddq), limits.rates.joints, strict=False):
        assert (np.abs(rates) <= bound).all()
    # Nothing goes further than its speed leads it.
    assert (np.abs(trajectory.q[-1] - q) <= np.abs(dq) * trajectory.times_s[-1] + 1e-9).all()


def test_an_arm_that_stands_is_held(planner: Planner) -> None:
    trajectory = planner.plan_brake(START_Q, np.zeros(7)).trajectory()
    np.testing.assert_allclose(trajectory.q, np.tile(START_Q, (len(trajectory.q), 1)), atol=1e-12)


# Moves.


@given(q=starts(0.3), goal=starts(0.3), share=st.floats(0.1, 1.0))
@example(q=START_Q, goal=START_Q, share=0.1)
def test_move_goes_to_its_goal_within_the_limits(
    planner: Planner,
    arm: ArmModel,
    limits: Limits,
    gripper_limits: GripperLimits,
    q: Vector,
    goal: Vector,
    share: float,
) -> None:
    gate = Published(arm, limits, gripper_limits).gate
    plan = planner.plan_move(q, goal, share)
    trajectory = plan.trajectory()
    gate.setpoint = Setpoint.resting(q)
    gate.check_arm(trajectory, ArmState(q), NOW_S)
    check(trajectory, limits)
    np.testing.assert_allclose(trajectory.q[-1], goal, atol=1e-9)
    most = limits.rates.joints[0].max()
    assert np.abs(trajectory.dq).max() <= share * most * 1.001
    # Straight in the joints: every share of the way is the same for all of them.
    half = state_at(trajectory, 0.5 * plan.duration_s)[0]
    np.testing.assert_allclose(half, 0.5 * (q + goal), atol=1e-6)


@given(goal=starts(0.3), share=st.floats(0.05, 0.5))
def test_half_the_share_is_half_as_fast(planner: Planner, goal: Vector, share: float) -> None:
    fast, slow = (planner.plan_move(START_Q, goal, s).duration_s for s in (2 * share, share))
    assert slow == pytest.approx(2 * fast)


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, np.nan, np.inf])
def test_move_refuses_shares_out_of_range(planner: Planner, share: float) -> None:
    with pytest.raises(MotionRefusedError, match="share"):
        planner.plan_move(START_Q, START_Q + 0.1, share)


@pytest.mark.parametrize("bad", [np.full(7, np.nan), np.zeros(6), np.full(7, np.inf)])
def test_move_refuses_positions_that_are_none(planner: Planner, bad: Vector) -> None:
    with pytest.raises(MotionRefusedError, match="goal"):
        planner.plan_move(START_Q, bad, 0.5)
    refusal = refusal_of(lambda: planner.plan_move(bad, START_Q, 0.5))
    assert refusal is not None
    assert refusal.cause is Cause.NO_JOINT_STATES
    assert "start" in str(refusal)


@pytest.mark.parametrize("speed", [1e3, 1e30, np.nan, np.inf])
def test_a_speed_that_no_arm_has_is_not_braked(planner: Planner, speed: float) -> None:
    """The brake's duration was taken from it, and no memory was large enough for its knots."""
    dq = np.zeros(7)
    dq[3] = speed
    with pytest.raises(MotionRefusedError, match="are implausible") as refusal:
        planner.plan_brake(START_Q, dq)
    assert refusal.value.cause is Cause.NO_JOINT_STATES


def test_a_move_that_takes_too_long_tells_what_to_raise(planner: Planner) -> None:
    refusal = refusal_of(lambda: planner.plan_move(START_Q, START_Q + 0.5, 0.01))
    assert refusal is not None
    assert refusal.cause is Cause.LIMIT_EXCEEDED
    assert "valid is up to 15.0 s; raise start_speed, speed_scale" in str(refusal)

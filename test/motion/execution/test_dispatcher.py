# SPDX-License-Identifier: Apache-2.0
"""What the arm is told, and what it is not told."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import ChunkRequest, Measured
from vera_ros.motion.gripper.gripper import Gripper
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import GripperLimits, Limits
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.planning.start import Start
from vera_ros.motion.planning.tcp_path import PathFinder
from vera_ros.motion.response.osc_pose import OscPoseResponse
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.setpoint.lead import LONGEST_S
from vera_ros.motion.setpoint.setpoint import UNKNOWN
from vera_ros.rails import Rails
from verification.judge.played import played, state_at

from ..checker import check
from ..chunks import CONTROL_DT_S, START_Q, Vector, vectors
from ..conftest import Published
from ..dispatcher_rig import (
    CLOSE,
    DOWN,
    LEAD_S,
    NOTHING,
    OPEN,
    REST_SPEED,
    START_S,
    STEPS,
    TURN,
    Rig,
    dispatcher_of,
    goes_on,
    refused,
)


@pytest.fixture
def rig(
    chunk_planner: ChunkPlanner,
    planner: Planner,
    published: Published,
    gripper_limits: GripperLimits,
) -> Rig:
    gripper = Gripper(gripper_limits)
    return Rig(dispatcher_of(chunk_planner, planner, published, gripper), published)


# One plan at a time.


def test_a_chunk_is_published_and_remembered(rig: Rig) -> None:
    playing = rig.play()
    assert rig.dispatcher.playing is playing
    assert (playing.session_id, playing.sequence, playing.start_s) == ("a", 1, START_S)
    assert len(rig.published.arm) == 1
    assert rig.published.gripper == []
    np.testing.assert_allclose(rig.published.arm[0].start_q, START_Q, atol=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_while_a_plan_plays_no_other_session_and_no_move_moves_the_arm(
    rig: Rig, share: float
) -> None:
    playing = rig.play()
    rig.now_s += share * playing.plan.duration_s
    rig.session_id = "b"
    said = refused(lambda: rig.play(), Cause.BUSY)
    assert f"{(1 - share) * playing.plan.duration_s:.2f} s" in said
    refused(
        lambda: rig.move_to(START_Q, 0.2),
        Cause.BUSY,
    )
    assert rig.dispatcher.playing is playing
    assert len(rig.published.arm) == 1


@pytest.mark.parametrize(("took_s", "waits_s"), [(0.002, 0.0), (0.03, 0.06)])
def test_a_stop_that_took_long_to_plan_leaves_the_plan_later(
    rig: Rig, took_s: float, waits_s: float
) -> None:
    """It would come behind its own lead otherwise; the next stop need not wait for that."""
    playing = rig.play()
    rig.now_s += 0.4 * playing.plan.duration_s
    lead_s = rig.dispatcher.scheduler.lead_s
    rig.dispatcher.stops.stop(rig.now_s, lambda: rig.now_s + took_s)
    parts_s = rig.dispatcher.channel.playback.parts_s - rig.now_s
    assert parts_s == pytest.approx(lead_s + waits_s, abs=1e-6)
    stop, begins_s = rig.published.arm[-1], rig.published.sent_s[-1]
    assert begins_s == pytest.approx(rig.now_s + waits_s / 2, abs=1e-6)
    here = playing.plan.spline.state(begins_s - playing.start_s)
    for start, planned in zip((stop.start_q, stop.start_dq, stop.start_ddq), here, strict=True):
        np.testing.assert_allclose(start, planned, atol=1e-6)


def test_a_stop_stays_on_the_path_where_something_stands_beside_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    playing = rig.play()
    rig.now_s += 0.4 * playing.plan.duration_s
    planner = rig.dispatcher.stops._planner
    beside = planner.plan_brake(*playing.plan.spline.state(0.4 * playing.plan.duration_s)[:2])
    monkeypatch.setattr(planner, "plan_short_stop", lambda *_: beside)
    gate, tried = rig.dispatcher.channel.gate, []

    def check_arm(trajectory: Any, *args: Any, **more: Any) -> Any:
        tried.append(trajectory)
        if len(tried) == 1:
            raise MotionRefusedError(Cause.COLLISION, "something stands there")
        return Gate.check_arm(gate, trajectory, *args, **more)

    monkeypatch.setattr(gate, "check_arm", check_arm)
    rig.dispatcher.stops.stop(rig.now_s)
    assert len(tried) == 2
    assert len(rig.published.arm) == 2
    path = playing.plan.spline.derivative(0, np.linspace(0.0, playing.plan.duration_s, 4000))
    for q in rig.published.arm[-1].q:
        assert np.abs(path - q).max(axis=1).min() < 1e-3


def test_a_machine_that_stalls_makes_no_stop_later_than_the_longest_lead(rig: Rig) -> None:
    stalled_s = 0.2
    rig.play()
    rig.now_s += 0.1
    rig.dispatcher.stops.stop(rig.now_s, lambda: rig.now_s + stalled_s)
    parts_s = rig.dispatcher.channel.playback.parts_s - rig.now_s
    assert parts_s == pytest.approx(stalled_s + LONGEST_S, abs=1e-6)


def test_the_next_chunk_goes_on_from_where_the_last_one_ended(rig: Rig) -> None:
    rig.play()
    rig.finish()
    rig.play()
    first, second = rig.published.arm
    np.testing.assert_allclose(second.start_q, first.q[-1], atol=1e-9)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_motion_from_rest_begins_once_it_can_have_arrived_and_may_be_stopped_before(
    chunk_planner: ChunkPlanner, planner: Planner, published: Published, stopped: bool
) -> None:
    took_s, lead_s = 0.04, 0.05
    dispatcher = dispatcher_of(chunk_planner, planner, published, None, start_lead_s=lead_s)
    rig = Rig(dispatcher, published)
    chunk = ChunkRequest(DOWN, NOTHING, CONTROL_DT_S, "a", 0)
    prepared = dispatcher.scheduler.prepare(
        dispatcher.channel.playback, chunk, rig.measured(), START_S
    )
    playing = dispatcher.send(prepared, lambda: START_S + took_s).playing
    assert playing.start_s == published.sent_s[-1] == pytest.approx(START_S + took_s + lead_s)
    rig.now_s = START_S + took_s + 0.4 * lead_s  # nothing moves yet
    if stopped:
        dispatcher.stops.stop(rig.now_s)
    else:
        chunk = replace(chunk, sequence=1)
        rig.send(rig.prepare(chunk))
    first, second = published.arm
    if stopped:
        np.testing.assert_allclose(second.points.q, np.tile(START_Q, (len(second.points.q), 1)))
        return
    assert published.sent_s[-1] == playing.start_s
    for at_start in ("start_q", "start_dq", "start_ddq"):
        np.testing.assert_allclose(getattr(second, at_start), getattr(first, at_start), atol=1e-9)


@pytest.mark.parametrize("way", ["stop", "in place"])
@pytest.mark.parametrize("off_rad", [0.0, 0.03])
@pytest.mark.parametrize("begun_s", [-0.02, -0.005, 0.005])
def test_a_motion_that_begins_within_a_stops_lead_is_followed_until_then(
    rig: Rig, way: str, off_rad: float, begun_s: float
) -> None:
    """The stop was planned from rest, and reached a controller that had begun to move."""
    rig.play()
    playing, lead_s = rig.dispatcher.playing, rig.dispatcher.channel.lead.value_s
    assert playing is not None
    rig.now_s = playing.start_s + begun_s
    if way == "stop":
        rig.dispatcher.stops.stop(rig.now_s)
    else:
        standing = replace(rig.measured(), q=START_Q + off_rad, dq=np.zeros(7))
        rig.dispatcher.stops.stop_in_place(standing, rig.now_s)
    stop, begins_s = rig.published.arm[-1], rig.published.sent_s[-1]
    times_s = np.linspace(max(rig.now_s, playing.start_s), rig.now_s + lead_s, 20)
    planned = playing.plan.spline.derivative(0, times_s - playing.start_s)
    np.testing.assert_allclose(played(stop)(times_s - begins_s), planned, atol=1e-6)


def test_a_first_chunk_that_moves_nothing_is_played_and_commands_nothing(rig: Rig) -> None:
    """Where the controller holds the arm is not known yet: a trajectory could move it."""
    rig.published.gate.setpoint = UNKNOWN
    rig.play(np.zeros((STEPS, 6)), CLOSE)
    assert rig.dispatcher.playing is not None
    assert not rig.dispatcher.playing.arm_moves
    assert rig.published.arm == []
    assert len(rig.published.gripper) == 1
    rig.finish()
    rig.play(DOWN, CLOSE)
    assert rig.dispatcher.playing.arm_moves
    assert len(rig.published.arm) == 1


def test_a_refused_chunk_leaves_nothing_behind(rig: Rig) -> None:
    refused(lambda: rig.play(np.full((STEPS, 6), np.nan), CLOSE), Cause.INVALID_CHUNK)
    assert rig.published.arm == []
    assert rig.published.gripper == []
    assert rig.dispatcher.playing is None
    rig.play()


def test_an_arm_whose_gripper_is_refused_does_not_move_either(
    chunk_planner: ChunkPlanner, planner: Planner, published: Published
) -> None:
    """The arm's trajectory was out already when the gate refused the gripper's."""
    too_fast = Gripper(GripperLimits(lower_m=0.0, upper_m=0.04, speed_m_s=1.0, duration_s=15.0))
    rig = Rig(dispatcher_of(chunk_planner, planner, published, too_fast), published)
    refused(lambda: rig.play(DOWN, CLOSE), Cause.LIMIT_EXCEEDED)
    assert published.arm == []
    assert published.gripper == []
    assert rig.dispatcher.playing is None


# The gripper.


def test_the_gripper_starts_from_where_it_is_measured(rig: Rig) -> None:
    rig.finger_m = 0.03
    rig.play(DOWN, CLOSE)
    (fingers,) = rig.published.gripper
    assert fingers.start_m == 0.03
    assert fingers.positions_m[-1] == 0.0


def test_a_grip_is_not_let_go_between_chunks(rig: Rig) -> None:
    rig.play(DOWN, CLOSE)
    rig.finish()
    rig.finger_m = 0.02  # the fingers hold something
    rig.play(DOWN, CLOSE)
    assert len(rig.published.gripper) == 1
    rig.finish()
    rig.play(DOWN, OPEN)
    assert rig.published.gripper[-1].start_m == 0.0


def test_a_chunk_without_gripper_commands_leaves_the_grip(rig: Rig) -> None:
    rig.play(DOWN, CLOSE)
    rig.finish()
    rig.play(DOWN, NOTHING)
    assert len(rig.published.gripper) == 1


def test_a_new_session_measures_the_fingers_again(rig: Rig) -> None:
    rig.play(DOWN, CLOSE)
    rig.finish()
    rig.session_id, rig.finger_m = "b", 0.02
    rig.play(DOWN, CLOSE)
    assert rig.published.gripper[-1].start_m == 0.02


def test_the_gripper_moves_when_the_stretched_steps_say_so(rig: Rig) -> None:
    late = np.arange(STEPS) >= 5
    playing = rig.play(DOWN, late)
    (fingers,) = rig.published.gripper
    assert fingers.times_s[0] == pytest.approx(playing.plan.step_times_s[4])
    assert fingers.positions_m[0] == 0.04


def test_an_arm_without_gripper_ignores_its_commands(
    chunk_planner: ChunkPlanner, planner: Planner, published: Published
) -> None:
    rig = Rig(dispatcher_of(chunk_planner, planner, published, None), published)
    rig.play(DOWN, CLOSE)
    assert len(published.arm) == 1
    assert published.gripper == []


# What the response model remembers.


@pytest.mark.parametrize("between", ["nothing", "another session", "a stop", "a move"])
def test_the_responses_state_lives_as_long_as_the_motion_goes_on(
    rig: Rig, between: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks, seen = rig.dispatcher.scheduler._chunks, []
    from_rest = chunks.from_rest

    def watched(q: Vector, before: Any = None, lead_s: float = 0.0) -> Start:
        seen.append(before)
        return from_rest(q, before, lead_s)

    monkeypatch.setattr(chunks, "from_rest", watched)
    first = rig.play(TURN)
    if between == "a stop":
        rig.now_s += 0.2
        rig.dispatcher.stops.stop(rig.now_s)
        rig.now_s += 5.0
    else:
        rig.finish()
    if between == "another session":
        rig.session_id = "b"
    if between == "a move":
        rig.move_to(START_Q, 0.5)
        rig.finish()
    rig.play(TURN)
    assert seen[0] is None
    if between == "nothing":
        assert first.plan.chunk is not None
        ended = first.plan.chunk.response.state_at(np.inf)
        np.testing.assert_allclose(seen[1].rotation_goal, ended.rotation_goal)
    else:
        assert seen[1] is None


# One chunk takes over from another.


@given(share=st.floats(0.0, 0.999), turn=st.booleans())
def test_a_chunk_of_the_same_session_takes_over_in_motion(
    chunk_planner: ChunkPlanner,
    planner: Planner,
    arm: ArmModel,
    limits: Limits,
    gripper_limits: GripperLimits,
    share: float,
    turn: bool,
) -> None:
    published = Published(arm, limits, gripper_limits)
    rig = Rig(dispatcher_of(chunk_planner, planner, published, None), published)
    first = rig.play(DOWN)
    old = published.arm[-1]
    rig.now_s += share * first.plan.duration_s
    before = rig.state()
    second = rig.play(TURN if turn else -DOWN)
    goes_on(rig, before)
    check(published.arm[-1], limits)
    assert rig.dispatcher.playing is second
    # Until the hand-over, the message carries what played before.
    assert second.plan.chunk is not None
    elapsed = share * first.plan.duration_s
    for late in np.linspace(0.0, second.plan.chunk.begins_s, 8):
        np.testing.assert_allclose(
            state_at(published.arm[-1], late)[0], state_at(old, elapsed + late)[0], atol=1e-4
        )
    if second.plan.chunk.begins_s > LEAD_S + 1e-6:  # or it waits for the end
        assert second.plan.chunk.begins_s == pytest.approx(
            first.plan.duration_s - elapsed, abs=1e-6
        )


@given(elapsed=st.floats(0.0, 0.4), lead=st.floats(0.011, 0.1), scale=st.sampled_from([1.0, 0.5]))
def test_a_chunk_with_a_time_takes_over_exactly_then(
    arm: ArmModel,
    response: OscPoseResponse,
    paths: PathFinder,
    planner: Planner,
    limits: Limits,
    gripper_limits: GripperLimits,
    elapsed: float,
    lead: float,
    scale: float,
) -> None:
    published = Published(arm, limits, gripper_limits)
    chunks = ChunkPlanner(arm, response, limits, paths, scale)
    rig = Rig(dispatcher_of(chunks, planner, published, None), published)
    rig.play(DOWN)
    rig.now_s += elapsed
    before = rig.state()
    second = rig.play(0.5 * DOWN, start_s=rig.now_s + lead)
    goes_on(rig, before)
    check(published.arm[-1], limits)
    assert second.plan.chunk is not None
    # Not before it can have arrived.
    assert second.plan.chunk.begins_s == pytest.approx(max(lead, LEAD_S), abs=1e-6)


@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1.0, 0.6]))
def test_many_chunks_in_a_row_are_one_motion(
    arm: ArmModel,
    response: OscPoseResponse,
    paths: PathFinder,
    planner: Planner,
    limits: Limits,
    gripper_limits: GripperLimits,
    seed: int,
    scale: float,
) -> None:
    random = np.random.default_rng(seed)
    published = Published(arm, limits, gripper_limits)
    chunks = ChunkPlanner(arm, response, limits, paths, scale)
    rig = Rig(dispatcher_of(chunks, planner, published, None), published)
    for _ in range(5):
        before = rig.state()
        deltas = random.uniform(-0.015, 0.015, (6, 6)) * [1, 1, 1, 0, 0, 3]
        with suppress(MotionRefusedError):
            rig.play(deltas)
            goes_on(rig, before)
            check(published.arm[-1], limits)
        rig.now_s += random.uniform(0.05, 0.5)
    assert len(published.arm) >= 3


@pytest.mark.parametrize("elapsed", [0.0, 0.02, 0.05, 0.1, 0.3, 0.6])
def test_a_stop_may_come_in_every_phase_of_taking_over(
    rig: Rig, limits: Limits, elapsed: float
) -> None:
    rig.play(DOWN)
    rig.now_s += 0.2
    rig.play(TURN)
    rig.now_s += elapsed
    before = rig.state()
    rig.dispatcher.stops.stop(rig.now_s)
    goes_on(rig, before)
    check(rig.published.arm[-1], limits)


@pytest.mark.parametrize("lead_s", [10.5, np.inf, -np.inf, np.nan])
def test_a_chunk_at_no_valid_time_is_refused(rig: Rig, lead_s: float) -> None:
    said = refused(lambda: rig.play(start_s=rig.now_s + lead_s), Cause.INVALID_CHUNK)
    assert "valid is up to 10" in said
    assert rig.published.arm == []


# Late chunks.


@given(late=st.floats(0.011, 0.449))
def test_of_a_late_chunk_what_has_passed_is_dropped_and_the_rest_keeps_its_time(
    arm: ArmModel,
    chunk_planner: ChunkPlanner,
    planner: Planner,
    limits: Limits,
    gripper_limits: GripperLimits,
    late: float,
) -> None:
    published = Published(arm, limits, gripper_limits)
    rig = Rig(dispatcher_of(chunk_planner, planner, published, None), published)
    ramp = DOWN * np.linspace(0.1, 1.0, len(DOWN))[:, None]
    start_s = rig.now_s - late
    playing = rig.play(ramp, start_s=start_s)
    dropped = playing.steps_dropped
    assert len(playing.plan.step_times_s) == len(ramp) - dropped
    assert playing.plan.executed_trans_m == pytest.approx(np.abs(ramp[dropped:, 2]).sum())
    assert playing.plan.chunk is not None
    begins_s = playing.start_s + playing.plan.chunk.begins_s
    assert begins_s == pytest.approx(start_s + dropped * CONTROL_DT_S, abs=1e-6)
    assert -1e-4 <= begins_s - rig.now_s <= CONTROL_DT_S


def test_a_late_chunk_in_motion_leaves_time_for_the_hand_over(rig: Rig) -> None:
    rig.play(DOWN)
    rig.now_s += 0.2
    before = rig.state()
    playing = rig.play(-DOWN, start_s=rig.now_s - 0.12)
    assert playing.steps_dropped == 4  # at 0.03 s from now the hand-over could not be in time
    goes_on(rig, before)


@pytest.mark.parametrize("late_s", [0.451, 0.6, 20.0])
def test_a_chunk_that_is_all_past_is_refused(rig: Rig, late_s: float) -> None:
    said = refused(lambda: rig.play(start_s=rig.now_s - late_s), Cause.CHUNK_TOO_OLD)
    assert "0.500 s" in said
    assert f"{late_s:.3f} s" in said
    assert rig.published.arm == []


@pytest.mark.parametrize(
    ("close", "closes_at"),
    [
        ([0, 0, 0, 0, 0, 0, 1, 1, 1, 1], 0.1),  # as planned: the first action left is the fifth
        ([0, 0, 1, 1, 1, 1, 1, 1, 1, 1], 0.0),  # asked for while it was too late, and still
        ([0, 0, 0, 1, 1, 1, 1, 1, 1, 1], 0.0),
        ([0, 0, 1, 1, 0, 0, 0, 0, 0, 0], None),  # taken back since
        ([0, 0, 1, 1, 0, 1, 1, 1, 1, 1], 0.0),  # a flicker takes nothing back
    ],
)
def test_what_a_dropped_action_asked_of_the_gripper_counts_unless_it_was_taken_back(
    chunk_planner: ChunkPlanner,
    planner: Planner,
    published: Published,
    gripper_limits: GripperLimits,
    close: list[int],
    closes_at: float | None,
) -> None:
    gripper = Gripper(gripper_limits, 2)
    rig = Rig(dispatcher_of(chunk_planner, planner, published, gripper), published)
    playing = rig.play(0.1 * DOWN, np.array(close, bool), start_s=rig.now_s - 0.19)
    assert playing.steps_dropped == 4
    if closes_at is None:
        assert published.gripper == []
        return
    (fingers,) = published.gripper
    moving = np.diff(fingers.positions_m, prepend=fingers.start_m) < 0
    begins_s = np.concatenate(([0.0], fingers.times_s))[int(np.argmax(moving))]
    assert playing.plan.chunk is not None
    assert begins_s - playing.plan.chunk.begins_s == pytest.approx(closes_at, abs=0.01)


# What is not sent.


def test_what_is_only_prepared_changes_nothing(rig: Rig) -> None:
    """The preview of another episode's first chunk forgot what the fingers had been told."""
    rig.play(DOWN, CLOSE)
    rig.finish()
    chunk = ChunkRequest(DOWN, OPEN, CONTROL_DT_S, "b", 0)
    prepared = rig.prepare(chunk)
    rig.dispatcher.check(prepared)
    assert len(rig.published.arm) == len(rig.published.gripper) == 1
    assert rig.dispatcher.playing is None
    played = rig.play(DOWN, CLOSE)
    assert len(rig.published.gripper) == 1
    assert played.session_id == "a"


# A clock that goes back.


@pytest.mark.parametrize("by_s", [0.06, 1000.0])
def test_where_the_clock_goes_back_the_motion_goes_on_and_can_be_stopped(
    rig: Rig, limits: Limits, by_s: float
) -> None:
    """The gate took the time before for now, and let nothing through for as long."""
    rig.play(DOWN, np.arange(STEPS) >= 1)
    rig.now_s += 0.2
    before, fingers_m = rig.state(), 0.025  # on their way
    rig.now_s -= by_s
    rig.dispatcher.channel.later(-by_s)
    rig.dispatcher.stops.stop(rig.now_s)
    goes_on(rig, before)
    check(rig.published.arm[-1], limits)
    assert rig.published.gripper[0].positions_m[-1] == 0.0
    assert len(rig.published.gripper) == 1 or rig.published.gripper[1].start_m < fingers_m
    rig.now_s += 2.0
    rig.play(DOWN)


# An arm that moves by itself.


def moving(rig: Rig, speed: float) -> Measured:
    dq = np.zeros(7)
    dq[3] = -speed
    return replace(rig.measured(), dq=dq)


def test_motion_begins_from_rest_alone(rig: Rig) -> None:
    """A node that was started anew planned for an arm that still played an old plan."""
    chunk = ChunkRequest(DOWN, NOTHING, CONTROL_DT_S, "a", 0)
    fast, slow, dispatcher = moving(rig, 0.3), moving(rig, 0.04), rig.dispatcher
    for act in (
        lambda: rig.prepare(chunk, fast),
        lambda: dispatcher.prepare_move(START_Q, 0.2, fast, rig.now_s),
    ):
        said = refused(act, Cause.NOT_AT_REST)
        assert "0.300 rad/s" in said
        assert f"{REST_SPEED} rad/s" in said
    rig.prepare(chunk, slow)
    dispatcher.prepare_move(START_Q, 0.2, slow, rig.now_s)


def test_a_chunk_for_an_arm_that_lags_behind_its_plan_begins_at_the_plans_end(rig: Rig) -> None:
    first = rig.play(DOWN)
    rig.now_s += first.plan.duration_s + 0.02
    end = rig.published.arm[-1].q[-1]
    late = replace(moving(rig, 0.2), q=end + 0.01)
    second = ChunkRequest(TURN, NOTHING, CONTROL_DT_S, "a", 2)
    rig.send(rig.prepare(second, late))
    np.testing.assert_allclose(rig.published.arm[-1].start_q, end, atol=1e-9)
    np.testing.assert_allclose(rig.published.arm[-1].start_dq, 0.0, atol=1e-9)


def test_rails_are_kept_and_reported(
    chunk_planner: ChunkPlanner, planner: Planner, published: Published
) -> None:
    rails = Rails(step_m=0.01, step_rad=0.05, chunk_m=0.05)
    rig = Rig(dispatcher_of(chunk_planner, planner, published, None, rails), published)
    bound = rig.play(DOWN)
    assert bound.on_rails
    assert bound.plan.executed_trans_m == pytest.approx(0.05)
    rig.finish()
    assert not rig.play(0.1 * DOWN).on_rails


# Stops.


def test_a_stop_leads_on_from_the_motion_and_ends_earlier(rig: Rig) -> None:
    playing = rig.play(DOWN * 2)
    rig.now_s += 0.2
    rig.dispatcher.stops.stop(rig.now_s)
    motion, stop = rig.published.arm
    np.testing.assert_allclose(stop.start_q, state_at(motion, 0.2)[0], atol=1e-4)
    assert 0.2 + stop.times_s[-1] < playing.plan.duration_s
    np.testing.assert_array_equal(stop.dq[-1], 0.0)
    assert rig.dispatcher.playing is None


def test_the_next_chunk_waits_for_the_stop(rig: Rig) -> None:
    rig.play(DOWN * 2)
    rig.now_s += 0.2
    rig.dispatcher.stops.stop(rig.now_s)
    duration_s = rig.published.arm[-1].times_s[-1]
    rig.now_s += 0.5 * duration_s
    refused(lambda: rig.play(), Cause.BUSY)
    rig.now_s += 0.6 * duration_s
    rig.play()
    assert len(rig.published.arm) == 3


def test_a_second_stop_and_a_stop_at_rest_publish_nothing(rig: Rig) -> None:
    rig.dispatcher.stops.stop(rig.now_s)
    assert rig.published.arm == []
    rig.play()
    rig.now_s += 0.2
    rig.dispatcher.stops.stop(rig.now_s)
    rig.now_s += 0.01
    rig.dispatcher.stops.stop(rig.now_s)
    assert len(rig.published.arm) == 2
    rig.now_s += 10.0
    rig.play()
    rig.now_s += 10.0
    rig.dispatcher.stops.stop(rig.now_s)
    assert len(rig.published.arm) == 3


def test_a_stop_does_not_move_the_fingers(rig: Rig) -> None:
    rig.play(DOWN, CLOSE)
    rig.now_s += 0.2
    rig.dispatcher.stops.stop(rig.now_s)
    assert len(rig.published.gripper) == 1


def test_a_stop_that_the_gate_refuses_leaves_the_plan_to_its_own_end(rig: Rig) -> None:
    playing = rig.play()

    def refuse(*_: object, **__: object) -> float:
        raise MotionRefusedError(Cause.LIMIT_EXCEEDED, "too sharp")

    rig.dispatcher.channel.gate.send_arm = refuse  # type: ignore[method-assign]
    rig.now_s += 0.2
    refused(lambda: rig.dispatcher.stops.stop(rig.now_s), Cause.LIMIT_EXCEEDED)
    assert len(rig.published.arm) == 1
    refused(lambda: rig.play(), Cause.BUSY)  # the arm still moves
    rig.now_s = playing.start_s + playing.plan.duration_s + 0.001
    refused(lambda: rig.play(), Cause.LIMIT_EXCEEDED)  # now it would be sent


# Moves.


def test_a_move_arrives_slowly_and_belongs_to_no_session(rig: Rig) -> None:
    goal = START_Q + 0.1
    playing = rig.move_to(goal, 0.2)
    (trajectory,) = rig.published.arm
    np.testing.assert_allclose(trajectory.q[-1], goal, atol=1e-9)
    assert (playing.session_id, playing.sequence) == ("", -1)
    assert playing.steps_played(rig.now_s + 100) == 0
    slower = replace(rig, dispatcher=rig.dispatcher, now_s=rig.now_s + 100)
    playing = slower.move_to(START_Q, 0.1)
    assert playing.plan.duration_s > 1.9 * trajectory.times_s[-1]


def test_a_chunk_for_later_than_the_running_plans_end_waits(rig: Rig) -> None:
    """It began when the plan before it had come to rest, sooner than it was told to."""
    running = rig.play()
    rig.now_s += 0.1
    lead_s = running.plan.duration_s + 0.5
    playing = rig.play(DOWN, start_s=rig.now_s + lead_s)
    assert playing.plan.chunk is not None
    assert playing.plan.chunk.begins_s == pytest.approx(lead_s)


def test_a_chunk_without_a_session_does_not_take_over_from_a_move(rig: Rig) -> None:
    """A move has no session either, and was taken for the same episode's."""
    rig.move_to(START_Q + 0.1, 0.2)
    rig.session_id = ""
    rig.now_s += 0.1
    refused(lambda: rig.play(), Cause.BUSY)


def test_a_move_can_be_stopped(rig: Rig) -> None:
    rig.move_to(START_Q + 0.3, 0.2)
    rig.now_s += 0.5
    rig.dispatcher.stops.stop(rig.now_s)
    move, stop = rig.published.arm
    assert np.abs(stop.q[-1] - move.q[-1]).max() > 0.01


def test_a_goal_beyond_the_joint_limits_is_refused(rig: Rig) -> None:
    goal = START_Q + np.array([0, 0, 0, 3.0, 0, 0, 0])
    refused(lambda: rig.move_to(goal, 0.2), Cause.LIMIT_EXCEEDED)
    assert rig.published.arm == []
    assert rig.dispatcher.playing is None


# An arm that does not follow.


@given(speed=vectors(-1.0, 1.0, 7), old_s=st.floats(0.0, 0.05))
def test_an_arm_that_moves_though_nothing_plays_is_given_a_place_to_rest(
    chunk_planner: ChunkPlanner,
    planner: Planner,
    arm: ArmModel,
    limits: Limits,
    gripper_limits: GripperLimits,
    speed: Vector,
    old_s: float,
) -> None:
    published = Published(arm, limits, gripper_limits)
    rig = Rig(dispatcher_of(chunk_planner, planner, published, None), published)
    dq = np.clip(speed, -0.4, 0.4)
    rig.dispatcher.stops.brake(Measured(START_Q, dq, None, rig.now_s - old_s, 0.0), rig.now_s)
    (brake,) = published.arm
    ahead_s = published.sent_s[-1] - rig.now_s
    rest = START_Q + (old_s + 0.5 * ahead_s) * dq
    np.testing.assert_allclose(brake.points.q, np.tile(rest, (2, 1)), atol=1e-6)
    assert brake.past is None
    assert rig.dispatcher.channel.playback.setpoint.state(rig.now_s) is None


# The gripper in a stop.


@pytest.mark.parametrize("way", ["stop", "stay"])
def test_a_stop_drops_a_close_that_has_not_begun(rig: Rig, way: str) -> None:
    """On a stop, the fingers closed all the same, at their step."""
    rig.play(close=np.arange(STEPS) >= STEPS - 2)
    assert rig.published.gripper[-1].positions_m[-1] == pytest.approx(0.0)
    rig.now_s += 0.1
    if way == "stop":
        rig.dispatcher.stops.stop(rig.now_s)
    else:
        rig.dispatcher.stops.stop_in_place(
            replace(rig.measured(), q=START_Q, dq=np.zeros(7)), rig.now_s
        )
    np.testing.assert_allclose(rig.published.gripper[-1].positions_m, 0.04)


def test_a_change_at_the_end_of_a_chunk_that_moves_nothing_is_remembered(
    chunk_planner: ChunkPlanner,
    planner: Planner,
    published: Published,
    gripper_limits: GripperLimits,
) -> None:
    gripper = Gripper(gripper_limits, 2)
    rig = Rig(dispatcher_of(chunk_planner, planner, published, gripper), published)
    rig.play(close=np.arange(STEPS) == STEPS - 1)
    assert published.gripper == []
    rig.finish()
    rig.play(close=CLOSE)
    assert len(published.gripper) == 1
    assert published.gripper[0].times_s[-1] == pytest.approx(0.4)

# SPDX-License-Identifier: Apache-2.0
"""Chunks that overlap with inferences: every step is played once, in order, and none twice."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError, ConnectionFailedError
from vera_ros.policy.goal import EpisodeTimeouts
from vera_ros.policy.pacing.overlap import OverlapRules
from vera_ros.policy.ports import ChunkState
from vera_ros.policy.states import Cause, State
from vera_ros.wire.protocol.messages import InferReply

from ..async_rig import AsyncRig
from ..rig import PERIOD_MS, START_ROS_NS, reply, taken_ms

NEWEST_ALONE = OverlapRules(old_share=0.0)


def playing(rules: OverlapRules = NEWEST_ALONE, **accepted: Any) -> AsyncRig:
    """An episode whose first chunk of ten steps has just begun."""
    rig = AsyncRig(rules=rules)
    rig.reach(State.PLAYING)
    rig.accept(**accepted)
    return rig


def asking(rig: AsyncRig) -> AsyncRig:
    """The same, once it has asked for the next chunk."""
    rig.advance_until(lambda: rig.episode.dialogue.asking)
    return rig


def state_of(rig: AsyncRig) -> State:
    return rig.episode.state


# Asking.


def test_it_asks_while_the_chunk_plays_from_the_frame_of_a_step() -> None:
    rig = asking(playing())
    assert rig.episode.state is State.PLAYING
    request = rig.server.requests[-1]
    begun_ms = (rig.arm.chunks[0].stamp_ns - START_ROS_NS) // 1_000_000
    steps = (taken_ms(request)[-1] - begun_ms) // PERIOD_MS
    assert request.pending_actions is not None
    assert len(request.pending_actions) == 10 - steps
    assert len(request.context_rgb) == 1 + steps  # one look, then the frames of the steps


@pytest.mark.parametrize("steps_left", [1, 3, 8])
def test_it_asks_when_few_steps_are_left(steps_left: int) -> None:
    rig = AsyncRig(rules=OverlapRules(ask_at_steps=steps_left, lead_s=0.0))
    rig.start()
    rig.connect()
    rig.look()
    rig.answer()  # at once: the latency asks for nothing
    rig.accept()
    asking(rig)
    pending = rig.server.requests[-1].pending_actions
    assert pending is not None
    assert len(pending) == steps_left


@given(latency_ms=st.sampled_from([0, 100, 200, 300]))
def test_a_slow_server_is_asked_sooner(latency_ms: int) -> None:
    rig = AsyncRig(rules=OverlapRules(ask_at_steps=1, lead_s=0.1))
    rig.start()
    rig.run(2.0, latency_ms)
    pending = rig.server.requests[-1].pending_actions
    assert pending is not None
    assert abs(len(pending) * PERIOD_MS - (latency_ms + 100)) <= 2 * PERIOD_MS


def test_a_server_that_takes_longer_than_its_chunks_is_asked_for_longer_ones() -> None:
    rig = AsyncRig()
    rig.start()
    rig.run(3.0, 800)
    horizons = [request.execute_horizon for request in rig.server.requests]
    assert horizons[0] is None
    assert horizons[-1] is not None
    assert horizons[-1] * PERIOD_MS >= 900
    assert horizons[-1] <= OverlapRules().most_steps


def test_it_asks_one_question_at_a_time() -> None:
    rig = asking(playing())
    asked = len(rig.server.requests)
    rig.advance(0.2)
    assert len(rig.server.requests) == asked


def test_without_the_robots_pose_at_the_frame_it_waits_for_another_frame() -> None:
    rig = playing()
    rig.body.felt = None
    rig.advance(0.3)
    assert not rig.episode.dialogue.asking
    rig.body.felt = AsyncRig().body.felt
    asking(rig)


# Taking over.


@settings(max_examples=60, deadline=None)
@given(
    latency_ms=st.integers(0, 900),
    rows=st.integers(4, 16),
    stretch=st.sampled_from([1.0, 1.3, 2.0]),
    looks_ahead=st.booleans(),
)
def test_every_step_is_played_once_and_in_order(
    latency_ms: int, rows: int, stretch: float, looks_ahead: bool
) -> None:
    rig = AsyncRig(rules=NEWEST_ALONE)
    rig.start()
    rig.run(8.0, latency_ms, rows=rows, stretch=stretch, looks_ahead=looks_ahead)
    steps = rig.steps()
    assert len(steps) >= 10
    assert steps == pytest.approx(list(range(len(steps))), abs=1e-3)
    assert rig.episode.running


@settings(max_examples=30, deadline=None)
@given(latency_ms=st.integers(0, 300), stretch=st.sampled_from([1.0, 1.5]))
def test_an_arm_whose_server_is_fast_enough_never_rests(latency_ms: int, stretch: float) -> None:
    rig = AsyncRig()
    rig.start()
    rig.run(10.0, latency_ms, rows=16, stretch=stretch)
    assert rig.episode.record.counters.holds == 0
    assert rig.episode.record.moving_share > 0.99


def test_a_server_that_plans_ahead_takes_over_at_the_end_and_nothing_is_dropped() -> None:
    rig = playing()
    end_ns = rig.step_times_ns()[-1]
    asking(rig)
    pending = rig.server.requests[-1].pending_actions
    assert pending is not None
    rig.answer(InferReply(np.full((10, 7), 0.1, np.float32), {"pending_actions": len(pending)}))
    assert rig.arm.chunks[-1].start_ns == max(end_ns, rig.now.ros_ns + 100_000_000)
    assert rig.episode.record.counters.steps_dropped == 0


def test_overlaps_are_blended_but_never_the_gripper() -> None:
    rig = asking(playing(OverlapRules(old_share=0.3)))
    pending = rig.server.requests[-1].pending_actions
    assert pending is not None
    assert (pending == np.float32(0.1)).all()
    actions = np.full((12, 7), 0.5, np.float32)
    actions[:, 6] = 1.0
    rig.answer(InferReply(actions, {}))
    commands, blended = rig.arm.chunks[-1].commands, rig.episode.record.counters.steps_blended
    expected = np.where(np.arange(len(commands.poses)) < blended, 0.3 * 0.1 + 0.7 * 0.5, 0.5)
    np.testing.assert_allclose(commands.poses[:, 0], 0.05 * expected, rtol=1e-5)
    assert commands.gripper is not None
    assert commands.gripper.all()
    assert rig.episode.record.counters.steps_dropped == 12 - len(commands.poses)


def test_a_chunk_whose_steps_are_all_past_is_not_played_and_another_look_is_taken() -> None:
    rig = asking(playing())
    rig.advance(0.5)
    times = rig.arm.chunks[0]
    rig.progress(ChunkState.FINISHED, sequence=times.sequence, step_times_ns=rig.step_times_ns())
    assert rig.episode.state is State.INFERRING
    rig.answer(reply(rows=1))
    assert len(rig.arm.chunks) == 1
    assert state_of(rig) is State.WAITING_FOR_VIEWS
    assert rig.episode.record.counters.late_chunks == 1


def test_when_nothing_is_ready_the_arm_holds_and_no_frames_enter() -> None:
    rig = AsyncRig(rules=NEWEST_ALONE)
    rig.start()
    rig.run(4.0, 1500, rows=10)
    assert rig.episode.record.counters.holds >= 1
    window, episode = rig.episode.observer.window, rig.episode
    assert window is not None
    while episode.state is not State.INFERRING or not episode.message.startswith("holding"):
        rig.run(0.01, 1500)
    fill = window.ticks  # type: ignore[attr-defined]
    rig.advance(0.3)
    assert window.ticks == fill  # type: ignore[attr-defined]


def test_the_arm_side_may_drop_more_steps() -> None:
    rig = asking(playing())
    rig.answer(reply(rows=12))
    chunk = rig.arm.chunks[-1]
    count = len(chunk.commands.poses)
    before = rig.episode.record.counters.steps_dropped
    times = tuple(chunk.start_ns + (i + 3) * PERIOD_MS * 1_000_000 for i in range(count - 2))
    rig.progress(ChunkState.ACCEPTED, step_times_ns=times, steps_dropped=2)
    assert rig.episode.record.counters.steps_dropped == before + 2
    assert rig.episode.state is State.PLAYING


# What goes wrong.


@pytest.mark.parametrize("count", [-1, 11, "many", True])
def test_a_server_that_says_it_saw_more_than_was_sent_ends_the_episode(count: object) -> None:
    rig = asking(playing())
    rig.answer(InferReply(np.full((10, 7), 0.1, np.float32), {"pending_actions": count}))
    result = rig.episode.record.result
    assert result is not None
    assert result.cause is Cause.PROTOCOL_ERROR
    assert "pending_actions" in result.message
    assert rig.arm.stops == 1


def test_a_chunk_that_is_rejected_in_motion_ends_the_episode_and_stops_the_arm() -> None:
    rig = asking(playing())
    rig.answer(reply(rows=12))
    rig.progress(ChunkState.REJECTED, message="outside the workspace")
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.ARM_REJECTED
    assert rig.arm.stops == 1


def test_an_arm_that_does_not_answer_a_chunk_in_motion_is_silent() -> None:
    rig = asking(playing())
    rig.answer(reply(rows=12))
    rig.advance(rig.bounds.accept_timeout_s + 0.1)
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.ARM_SILENT


def test_an_inference_that_takes_too_long_ends_the_episode_while_a_chunk_plays() -> None:
    rig = AsyncRig(EpisodeTimeouts(infer_timeout_s=1.0))
    rig.reach(State.PLAYING)
    rig.accept(step_times_ns=rig.step_times_ns(stretch=5.0))
    rig.advance_until(lambda: rig.episode.dialogue.asking, 3.0)
    rig.advance(1.1)
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.SERVER_TIMEOUT
    assert rig.arm.stops == 1
    assert rig.server.calls[-1] == "abandon"


def test_a_pause_forgets_the_chunk_that_was_to_come() -> None:
    rig = asking(playing())
    rig.episode.pause(rig.now)
    assert rig.episode.state is State.PAUSED
    assert rig.arm.stops == 1
    rig.answer(reply(rows=12))  # of a question from before the pause
    assert len(rig.arm.chunks) == 1
    rig.episode.resume(rig.now)
    rig.look()
    rig.answer()
    rig.accept()
    assert state_of(rig) is State.PLAYING


@pytest.mark.parametrize("looks_ahead", [True, False])
@pytest.mark.parametrize("after_s", [0.1, 0.3, 0.9])
def test_steps_that_a_pause_cut_off_are_planned_again(looks_ahead: bool, after_s: float) -> None:
    rig = AsyncRig(rules=NEWEST_ALONE)
    rig.start()
    rig.run(after_s, 100, rows=40, looks_ahead=looks_ahead)
    rig.episode.pause(rig.now)
    rig.stop_at_once()
    rig.run(0.3, 100, rows=40, looks_ahead=looks_ahead)
    assert rig.episode.state is State.PAUSED
    rig.episode.resume(rig.now)
    rig.run(6.0, 100, rows=40, looks_ahead=looks_ahead)
    steps = rig.steps()
    assert len(steps) > 60
    assert steps == pytest.approx(list(range(len(steps))), abs=1e-3)
    assert rig.episode.record.counters.steps == pytest.approx(len(steps), abs=1)


def test_steps_that_a_lost_connection_cut_off_are_planned_again() -> None:
    rig = AsyncRig(EpisodeTimeouts(restart=True), NEWEST_ALONE)
    rig.start()
    rig.run(1.0, 100, rows=40)
    rig.advance_until(lambda: rig.episode.dialogue.asking, 3.0)
    session = rig.episode.dialogue.session_id
    rig.fail(ConnectionFailedError("gone"))
    rig.stop_at_once()
    rig.run(6.0, 100, rows=40)
    assert rig.episode.dialogue.session_id != session
    steps = rig.steps()
    assert len(steps) > 60
    assert steps == pytest.approx(list(range(len(steps))), abs=1e-3)


def test_a_chunk_that_the_arm_side_finds_too_late_is_not_played_and_the_episode_goes_on() -> None:
    rig = asking(playing())
    rig.answer(reply(rows=12))
    rig.progress(ChunkState.REJECTED, message="too late", too_late=True)
    assert rig.episode.state is State.PLAYING
    assert rig.episode.record.counters.late_chunks >= 1
    assert rig.arm.stops == 0
    asking(rig)  # while the first chunk plays on
    rig.answer(reply(rows=12))
    rig.accept()
    assert state_of(rig) is State.PLAYING


def test_a_chunk_that_is_too_late_after_the_end_of_the_one_before_ends_in_a_hold() -> None:
    rig = asking(playing())
    rig.answer(reply(rows=12))
    first = rig.arm.chunks[0].sequence
    rig.progress(ChunkState.FINISHED, sequence=first, step_times_ns=rig.step_times_ns())
    rig.progress(ChunkState.REJECTED, message="too late", too_late=True)
    assert rig.episode.state is State.WAITING_FOR_VIEWS
    assert rig.episode.record.counters.holds == 1


def test_a_chunk_from_rest_that_comes_too_late_ends_the_episode() -> None:
    rig = AsyncRig(rules=NEWEST_ALONE)
    rig.reach(State.PLAYING)
    rig.progress(ChunkState.REJECTED, message="too late", too_late=True)
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.ARM_REJECTED


def test_steps_that_the_arm_side_drops_are_those_of_the_chunk_before() -> None:
    rig = asking(playing(OverlapRules(ask_at_steps=8)))
    rig.answer(reply(rows=12))
    chunk = rig.arm.chunks[-1]
    count = len(chunk.commands.poses)
    pending = rig.server.requests[-1].pending_actions
    assert pending is not None
    begun = 12 - count  # rows that the episode dropped itself
    assert begun + 2 < len(pending)
    times = tuple(chunk.start_ns + (i + 3) * PERIOD_MS * 1_000_000 for i in range(count - 2))
    rig.progress(ChunkState.ACCEPTED, step_times_ns=times, steps_dropped=2)
    rig.advance((times[0] - rig.now.ros_ns) * 1e-9)
    rig.progress(ChunkState.PLAYING, step_times_ns=times, steps_played=1, steps_dropped=2)
    origin = 10 - len(pending)
    assert rig.episode.record.counters.steps == origin + begun + 2 + 1


def test_a_chunk_may_await_approval_while_the_one_before_plays() -> None:
    rig = asking(playing())
    rig.answer(reply(rows=12))
    rig.progress(ChunkState.AWAITING_APPROVAL)
    assert rig.episode.state is State.AWAITING_APPROVAL
    rig.advance(rig.bounds.accept_timeout_s + rig.bounds.settle_timeout_s + 1.0)
    assert rig.episode.running
    rig.accept()
    assert state_of(rig) is State.PLAYING


@pytest.mark.parametrize(
    "rules", [{"old_share": 1.5}, {"ask_at_steps": 0}, {"lead_s": -1.0}, {"most_steps": 0}]
)
def test_rules_must_make_sense(rules: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        OverlapRules(**rules)

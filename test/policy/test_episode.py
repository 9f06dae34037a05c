# SPDX-License-Identifier: Apache-2.0
"""The episode, played in milliseconds: what it sends when, and how it ends."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vera_ros.errors import (
    ConfigurationError,
    ConnectionFailedError,
    PolicyServerError,
    ProtocolError,
    ServerTimeoutError,
)
from vera_ros.policy.goal import EpisodeTimeouts, Goal
from vera_ros.policy.ports import ChunkState
from vera_ros.policy.states import Cause, Outcome, State, ending

from .rig import BODY, Rig, reply, taken_ms

MOVING = (State.PLAYING, State.SETTLING, State.AWAITING_APPROVAL)
RUNNING = tuple(state for state in State if state.running)


def at(state: State, bounds: EpisodeTimeouts | None = None) -> Rig:
    rig = Rig(bounds)
    rig.reach(state)
    return rig


# Endings.


def no_server(rig: Rig) -> None:
    rig.start()
    rig.fail(ConnectionFailedError("refused"))


def server_mismatch(rig: Rig) -> None:
    rig.start()
    rig.fail(ConfigurationError("embodiment 'droid'"))


def server_timeout(rig: Rig) -> None:
    rig.reach(State.INFERRING)
    rig.fail(ServerTimeoutError("too slow"))


def server_error(rig: Rig) -> None:
    rig.reach(State.INFERRING)
    rig.fail(PolicyServerError("out of memory"))


def protocol_error(rig: Rig) -> None:
    rig.reach(State.INFERRING)
    rig.fail(ProtocolError("no action"))


def connection_lost(rig: Rig) -> None:
    rig.reach(State.INFERRING)
    rig.fail(ConnectionFailedError("broke"))


def internal_error(rig: Rig) -> None:
    rig.reach(State.INFERRING)
    rig.fail(ZeroDivisionError("a surprise"))


def task_success(rig: Rig) -> None:
    rig.reach(State.PLAYING)
    rig.episode.on_success(rig.now)


def time_limit(rig: Rig) -> None:
    rig.start(time_limit_s=2.0)
    rig.advance(2.1)


def cancel_requested(rig: Rig) -> None:
    rig.reach(State.INFERRING)
    rig.episode.cancel(rig.now)


def deactivated(rig: Rig) -> None:
    rig.reach(State.PLAYING)
    rig.episode.end(Cause.DEACTIVATED, "the node is being deactivated", rig.now)


def views_missing(rig: Rig) -> None:
    rig.cameras_on = False
    rig.reach(State.WAITING_FOR_VIEWS)
    rig.advance(rig.bounds.view_timeout_s + 0.1)


def image_error(rig: Rig) -> None:
    rig.reach(State.INFERRING)
    rig.episode.end(Cause.IMAGE_ERROR, "unknown encoding", rig.now)


def invalid_actions(rig: Rig) -> None:
    rig.reach(State.INFERRING)
    rig.answer(reply(value=np.nan))


def arm_rejected(rig: Rig) -> None:
    rig.reach(State.PLAYING)
    rig.progress(ChunkState.REJECTED, message="outside the workspace")


def arm_aborted(rig: Rig) -> None:
    rig.reach(State.PLAYING)
    rig.accept()
    rig.progress(ChunkState.ABORTED, message="a stop was requested")


def arm_silent(rig: Rig) -> None:
    rig.reach(State.PLAYING)
    rig.advance(rig.bounds.accept_timeout_s + 0.1)


def server_shared(rig: Rig) -> None:
    rig.reach(State.INFERRING)
    rig.answer(reply(session_id="somebody else's"))


def views_stale(rig: Rig) -> None:
    rig.reach(State.PLAYING)
    rig.progress(ChunkState.ACCEPTED, step_times_ns=rig.step_times_ns(stretch=10.0))
    rig.cameras_on = False
    rig.advance(rig.bounds.view_stall_s + 0.1)


def views_skewed(rig: Rig) -> None:
    rig.lag_ms, rig.skew_ms = 25, 10
    rig.reach(State.WAITING_FOR_VIEWS)
    rig.advance(rig.bounds.view_timeout_s + 0.1)


def clock_jumped(rig: Rig) -> None:
    rig.reach(State.PLAYING)
    rig.accept()
    rig.jump_ns = -100_000_000
    rig.advance(0.01)


def held(rig: Rig) -> None:
    rig.reach(State.PLAYING)
    rig.accept()
    rig.progress(ChunkState.ABORTED, message="a hold was asked for", held=True)


_NO_EPISODE = (Cause.NONE, Cause.GOAL_REFUSED)  # no episode ends with these
CAUSES: dict[Cause, Callable[[Rig], None]] = {
    cause: globals()[cause.name.lower()] for cause in Cause if cause not in _NO_EPISODE
}


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_every_cause_ends_the_episode_with_words(cause: Cause) -> None:
    rig = Rig()
    CAUSES[cause](rig)
    result = rig.episode.record.result
    assert result is not None
    state, outcome = ending(cause)
    assert (result.cause, result.outcome, rig.episode.state) == (cause, outcome, state)
    assert result.message
    assert not rig.episode.running


@pytest.mark.parametrize("state", RUNNING, ids=lambda state: state.name)
def test_the_end_stops_the_arm_if_it_moves_and_leaves_the_server(state: State) -> None:
    rig = at(state)
    rig.episode.cancel(rig.now)
    assert rig.arm.stops == (state in (*MOVING, State.PAUSED))
    asked = state in (State.CONNECTING, State.INFERRING)
    assert rig.server.calls[-1] == ("abandon" if asked else "release")


def test_a_judge_may_end_a_playing_episode_as_a_success() -> None:
    rig = at(State.PLAYING)
    rig.accept()
    rig.advance(0.2)
    rig.episode.on_success(rig.now)
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.outcome is Outcome.SUCCEEDED
    assert rig.arm.stops == 1


def test_the_time_limit_holds_during_an_inference() -> None:
    rig = Rig()
    rig.start(time_limit_s=5.0)
    rig.connect()
    rig.look()
    rig.advance(6.0)
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.TIME_LIMIT
    assert rig.episode.record.result.duration_s == pytest.approx(5.0)
    assert rig.server.calls[-1] == "abandon"


@pytest.mark.parametrize(
    ("state", "bound", "cause"),
    [
        (State.CONNECTING, "connect_timeout_s", Cause.NO_SERVER),
        (State.INFERRING, "infer_timeout_s", Cause.SERVER_TIMEOUT),
        (State.PLAYING, "accept_timeout_s", Cause.ARM_SILENT),
        (State.SETTLING, "settle_timeout_s", Cause.ARM_SILENT),
    ],
)
def test_every_wait_ends_at_its_bound(state: State, bound: str, cause: Cause) -> None:
    rig = at(
        state,
        EpisodeTimeouts(
            connect_timeout_s=1.0,
            infer_timeout_s=1.0,
            view_timeout_s=1.0,
            accept_timeout_s=1.0,
            settle_timeout_s=1.0,
        ),
    )
    rig.advance(0.8)
    assert rig.episode.state is state
    rig.advance(0.4)
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is cause
    assert f"{getattr(rig.bounds, bound):g} s" in rig.episode.record.result.message


def test_a_robot_that_feels_nothing_is_silent() -> None:
    rig = Rig(EpisodeTimeouts(view_timeout_s=1.0))
    rig.body.felt = None
    rig.reach(State.WAITING_FOR_VIEWS)
    rig.advance(0.5)
    assert rig.episode.message.startswith("waiting for the arm; ")
    rig.advance(0.6)
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.ARM_SILENT


def test_missing_views_are_named_while_they_are_waited_for() -> None:
    rig = Rig()
    rig.cameras_on = False
    rig.reach(State.WAITING_FOR_VIEWS)
    rig.advance(0.5)
    assert "agentview_image" in rig.episode.message


def test_proprioception_that_no_request_can_carry_ends_the_episode() -> None:
    """A pose that is not a number made the request raise out of the tick, and the node died."""
    rig = Rig()
    rig.body.felt = {**BODY, "eef_pos": np.full(3, np.nan, np.float32)}
    rig.reach(State.WAITING_FOR_VIEWS)
    rig.advance(0.2)
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.INTERNAL_ERROR
    assert "eef_pos" in rig.episode.record.result.message


def test_step_times_that_do_not_increase_end_the_episode() -> None:
    """Step times out of order made the window raise out of the progress, and the node died."""
    rig = at(State.PLAYING)
    rig.accept(step_times_ns=(5, 4))
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.INTERNAL_ERROR
    assert rig.arm.stops == 1


# Goals.


@pytest.mark.parametrize("limit_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_goal_needs_a_time_limit(limit_s: float) -> None:
    rig = Rig()
    with pytest.raises(ConfigurationError, match="time limit"):
        rig.start(time_limit_s=limit_s)
    assert rig.episode.state is State.IDLE
    assert rig.server.calls == []


@pytest.mark.parametrize("state", RUNNING, ids=lambda state: state.name)
def test_a_second_goal_is_refused_and_the_first_goes_on(state: State) -> None:
    rig = at(state)
    session = rig.episode.dialogue.session_id
    with pytest.raises(ConfigurationError, match="running already"):
        rig.start("another")
    assert (rig.episode.state, rig.episode.dialogue.session_id) == (state, session)
    assert rig.episode.goal.prompt == "stack"


@pytest.mark.parametrize("prompt", ["", "  "])
def test_a_server_that_needs_a_prompt_gets_one_or_nothing(prompt: str) -> None:
    rig = Rig()
    rig.start(prompt)
    rig.connect(needs_prompt=True)
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.SERVER_MISMATCH
    assert "prompt" in rig.episode.record.result.message


def test_a_server_that_needs_no_prompt_gets_none() -> None:
    rig = Rig()
    rig.start("")
    rig.connect(needs_prompt=False)
    rig.look()
    assert rig.server.requests[0].prompt is None


def test_every_episode_has_its_own_session_and_starts_from_nothing() -> None:
    rig = at(State.INFERRING)
    rig.answer()
    rig.play_out(rails_bound=True)
    rig.look()
    rig.episode.cancel(rig.now)
    rig.start()
    assert rig.episode.record.counters.chunks == 0
    assert rig.episode.record.result is None
    rig.connect()
    rig.look()
    first, second, third = rig.server.requests
    assert first.session_id == second.session_id != third.session_id
    assert len(third.context_rgb) == 1
    assert third.rails_bound is None
    rig.answer()
    assert rig.arm.chunks[-1].sequence == 0


# What the server is sent.


def test_a_cold_start_sends_the_one_frame_there_is() -> None:
    rig = at(State.INFERRING)
    (request,) = rig.server.requests
    assert request.context_rgb.shape == (1, 4, 8, 3)
    assert request.session_id == rig.episode.dialogue.session_id
    assert request.prompt == "stack"
    assert request.rails_bound is None
    assert request.executed_trans is None
    assert list(request.view_widths) == [4, 4]


def test_the_second_request_carries_the_frames_of_the_steps_and_one_fresh_look() -> None:
    rig = at(State.INFERRING)
    rig.advance(0.37)  # nothing of the waiting arm enters
    rig.answer()
    rig.advance(0.06)
    accepted_ms = round(rig.now.steady_s * 1e3)
    rig.play_out(rails_bound=True, executed_trans_m=0.25)
    finished_ms = round(rig.now.steady_s * 1e3)
    rig.look()
    first, second = rig.server.requests
    look, *played, fresh = taken_ms(second)
    assert [look] == taken_ms(first)
    steps = [accepted_ms + 50 * (i + 1) for i in range(10)]
    assert played == [step // 50 * 50 for step in steps]
    assert fresh >= finished_ms
    assert second.rails_bound is True
    assert second.executed_trans == 0.25


def test_a_stretched_plan_is_sampled_when_its_steps_happen() -> None:
    rig = at(State.PLAYING)
    times = rig.step_times_ns(10, stretch=2.0)
    rig.progress(ChunkState.ACCEPTED, step_times_ns=times)
    begin_ms = round(rig.now.steady_s * 1e3)
    rig.advance(1.3)
    rig.progress(ChunkState.FINISHED, step_times_ns=times, steps_played=10)
    rig.look()
    played = taken_ms(rig.server.requests[1])[1:-1]
    assert played == [(begin_ms + 100 * (i + 1)) // 50 * 50 for i in range(10)]


def test_the_window_keeps_what_the_planner_wants() -> None:
    rig = at(State.INFERRING)
    for _ in range(3):
        rig.answer()
        rig.play_out()
        rig.look()
    counts = [len(request.context_rgb) for request in rig.server.requests]
    assert counts == [1, 12, 21, 21]
    stamps = taken_ms(rig.server.requests[-1])
    assert stamps == sorted(set(stamps))


def test_a_warm_up_takes_real_frames_at_the_control_rate_once() -> None:
    rig = at(State.INFERRING, EpisodeTimeouts(warmup_frames=4))
    stamps = taken_ms(rig.server.requests[0])
    assert len(stamps) == 4
    assert np.diff(stamps).tolist() == [50, 50, 50]
    rig.answer()
    rig.play_out()
    rig.look()
    assert len(rig.server.requests[1].context_rgb) == 4 + 10 + 1


def test_clipped_rows_bind_the_rails_too() -> None:
    rig = at(State.INFERRING)
    rig.answer(reply(value=1.5))
    assert rig.episode.record.counters.clipped_rows == 10
    rig.play_out(rails_bound=False)
    rig.look()
    assert rig.server.requests[1].rails_bound is True
    rig.answer()
    rig.play_out(rails_bound=False)
    rig.look()
    assert rig.server.requests[2].rails_bound is False


def test_proprioception_goes_under_the_names_that_the_server_asks_for() -> None:
    rig = Rig()
    rig.start()
    rig.connect(proprio_keys=["robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos"])
    rig.look()
    proprio = rig.server.requests[0].proprio
    assert set(proprio) == {f"robot0_{n}" for n in BODY if n != "q_robot"} | set(BODY)
    for name, value in BODY.items():
        np.testing.assert_array_equal(proprio[name], value)
        np.testing.assert_array_equal(proprio.get(f"robot0_{name}", value), value)


# What the arm is sent, and what it says.


def test_chunks_count_up_and_carry_what_they_were_planned_from() -> None:
    rig = at(State.INFERRING)
    for number in range(3):
        stamp_ms = taken_ms(rig.server.requests[-1])[-1]
        rig.answer()
        chunk = rig.arm.chunks[-1]
        assert (chunk.sequence, chunk.control_dt_s) == (number, 0.05)
        assert (chunk.stamp_ns - rig.now.ros_ns) // 1_000_000 == stamp_ms - round(
            rig.now.steady_s * 1e3
        )
        np.testing.assert_allclose(chunk.commands.poses[0, :3], 0.005, rtol=1e-6)
        rig.play_out()
        rig.look()
    assert rig.episode.record.counters.steps == 30


@pytest.mark.parametrize("changes", [{"session_id": "another"}, {"sequence": 7}])
@pytest.mark.parametrize("said", list(ChunkState))
def test_what_is_said_of_other_chunks_is_ignored(changes: dict[str, Any], said: ChunkState) -> None:
    rig = at(State.PLAYING)
    rig.progress(said, **changes)
    assert rig.episode.state is State.PLAYING
    assert rig.episode.record.counters.steps == 0
    rig.advance(rig.bounds.accept_timeout_s + 0.1)  # it was no answer to the chunk
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.ARM_SILENT


def test_latencies_are_told_apart() -> None:
    rig = at(State.INFERRING)
    rig.advance(0.4)
    rig.answer(reply(infer_s=0.3, phase="thinking"), latency_s=0.37)
    chunk = rig.arm.chunks[-1]
    rig.advance(0.05)
    rig.accept()
    counters = rig.episode.record.counters
    elapsed_s = (rig.now.ros_ns - chunk.stamp_ns) * 1e-9
    assert counters.server_latency_s == 0.37
    assert counters.server_infer_s == 0.3
    assert counters.phase == "thinking"
    assert counters.pipeline_latency_s == pytest.approx(elapsed_s - 0.3)
    rig.advance(0.2)
    rig.progress(ChunkState.PLAYING, steps_played=3)
    assert counters.pipeline_latency_s == pytest.approx(elapsed_s - 0.3)


@pytest.mark.parametrize("infer_s", [None, "fast", [1.0]])
def test_a_server_that_does_not_say_how_long_it_took_is_no_trouble(infer_s: object) -> None:
    rig = at(State.INFERRING)
    rig.answer(reply(infer_s=infer_s))
    assert rig.episode.record.counters.server_infer_s == 0.0


def test_closing_the_gripper_is_no_collapsed_dream() -> None:
    """A gripper column of +-1 once hid every collapse; a grasp that holds still is none."""
    rig = at(State.INFERRING)
    for grip in (-1.0, 1.0, 1.0):
        still = reply(value=0.0)
        still.actions[:, -1] = grip
        rig.answer(still)
        rig.play_out()
        rig.look()
    assert (
        rig.episode.record.counters.collapsed_chunks == 2
    )  # the first and the last, not the closing


def test_collapsed_cut_and_slowed_chunks_are_counted() -> None:
    rig = at(State.INFERRING)
    for value in (1e-5, 0.1, 0.0):
        rig.answer(reply(value=value))
        rig.play_out(rails_bound=value == 0.1, time_stretch=1.5 if value == 0.0 else 1.0)
        rig.look()
    assert rig.episode.record.counters.collapsed_chunks == 2
    assert rig.episode.record.counters.rails_bound_chunks == 1
    assert rig.episode.record.counters.slowed_chunks == 1
    assert rig.episode.record.counters.chunks == 3


def test_steps_are_counted_while_they_play() -> None:
    rig = at(State.PLAYING)
    times = rig.step_times_ns()
    for played in (0, 3, 10):
        rig.progress(ChunkState.PLAYING, step_times_ns=times, steps_played=played)
        assert rig.episode.record.counters.steps == played
    rig.episode.cancel(rig.now)
    assert rig.episode.record.result is not None
    assert (rig.episode.record.result.chunks, rig.episode.record.result.steps) == (1, 10)


def test_the_duration_stands_still_after_the_end() -> None:
    rig = at(State.INFERRING)
    rig.advance(1.0)
    rig.episode.cancel(rig.now)
    took_s = rig.episode.elapsed_s(rig.now)
    rig.advance(3.0)
    assert rig.episode.elapsed_s(rig.now) == took_s >= 1.0


def test_an_end_disarms_the_steps_that_are_not_played() -> None:
    rig = at(State.PLAYING)
    rig.accept()
    rig.advance(0.22)
    rig.episode.cancel(rig.now)
    window = rig.episode.observer.window
    assert window is not None
    rig.advance(2.0)
    window.poll(rig.now.ros_ns)
    assert window.fill <= 1 + 4


def test_an_arm_that_still_moves_is_not_looked_at() -> None:
    rig = at(State.PLAYING)
    rig.episode.cancel(rig.now)
    rig.arm.rests = False
    rig.start()
    rig.connect()
    rig.advance(rig.bounds.view_timeout_s + 1.0)  # how long is the arm side's business
    assert rig.episode.state is State.WAITING_FOR_VIEWS
    assert "rest" in rig.episode.message
    rest_ms = round(rig.now.steady_s * 1e3)
    rig.arm.rests = True
    rig.look()
    assert min(taken_ms(rig.server.requests[-1])) >= rest_ms


def test_an_arm_that_is_not_known_to_rest_is_stopped_again_and_never_looked_at() -> None:
    rig = at(State.PLAYING)
    rig.episode.cancel(rig.now)
    rig.arm.rests, rig.arm.unrests = False, "the arm runs away"
    rig.start()
    assert rig.arm.stops == 2
    rig.connect()
    rig.advance_until(lambda: not rig.episode.running)
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.ARM_SILENT
    assert rig.episode.record.result.message == "the arm runs away"
    assert len(rig.server.requests) == 1


def test_nothing_is_asked_or_played_after_the_end() -> None:
    rig = at(State.PLAYING)
    rig.episode.cancel(rig.now)
    calls, chunks = list(rig.server.calls), len(rig.arm.chunks)
    result = rig.episode.record.result
    rig.connect()
    rig.answer()
    rig.accept()
    rig.fail(ServerTimeoutError("late"))
    rig.episode.on_success(rig.now)
    rig.episode.cancel(rig.now)
    rig.advance(10.0)
    assert rig.server.calls == calls
    assert len(rig.arm.chunks) == chunks
    assert rig.episode.record.result is result


def test_a_goal_is_what_it_was_given() -> None:
    rig = Rig()
    rig.start("pick", 12.0)
    assert rig.episode.goal == Goal("pick", 12.0)


def test_a_slow_plan_has_its_own_time_to_come_to_rest() -> None:
    rig = Rig(EpisodeTimeouts(settle_timeout_s=1.0))
    rig.reach(State.PLAYING)
    end_ns = rig.now.ros_ns + 7_000_000_000
    rig.accept(step_times_ns=(), end_ns=end_ns)  # as in a dry run
    rig.advance(7.9)
    assert rig.episode.state is State.SETTLING
    rig.advance(0.3)
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.cause is Cause.ARM_SILENT


@pytest.mark.parametrize("end", ["pause", "cancel"])
def test_a_chunk_that_begins_after_all_was_stopped_is_stopped_too(end: str) -> None:
    rig = Rig()
    rig.reach(State.PLAYING)
    getattr(rig.episode, end)(rig.now)
    stops = rig.arm.stops
    rig.accept()
    assert rig.arm.stops == stops + 1
    rig.progress(ChunkState.ABORTED)
    assert rig.arm.stops == stops + 1

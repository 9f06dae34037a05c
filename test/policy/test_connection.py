# SPDX-License-Identifier: Apache-2.0
"""An episode and its server: waiting for it, losing it, and sharing it with a stranger."""

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
from vera_ros.policy.goal import EpisodeTimeouts
from vera_ros.policy.ports import ChunkState
from vera_ros.policy.states import Cause, State
from vera_ros.wire.connection.patience import FailedAttempt

from .async_rig import AsyncRig
from .lockstep_rig import LockstepRig
from .rig import PERIOD_MS, Rig, reply, server_config, taken_ms

RESTART = EpisodeTimeouts(infer_timeout_s=1.0, restart=True)
LOSSES = (
    ConnectionFailedError("it broke"),
    ServerTimeoutError("too slow"),
    PolicyServerError("out of memory"),
)
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda error: type(error).__name__)


def at(state: State, bounds: EpisodeTimeouts | None = None) -> Rig:
    rig = Rig(bounds)
    rig.reach(state)
    return rig


def in_the_second_chunk(bounds: EpisodeTimeouts = RESTART) -> Rig:
    """A rig that has played a chunk and waits for the next one."""
    rig = at(State.PLAYING, bounds)
    rig.play_out()
    rig.look()
    return rig


def ended(rig: Rig) -> tuple[Cause, str]:
    result = rig.episode.record.result
    assert result is not None, rig.episode.state.name
    return result.cause, result.message


# Waiting for the server.


def test_each_attempt_is_told_and_counted() -> None:
    rig = at(State.CONNECTING)
    assert rig.episode.record.counters.connection_attempts == 1
    rig.episode.sessions.on_attempt_failed(
        FailedAttempt(1, ConnectionFailedError("refused"), 0.75), rig.now
    )
    assert rig.episode.record.counters.connection_attempts == 2
    for word in ("attempt 1", "0.8 s", "refused"):
        assert word in rig.episode.message
    rig.connect()
    rig.episode.sessions.on_attempt_failed(
        FailedAttempt(2, ConnectionFailedError("late"), 1.0), rig.now
    )
    assert rig.episode.record.counters.connection_attempts == 2
    assert "late" not in rig.episode.message


# A connection that is lost.


@every_loss
def test_a_lost_connection_ends_the_episode_unless_it_may_restart(loss: Exception) -> None:
    rig = in_the_second_chunk(EpisodeTimeouts())
    rig.fail(loss)
    cause, message = ended(rig)
    assert cause in (Cause.CONNECTION_LOST, Cause.SERVER_TIMEOUT, Cause.SERVER_ERROR)
    assert str(loss) in message
    assert rig.episode.record.counters.reconnects == 0


@every_loss
def test_a_restart_is_a_new_session_with_an_empty_window(loss: Exception) -> None:
    rig = in_the_second_chunk()
    session, chunks, lost_ms = rig.episode.dialogue.session_id, len(rig.arm.chunks), rig.now.ros_ns
    rig.fail(loss)
    episode = rig.episode
    assert episode.state is State.CONNECTING
    assert rig.server.calls[-2:] == ["abandon", "connect"]
    assert str(loss) in episode.message
    assert episode.dialogue.session_id not in ("", session)
    assert episode.record.counters.reconnects == 1
    assert episode.record.counters.steps == 10
    rig.advance(0.5)
    rig.connect()
    rig.look()
    request = rig.server.requests[-1]
    assert request.session_id == episode.dialogue.session_id
    assert (len(request.context_rgb), rig.server.played[-1]) == (1, None)
    assert (request.rails_bound, request.executed_trans) == (None, None)
    assert min(taken_ms(request)) * 1_000_000 >= lost_ms - rig.now.ros_ns + rig._ms * 1_000_000
    rig.answer()
    assert rig.arm.chunks[-1].session_id == episode.dialogue.session_id
    assert rig.arm.chunks[-1].sequence == chunks
    rig.play_out()
    assert episode.record.counters.steps == 20


def test_skipped_ticks_are_counted_through_restarts() -> None:
    rig = at(State.PLAYING, RESTART)
    rig.accept()
    rig.cameras_on = False
    rig.advance(0.3)
    rig.cameras_on = True
    rig.advance(0.5)
    rig.progress(ChunkState.FINISHED, step_times_ns=rig.step_times_ns(), steps_played=10)
    rig.look()
    skipped = rig.episode.observer.ticks_skipped
    assert skipped > 0
    rig.fail(LOSSES[0])
    assert rig.episode.observer.ticks_skipped == skipped
    rig.episode.cancel(rig.now)
    rig.start()
    assert rig.episode.observer.ticks_skipped == 0


def test_our_own_deadline_is_a_lost_connection() -> None:
    rig = in_the_second_chunk()
    rig.advance(RESTART.infer_timeout_s + 0.1)
    assert rig.episode.state is State.CONNECTING
    assert "1 s" in rig.episode.message
    assert rig.server.calls[-2:] == ["abandon", "connect"]


def test_the_goals_time_goes_on_through_restarts() -> None:
    rig = Rig(RESTART)
    rig.start(time_limit_s=3.0)
    for _ in range(2):
        rig.connect()
        rig.look()
        rig.advance(0.5)
        rig.fail(LOSSES[0])
    rig.advance(3.0)
    assert ended(rig)[0] is Cause.TIME_LIMIT
    assert rig.episode.record.result is not None
    assert rig.episode.record.result.duration_s == pytest.approx(3.0)
    assert rig.episode.record.counters.reconnects == 2
    rig.start()
    assert rig.episode.record.counters.reconnects == 0


def test_a_server_that_does_not_come_back_ends_it() -> None:
    rig = in_the_second_chunk()
    rig.fail(LOSSES[0])
    rig.fail(ConnectionFailedError("gave up after 30 s"))
    assert ended(rig) == (Cause.NO_SERVER, "gave up after 30 s")


@pytest.mark.parametrize(
    "error",
    [ProtocolError("garbage"), ConfigurationError("droid"), ZeroDivisionError()],
    ids=lambda error: type(error).__name__,
)
def test_what_a_new_session_does_not_mend_ends_it(error: Exception) -> None:
    rig = in_the_second_chunk()
    rig.fail(error)
    assert not rig.episode.running


def test_warm_up_frames_are_taken_again() -> None:
    rig = in_the_second_chunk(EpisodeTimeouts(restart=True, warmup_frames=3))
    rig.fail(LOSSES[0])
    rig.connect()
    rig.look()
    assert len(taken_ms(rig.server.requests[-1])) == 3


def test_a_chunk_that_plays_meanwhile_is_stopped_and_the_arm_rests_before_the_next_look() -> None:
    rig = AsyncRig(RESTART)
    rig.start()
    rig.run(2.0, latency_ms=100)
    rig.advance_until(lambda: rig.episode.dialogue.asking and rig.episode.state is State.PLAYING)
    chunks, old = len(rig.arm.chunks), rig.arm.chunks[-1]
    rig.fail(LOSSES[0])
    assert (rig.episode.state, rig.arm.stops) == (State.CONNECTING, 1)
    rig.arm.rests = False
    rig.connect()
    rig.progress(ChunkState.ABORTED, session_id=old.session_id, sequence=old.sequence)
    rig.advance(1.0)
    assert rig.episode.state is State.WAITING_FOR_VIEWS
    assert "rest" in rig.episode.message
    rig.arm.rests = True
    rig.look()
    assert len(rig.server.requests[-1].context_rgb) == 1
    assert rig.server.requests[-1].pending_actions is None
    rig.run(2.0, latency_ms=100)
    assert len(rig.arm.chunks) > chunks
    assert rig.arm.chunks[-1].session_id == rig.episode.dialogue.session_id != old.session_id
    assert rig.episode.running


def test_a_pause_outlasts_a_restart() -> None:
    rig = at(State.INFERRING, RESTART)
    rig.episode.pause(rig.now)
    rig.advance(0.2)
    rig.fail(LOSSES[0])
    rig.connect()
    assert rig.episode.state is State.PAUSED
    rig.episode.resume(rig.now)
    rig.look()


def test_in_lockstep_nothing_moves_meanwhile_and_the_plan_goes_on() -> None:
    rig = LockstepRig(RESTART)
    rig.start()
    rig.play()
    present_ms = rig.present_ms
    rig.server.pending = ""
    rig.episode.sessions.on_server_failed(LOSSES[0], rig.now)
    assert (rig.episode.state, rig.arm.stops) == (State.CONNECTING, 0)
    rig.wait(5.0)
    rig.server.pending = ""
    rig.episode.sessions.on_connected(server_config(), rig.now)
    assert rig.let_time_pass().duration_ms == 0
    rig.wait()
    assert len(rig.server.requests[-1].context_rgb) == 1
    rig.answer()
    assert rig.arm.chunks[-1].start_ns == rig.now.ros_ns == present_ms * 1_000_000


# The server that comes back is another one.


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"view_widths": [4, 8]}, "view_widths"),
        ({"image_resolution": [8, 8]}, "image_resolution"),
        ({"control_dt": 0.0501}, "control_dt was 0.05 and is 0.0501"),
        ({"gripper_is_raw": False}, "gripper_is_raw"),
        ({"actions_already_metric": False}, "actions_already_metric"),
    ],
    ids=lambda value: str(value),
)
def test_a_server_that_changed_ends_it(changes: dict[str, Any], word: str) -> None:
    rig = in_the_second_chunk()
    rig.fail(LOSSES[0])
    rig.connect(**changes)
    cause, message = ended(rig)
    assert cause is Cause.SERVER_MISMATCH
    assert word in message


def test_what_decides_nothing_may_change_and_the_next_episode_takes_any_server() -> None:
    rig = in_the_second_chunk()
    rig.fail(LOSSES[0])
    rig.connect(context_frames=5, action_horizon=4, hostname="another")
    assert rig.episode.state is State.WAITING_FOR_VIEWS
    assert rig.episode.observer.window is not None
    assert rig.episode.observer.window.size == 5
    rig.episode.cancel(rig.now)
    rig.start()
    rig.connect(view_widths=[4, 8])
    assert rig.episode.state is State.WAITING_FOR_VIEWS


# A server that somebody else uses as well.

OURS: dict[str, Any] = {"cold_start": True, "context_len": 1, "session_id": "session-1"}


def test_the_signs_of_an_episode_of_ones_own_are_no_alarm() -> None:
    rig = at(State.INFERRING)
    rig.answer(reply(**OURS))
    rig.play_out()
    rig.look()
    frames = len(rig.server.requests[-1].context_rgb)
    assert frames > 1
    rig.answer(reply(**{**OURS, "cold_start": False, "context_len": frames}))
    assert rig.episode.state is State.PLAYING


def test_after_a_restart_the_server_starts_cold_again() -> None:
    rig = at(State.INFERRING, RESTART)
    rig.answer(reply(**OURS))
    rig.play_out()
    rig.look()
    rig.fail(LOSSES[0])
    rig.connect()
    rig.look()
    rig.answer(reply(**{**OURS, "session_id": "session-2"}))
    assert rig.episode.state is State.PLAYING


@pytest.mark.parametrize(
    ("signs", "word"),
    [
        ({"session_id": "theirs"}, "theirs"),
        ({"cold_start": False}, "no cold_start"),
        ({"context_len": 2}, "2 frames where 1"),
    ],
    ids=lambda value: str(value),
)
def test_a_stranger_in_the_first_answer(signs: dict[str, Any], word: str) -> None:
    rig = at(State.INFERRING)
    rig.answer(reply(**{**OURS, **signs}))
    cause, message = ended(rig)
    assert cause is Cause.SERVER_SHARED
    assert word in message
    assert rig.arm.chunks == []


def test_a_stranger_between_two_answers() -> None:
    rig = at(State.INFERRING)
    rig.answer(reply(**OURS))
    rig.play_out()
    rig.look()
    rig.answer(reply(**OURS))
    cause, message = ended(rig)
    assert cause is Cause.SERVER_SHARED
    assert "reset in the middle" in message
    assert len(rig.arm.chunks) == 1


def test_a_server_that_fails_again_and_again_is_not_asked_for_ever() -> None:
    rig = Rig(EpisodeTimeouts(restart=True, max_restarts=2))
    rig.reach(State.INFERRING)
    for _ in range(2):
        rig.fail(PolicyServerError("out of memory"))
        assert rig.episode.state is State.CONNECTING
        rig.connect()
        rig.look()
    rig.fail(PolicyServerError("out of memory"))
    cause, message = ended(rig)
    assert cause is Cause.SERVER_ERROR
    assert "out of memory" in message


def test_a_chunk_in_between_makes_a_restart_a_good_one() -> None:
    rig = Rig(EpisodeTimeouts(restart=True, max_restarts=1))
    rig.reach(State.INFERRING)
    for _ in range(3):
        rig.fail(ConnectionFailedError("gone"))
        rig.connect()
        rig.look()
        rig.answer()
        rig.play_out()
        rig.look()
    assert rig.episode.record.counters.reconnects == 3


# What was played.


def test_every_question_brings_exactly_the_frames_that_were_played() -> None:
    rig = at(State.INFERRING)
    assert rig.server.played == [None]
    rig.answer()
    rig.play_out()
    rig.look()
    played, request = rig.server.played[-1], rig.server.requests[-1]
    assert played is not None
    assert played.session_id == request.session_id
    assert len(played.executed_rgb) == 10
    np.testing.assert_array_equal(played.executed_rgb, request.context_rgb[1:-1])
    first_ms = taken_ms(request)[1]
    assert [int(frame[0, 0, 0]) * PERIOD_MS for frame in played.executed_rgb] == [
        first_ms + number * PERIOD_MS for number in range(10)
    ]


# Numbers.


def test_latencies_are_those_of_the_chunks() -> None:
    rig = at(State.INFERRING)
    for number in range(3):
        rig.answer(reply(infer_s=0.4), latency_s=0.5 + 0.1 * number)
        rig.play_out(planning_s=0.02)
        rig.look()
    latencies = rig.episode.record.latencies.distributions()
    assert latencies["server_s"].median == pytest.approx(0.6)
    assert latencies["infer_s"].p99 == pytest.approx(0.4)
    assert latencies["planning_s"].p90 == pytest.approx(0.02)
    assert {values.count for values in latencies.values()} == {3}


def test_the_end_of_an_episode_brings_the_frames_of_the_last_chunk() -> None:
    rig = at(State.INFERRING)
    rig.answer()
    rig.accept()
    rig.advance(0.32)
    rig.episode.on_success(rig.now)
    assert rig.server.calls[-1] == "release"
    played = rig.server.played[-1]
    assert played is not None
    assert len(played.executed_rgb) == 6  # of the ten: the others were not played
    asked_ms = taken_ms(rig.server.requests[-1])[-1]
    assert [int(frame[0, 0, 0]) * PERIOD_MS - asked_ms for frame in played.executed_rgb] == [
        number * PERIOD_MS for number in range(1, 7)
    ]

# SPDX-License-Identifier: Apache-2.0
"""Any sequence of events leaves the episode in order."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

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

from .async_rig import AsyncRig
from .rig import BODY, CountingWindow, Rig, reply

MOVING = (State.PLAYING, State.SETTLING, State.AWAITING_APPROVAL)
ERRORS = (
    ConnectionFailedError,
    ServerTimeoutError,
    PolicyServerError,
    ProtocolError,
    ConfigurationError,
    ZeroDivisionError,
)
FEELINGS = (None, BODY, BODY, {**BODY, "eef_pos": np.full(3, np.nan, np.float32)})
BOUNDS = EpisodeTimeouts(
    connect_timeout_s=2.0,
    infer_timeout_s=3.0,
    view_timeout_s=1.0,
    accept_timeout_s=0.5,
    settle_timeout_s=1.0,
)


class EpisodeMachine(RuleBasedStateMachine):
    """Events come in any order, whether they make sense or not."""

    make_rig: type[Rig] = Rig

    @initialize(warmup_frames=st.sampled_from([1, 3]), restart=st.booleans())
    def begin(self, warmup_frames: int, restart: bool) -> None:
        self.rig = self.make_rig(replace(BOUNDS, warmup_frames=warmup_frames, restart=restart))
        self.inferred = False
        self.before = State.IDLE
        self.sent = (0, 0)
        self.stops = self.ends = self.restarts = self.chunks = 0

    # What the world does.

    @rule(limit_s=st.sampled_from([0.0, 5.0, 1000.0]))
    def start(self, limit_s: float) -> None:
        if self.rig.episode.running or not limit_s:
            with pytest.raises(ConfigurationError):
                self.rig.start(time_limit_s=limit_s)
            return
        self.stops += not self.rig.arm.rests  # as far as is known, it is stopped again
        self.rig.start(time_limit_s=limit_s)
        self.chunks = len(self.rig.arm.chunks)

    @rule(seconds=st.sampled_from([0.01, 0.05, 0.3, 0.6, 1.5]))
    def time_passes(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.01)):
            self.rig.advance(0.01)
            self.keep_books()

    @rule(steps=st.integers(1, 5))
    def all_goes_well(self, steps: int) -> None:
        """What brings an episode on, so that chance need not."""
        for _ in range(steps):
            state = self.rig.episode.state
            if not state.running:
                self.start(1000.0)
            elif state is State.CONNECTING:
                self.connected()
            elif state is State.WAITING_FOR_VIEWS:
                self.time_passes(0.3)
            elif state is State.INFERRING:
                self.reply(0.1, 10)
            elif state is State.PAUSED:
                self.resume()
            else:
                self.progress(ChunkState.ACCEPTED, 10, 0, True)
                self.time_passes(0.6)
                self.progress(ChunkState.FINISHED, 10, 0, True)
            self.keep_books()

    @rule()
    def connected(self) -> None:
        self.rig.connect()

    @rule(value=st.sampled_from([0.0, 0.1, 0.1, 2.0, float("nan")]), rows=st.integers(1, 12))
    def reply(self, value: float, rows: int) -> None:
        self.inferred = False
        self.rig.answer(reply(rows, value))

    @rule(kind=st.sampled_from(ERRORS))
    def server_fails(self, kind: type[Exception]) -> None:
        self.rig.fail(kind("no"))

    @rule(
        state=st.sampled_from([*ChunkState, ChunkState.ACCEPTED, ChunkState.FINISHED]),
        steps=st.integers(0, 12),
        age=st.sampled_from([0, 0, 0, 1]),
        in_order=st.sampled_from([True, True, True, False]),
    )
    def progress(self, state: ChunkState, steps: int, age: int, in_order: bool) -> None:
        if not self.rig.arm.chunks:
            return
        sequence = self.rig.arm.chunks[-1].sequence + age
        times = self.rig.step_times_ns(steps)
        episode, session_id = self.rig.episode, self.rig.arm.chunks[-1].session_id
        if state is ChunkState.ACCEPTED and episode.state not in MOVING:
            self.stops += (
                session_id == episode.dialogue.session_id
            )  # begins though nothing is to move
        self.rig.progress(
            state,
            sequence=sequence,
            steps_played=steps,
            step_times_ns=times if in_order else times[::-1],
        )

    @rule()
    def success(self) -> None:
        self.rig.episode.on_success(self.rig.now)

    @rule()
    def cancel(self) -> None:
        self.rig.episode.cancel(self.rig.now)

    @rule(cause=st.sampled_from([Cause.IMAGE_ERROR, Cause.DEACTIVATED]))
    def abort(self, cause: Cause) -> None:
        self.rig.episode.end(cause, "because", self.rig.now)

    @rule()
    def pause(self) -> None:
        if self.rig.episode.running:
            self.rig.episode.pause(self.rig.now)
            return
        with pytest.raises(ConfigurationError, match="no episode"):
            self.rig.episode.pause(self.rig.now)

    @rule()
    def resume(self) -> None:
        episode = self.rig.episode
        if episode.state is State.PAUSED:
            episode.resume(self.rig.now)
            assert self.rig.episode.state.name == "WAITING_FOR_VIEWS"

    @rule(felt=st.sampled_from(FEELINGS))
    def feel(self, felt: dict[str, "np.ndarray"] | None) -> None:
        self.rig.body.felt = felt

    @rule(on=st.booleans())
    def switch_cameras(self, on: bool) -> None:
        self.rig.cameras_on = on

    @rule(rests=st.booleans())
    def rest(self, rests: bool) -> None:
        self.rig.arm.rests = rests

    # What holds after each event.

    @invariant()
    def keep_books(self) -> None:
        episode, before = self.rig.episode, self.before
        self.before = episode.state
        if before in MOVING and episode.state is State.PAUSED:
            self.stops += 1
        if before.running and not episode.running:
            self.ends += 1
            self.stops += before in MOVING
            asked = before is State.CONNECTING or self.inferred
            assert self.rig.server.calls[-1] == ("abandon" if asked else "release")
        lost = before.running and before is not State.CONNECTING
        if lost and episode.state is State.CONNECTING:
            self.restarts += 1
            self.stops += before in MOVING
            assert self.rig.bounds.restart
            assert self.rig.server.calls[-2:] == ["abandon", "connect"]
        self.inferred = episode.dialogue.asking
        assert self.rig.arm.stops == self.stops
        calls = self.rig.server.calls
        assert calls.count("abandon") + calls.count("release") == self.ends + self.restarts

    @invariant()
    def nothing_is_asked_or_sent_while_paused(self) -> None:
        episode = self.rig.episode
        sent = (len(self.rig.server.requests), len(self.rig.arm.chunks))
        if episode.state is State.PAUSED and self.before is State.PAUSED:
            assert sent == self.sent
        self.sent = sent

    @invariant()
    def a_result_exactly_when_ended(self) -> None:
        episode = self.rig.episode
        assert (episode.record.result is None) == (episode.running or episode.state is State.IDLE)
        if episode.record.result is not None:
            assert episode.record.result.cause is not Cause.NONE
            assert episode.record.result.message

    @invariant()
    def chunks_count_up_within_the_episode(self) -> None:
        played = self.rig.arm.chunks[self.chunks :]
        assert [chunk.sequence for chunk in played] == list(range(len(played)))
        sessions = {chunk.session_id for chunk in played} | {self.rig.episode.dialogue.session_id}
        assert len(sessions) <= 1 + self.rig.episode.record.counters.reconnects
        assert len(played) == self.rig.episode.record.counters.chunks

    @invariant()
    def frames_enter_by_looks_and_steps_alone(self) -> None:
        window = self.rig.episode.observer.window
        if isinstance(window, CountingWindow):
            assert window.fill == min(window.size, window.looks + window.ticks)


class AsyncEpisodeMachine(EpisodeMachine):
    """The same, while chunks overlap with inferences."""

    make_rig = AsyncRig

    @rule(seconds=st.sampled_from([0.05, 0.2, 0.45]), rows=st.integers(1, 12))
    def chunk_plays_while_the_server_thinks(self, seconds: float, rows: int) -> None:
        if self.rig.episode.state is State.PLAYING and self.rig.arm.chunks:
            self.progress(ChunkState.ACCEPTED, 10, 0, True)
            self.time_passes(seconds)
            if self.rig.episode.dialogue.asking:
                self.reply(0.1, rows)


SETTINGS = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
TestEpisodeMachine = EpisodeMachine.TestCase
TestEpisodeMachine.settings = SETTINGS
TestAsyncEpisodeMachine = AsyncEpisodeMachine.TestCase
TestAsyncEpisodeMachine.settings = SETTINGS

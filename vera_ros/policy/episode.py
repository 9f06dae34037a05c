# SPDX-License-Identifier: Apache-2.0
"""The episode: look, ask, play, settle, look again, until someone or something ends it.

    IDLE -> CONNECTING -> WAITING_FOR_VIEWS -> INFERRING -> PLAYING -> SETTLING -+
                                 ^                                              |
                                 +----------------------------------------------+

and from every running state to DONE, ABORTED or CANCELLED, always with a cause. A chunk may have to
wait in AWAITING_APPROVAL; whoever pauses an episode finds it in PAUSED, the arm at rest, from where
it looks again when it is resumed.
"""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from vera_ros.embodiments import Embodiment
from vera_ros.errors import (
    ConfigurationError,
    MotionError,
    ProtocolError,
    ServerTimeoutError,
)
from vera_ros.policy.actions import DecodedActions
from vera_ros.policy.dialogue import LOSSES, Dialogue, cause_of
from vera_ros.policy.episode_clock import EpisodeClock
from vera_ros.policy.goal import EpisodeTimeouts, Goal, Result
from vera_ros.policy.motion_share import MotionShare
from vera_ros.policy.ports import (
    ArmPort,
    BodyPort,
    Chunk,
    ChunkState,
    Instant,
    Progress,
    Proprioception,
    ServerPort,
)
from vera_ros.policy.states import Cause, State, ending
from vera_ros.policy.statistics import Counters, Latencies
from vera_ros.policy.view_watch import ViewWatch
from vera_ros.vision.frame import NoFrame, Reason
from vera_ros.vision.window import RollingWindow
from vera_ros.wire.messages import InferReply
from vera_ros.wire.patience import FailedAttempt
from vera_ros.wire.server_config import ServerConfig

_SLOWED = 1.01  # times its duration: what is less is nothing that anybody would see


class Episode:
    """One episode at a time. Events come in by methods; effects go out through the ports.

    Args:
        embodiment: the robot kind that is driven.
        bounds: how long to wait for what.
        server: the policy server.
        arm: the arm side.
        body: the robot's proprioception.
        make_window: a rolling window that fits a server's configuration.
        new_session_id: a name that no other episode has.
    """

    def __init__(
        self,
        embodiment: Embodiment,
        bounds: EpisodeTimeouts,
        server: ServerPort,
        arm: ArmPort,
        body: BodyPort,
        make_window: Callable[[ServerConfig], RollingWindow],
        new_session_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._bounds = bounds
        self._dialogue = Dialogue(server, embodiment)
        self._arm = arm
        self._body = body
        self._make_window = make_window
        self._new_session_id = new_session_id
        self.state = State.IDLE
        self.message = ""
        self.goal = Goal("", 0.0)
        self.counters = Counters()
        self.latencies = Latencies()
        self.window: RollingWindow | None = None
        self.result: Result | None = None
        self._skipped_before = 0  # in sessions before this one
        self._clock = EpisodeClock(Instant(0.0, 0), bounds.clock_jump_s)
        self._not_before_ns = 0
        self._felt_since_ns = 0
        self._warm_frames = 0
        self._steps_before = 0
        self._chunk: Chunk | None = None
        self._progress: Progress | None = None
        self._view_watch = ViewWatch(bounds.view_stall_s)
        self._pause_asked = False
        self._fruitless = 0  # restarts since the last chunk
        self._time_in_motion = MotionShare()

    @property
    def running(self) -> bool:
        """Whether an episode is under way."""
        return self.state.running

    @property
    def session_id(self) -> str:
        """The name of the present session."""
        return self._dialogue.session_id

    @property
    def inferring(self) -> bool:
        """Whether the server is to answer something."""
        return self._dialogue.asking

    @property
    def _config(self) -> ServerConfig:
        """What the server said of itself, once it is connected."""
        assert self._dialogue.config is not None
        return self._dialogue.config

    @property
    def ticks_skipped(self) -> int:
        """Control ticks that found no frame, in all sessions of the episode."""
        return self._skipped_before + (self.window.skipped if self.window else 0)

    @property
    def moving_share(self) -> float:
        """Share of the time since the first chunk in which one played."""
        return self._time_in_motion.share

    @property
    def awaits_frame(self) -> bool:
        """Whether a new picture may be what the episode waits for."""
        return self.state is State.WAITING_FOR_VIEWS

    def elapsed_s(self, now: Instant) -> float:
        """Steady time since the episode began, or that it took [s]."""
        return self.result.duration_s if self.result else self._clock.elapsed_s(now)

    def start(self, goal: Goal, now: Instant) -> None:
        """Begin an episode.

        Raises:
            ConfigurationError: one is running already, or the goal makes no sense.
        """
        if self.running:
            raise ConfigurationError(
                f"an episode is running already ('{self.goal.prompt}'); cancel it, or wait"
            )
        if not goal.time_limit_s > 0 or not np.isfinite(goal.time_limit_s):
            raise ConfigurationError(f"time limit {goal.time_limit_s} s is not above zero")
        self.goal = goal
        self.counters = Counters()
        self.result = self.window = self._dialogue.config = None
        self._steps_before = self._skipped_before = 0
        self._clock = EpisodeClock(now, self._bounds.clock_jump_s)
        self._pause_asked, self._fruitless = False, 0
        self._time_in_motion = MotionShare()
        if not self._arm.resting():  # as far as the episode before knew
            self._arm.stop()
        self._begin_session("waiting for the policy server", now)

    def _begin_session(self, message: str, now: Instant) -> None:
        """Have the server begin afresh, with nothing that was seen before."""
        self._skipped_before = self.ticks_skipped
        self._chunk = self._progress = self.window = None
        self._warm_frames = 0
        self.counters.connection_attempts += 1
        self._enter(State.CONNECTING, now, message)
        self._dialogue.begin(self._new_session_id())

    # Events of the server.

    def on_attempt_failed(self, attempt: FailedAttempt, now: Instant) -> None:
        """The server cannot be reached yet; it is tried again soon."""
        if self.state is not State.CONNECTING:
            return
        self.counters.connection_attempts += 1
        self.message = (
            f"waiting for the policy server: attempt {attempt.number} failed, the next one comes "
            f"in {attempt.wait_s:.1f} s ({attempt.error})"
        )

    def on_connected(self, config: ServerConfig, now: Instant) -> None:
        """The server is there, with a configuration that was found to fit."""
        if self.state is not State.CONNECTING:
            return
        try:
            self._dialogue.accept(config, self.goal.prompt)
        except ConfigurationError as error:
            self._end(Cause.SERVER_MISMATCH, str(error), now)
            return
        self.window = self._make_window(config)
        self._begin_to_look(now)

    def on_action_horizon(self, steps: int) -> None:
        """The server now sends chunks of another length."""
        config = self._dialogue.config
        if config is not None:
            self._dialogue.config = replace(config, action_horizon=steps)

    def on_reply(self, reply: InferReply, latency_s: float, now: Instant) -> None:
        """The server's answer to the last question. `latency_s`: as the client saw it."""
        if not self.inferring:
            return
        sign = self._dialogue.hear(reply)
        if sign:
            self._end(
                Cause.SERVER_SHARED,
                f"another client uses the same policy server, or it was restarted: {sign}; a "
                "server serves one episode at a time, give each client one of its own",
                now,
            )
            return
        if not self._awaits_reply():
            return
        counters = self.counters
        counters.server_latency_s = latency_s
        counters.server_infer_s = _number(reply.info.get("infer_s"))
        self.latencies.server.add(latency_s)
        if counters.server_infer_s:
            self.latencies.infer.add(counters.server_infer_s)
        counters.phase = str(reply.info.get("phase", ""))
        try:
            commands = self._dialogue.interpret(reply.actions)
        except MotionError as error:
            self._end(Cause.INVALID_ACTIONS, str(error), now)
            return
        counters.collapsed_chunks += self._dialogue.is_collapsed(
            reply.actions, commands, self._chunk
        )
        self._take(reply, commands, now)

    def _next_chunk(self, commands: DecodedActions, start_ns: int, now: Instant) -> Chunk:
        """The episode's next chunk, planned from the last question."""
        counters, origin = self.counters, self._dialogue.asked_from
        counters.clipped_rows += commands.clipped_rows
        counters.chunks += 1
        self._fruitless = 0
        return Chunk(
            session_id=self.session_id,
            sequence=counters.chunks - 1,
            stamp_ns=origin.stamp_ns or now.ros_ns,
            control_dt_s=self._config.control_dt,
            commands=commands,
            start_ns=start_ns,
            planned_from=origin,
        )

    def on_server_failed(self, error: Exception, now: Instant) -> None:
        """What was asked of the server failed."""
        if self._may_restart(error):
            self._restart(error, now)
        elif self.running:
            connecting = self.state is State.CONNECTING
            self._end(cause_of(error, connecting=connecting), str(error), now)
        self._dialogue.asking = False

    def _may_restart(self, error: Exception) -> bool:
        if not (self._bounds.restart and self.inferring and isinstance(error, LOSSES)):
            return False
        return self._fruitless < self._bounds.fruitless_restarts

    def _restart(self, error: Exception, now: Instant) -> None:
        """Go on with a new session: with the connection, the server has lost the episode.

        Nobody decides any more where the arm goes, and a window begins with an arm that stands.
        """
        self._dialogue.abandon()
        self._come_to_rest(now)
        self._fruitless += 1
        self.counters.reconnects += 1
        self._begin_session(f"the connection is lost ({error}); waiting for the server", now)

    # Events of the arm.

    def on_progress(self, progress: Progress, now: Instant) -> None:
        """The arm side says something of a chunk; what is not about the present one is ignored."""
        chunk = self._chunk
        if chunk is None or not self._arm_may_move():
            self._refuse_stray(progress)
            return
        if (progress.session_id, progress.sequence) != (chunk.session_id, chunk.sequence):
            return
        if self._is_trouble(progress, now):
            return
        if progress.state is ChunkState.AWAITING_APPROVAL:
            self._enter(State.AWAITING_APPROVAL, now, f"chunk {chunk.sequence} awaits approval")
            return
        if self._progress is None:
            if self.state is State.AWAITING_APPROVAL:
                self._enter(State.PLAYING, now)
            try:
                self._accepted(progress, chunk)
            except ConfigurationError as error:
                self._end(Cause.INTERNAL_ERROR, f"the arm side's plan makes no sense: {error}", now)
                return
        self._follow(progress, now)

    def _refuse_stray(self, progress: Progress) -> None:
        """Stop a chunk of this session that begins although nothing is to move any more."""
        if progress.state is ChunkState.ACCEPTED and progress.session_id == self.session_id:
            self._arm.stop()

    def _is_trouble(self, progress: Progress, now: Instant) -> bool:
        """Whether the arm side gives up a chunk, which ends the episode."""
        if progress.state not in (ChunkState.REJECTED, ChunkState.ABORTED):
            return False
        cause = Cause.ARM_REJECTED if progress.state is ChunkState.REJECTED else Cause.ARM_ABORTED
        if progress.held:
            cause = Cause.HELD
        self._end(cause, progress.message or "no reason was given", now)
        return True

    def _follow(self, progress: Progress, now: Instant) -> None:
        """The present chunk goes on as planned."""
        self._progress = progress
        self.counters.steps = self._steps_before + progress.steps_played
        if progress.state is ChunkState.FINISHED:
            self._not_before_ns = now.ros_ns
            self._enter(State.WAITING_FOR_VIEWS, now)

    def _accepted(self, progress: Progress, chunk: Chunk) -> None:
        """Take note of a plan.

        Raises:
            ConfigurationError: it makes no sense.
        """
        self.counters.pipeline_latency_s = self._pipeline_s(progress, chunk)
        if self.counters.pipeline_latency_s:
            self.latencies.pipeline.add(self.counters.pipeline_latency_s)
        self.latencies.planning.add(progress.planning_s)
        self.counters.rails_bound_chunks += progress.rails_bound
        self.counters.slowed_chunks += progress.time_stretch > _SLOWED
        ticks_ns = self._ticks_ns(progress, chunk)
        if self.window is not None and ticks_ns:
            self.window.play(ticks_ns)

    # What is different in lockstep, or while the next inference runs beside a chunk.

    def _awaits_reply(self) -> bool:
        """Whether the server's answer matters now."""
        return self.state is State.INFERRING

    def _take(self, reply: InferReply, commands: DecodedActions, now: Instant) -> None:
        """Have a new chunk played."""
        self._chunk = self._next_chunk(commands, self._start_ns(now), now)
        self._progress = None
        self._steps_before = self.counters.steps
        self._enter(State.PLAYING, now)
        self._arm.play(self._chunk)

    def _look_while_playing(self, now: Instant) -> None:
        """A frame has entered the window while a chunk plays."""

    def _come_to_rest(self, now: Instant) -> None:
        """Stop the arm, if it moves, before a new session."""
        if self._arm_may_move():
            self._arm.stop()

    def _begin_to_look(self, now: Instant) -> None:
        """The server is there: have the first frame taken."""
        self._not_before_ns = now.ros_ns
        self._wait_for_views(now)

    def _look_again(self, not_before_ns: int, now: Instant) -> None:
        """Have another frame taken, of the standing arm."""
        self._not_before_ns = not_before_ns
        self._enter(State.WAITING_FOR_VIEWS, now)

    def _start_ns(self, now: Instant) -> int:
        """When a chunk is to begin, see Chunk."""
        return 0

    def _ticks_ns(self, progress: Progress, chunk: Chunk) -> tuple[int, ...]:
        """When frames are taken while a chunk plays."""
        return progress.step_times_ns

    def _pipeline_s(self, progress: Progress, chunk: Chunk) -> float:
        """From the newest frame to the trajectory, less the server's own time [s]."""
        return (progress.stamp_ns - chunk.stamp_ns) * 1e-9 - self.counters.server_infer_s

    def _passed_s(self, now: Instant) -> float:
        """Time that counts against the goal's limit [s]."""
        return self._clock.counted_s(now)

    def _arm_may_move(self) -> bool:
        """Whether the arm side may have something to say of the present chunk."""
        return self.state in (State.PLAYING, State.SETTLING, State.AWAITING_APPROVAL)

    # Events of people, judges and time.

    def on_undecided(self, now: Instant) -> None:
        """The outside judge has looked, and the task is not done yet: matters in lockstep alone."""

    def on_success(self, now: Instant) -> None:
        """The outside judge says that the task is done."""
        if self.running:
            self._end(Cause.TASK_SUCCESS, "the judge on task_success says so", now)

    def cancel(self, now: Instant) -> None:
        """Someone wants the episode to end."""
        if self.running:
            self._end(Cause.CANCEL_REQUESTED, "cancelled", now)

    def pause(self, now: Instant) -> None:
        """Bring the arm to rest, and go on when `resume` says so; time does not count meanwhile.

        Raises:
            ConfigurationError: no episode is running.
        """
        if not self.running:
            raise ConfigurationError("no episode is running; there is nothing to pause")
        if self._pause_asked:
            return
        self._pause_asked = True
        if self.state is State.CONNECTING:
            return  # it pauses once it is connected
        if self.window is not None:
            self.window.stop(now.ros_ns)
        if self._arm_may_move():
            self._arm.stop()
        self._chunk = self._progress = None
        self._wait_for_views(now)

    def resume(self, now: Instant) -> None:
        """Look again, and go on.

        Raises:
            ConfigurationError: no episode is paused.
        """
        if not self.running or not self._pause_asked:
            raise ConfigurationError("no episode is paused; there is nothing to resume")
        self._pause_asked = False
        if self.state is not State.PAUSED:
            return
        self._not_before_ns = now.ros_ns
        self._wait_for_views(now)

    def _wait_for_views(self, now: Instant) -> None:
        """Look, unless the episode is to pause."""
        if self._pause_asked:
            self._enter(State.PAUSED, now, "paused; call resume to go on")
        else:
            self._enter(State.WAITING_FOR_VIEWS, now)

    def abort(self, cause: Cause, message: str, now: Instant) -> None:
        """Something outside the episode makes it impossible to go on."""
        if self.running:
            self._end(cause, message, now)

    def tick(self, now: Instant) -> None:
        """Let time pass: look, sample frames, and give up on what takes too long."""
        if not self.running:
            return
        passed_s, back_s = self._clock.tick(now)
        if back_s:
            self._end(
                Cause.CLOCK_JUMPED,
                f"ROS time went back by {back_s:.3f} s; give the goal again",
                now,
            )
            return
        plays = self.state is State.PLAYING and self._progress is not None
        if self.counters.chunks and self.state is not State.PAUSED:
            self._time_in_motion.add(passed_s, plays)
        if self._passed_s(now) >= self.goal.time_limit_s:
            self._end(Cause.TIME_LIMIT, f"{self.goal.time_limit_s:g} s have passed", now)
            return
        if self.window is not None and self.window.poll(now.ros_ns):
            self._look_while_playing(now)
        waited_s = self._clock.in_state_s(now)
        if self.state is State.CONNECTING and waited_s > self._bounds.connect_s:
            self._end(Cause.NO_SERVER, f"no handshake within {self._bounds.connect_s:g} s", now)
        elif self.inferring and now.steady_s - self._dialogue.asked_s > self._bounds.infer_s:
            words = f"no answer within {self._bounds.infer_s:g} s"
            self.on_server_failed(ServerTimeoutError(words), now)
        elif self.state is State.WAITING_FOR_VIEWS:
            self._look(waited_s, now)
        elif self.state in (State.PLAYING, State.SETTLING):
            self._watch_arm(waited_s, now)

    def _look(self, waited_s: float, now: Instant) -> None:
        assert self.window is not None
        if not self._arm.resting():  # after a stop
            unrest = self._arm.unrest()
            if unrest:
                self._end(Cause.ARM_SILENT, unrest, now)
                return
            self._not_before_ns = now.ros_ns
            self._enter(State.WAITING_FOR_VIEWS, now, "waiting for the arm to rest")
            return
        if self.inferring:  # it was asked before a pause
            self._enter(State.WAITING_FOR_VIEWS, now, "waiting for the server's last answer")
            return
        proprioception = self._body.proprioception(self._felt_since_ns)
        if proprioception is None:
            self.message = "waiting for joint states and the TCP's pose"
            if waited_s > self._bounds.views_s:
                self._end(
                    Cause.ARM_SILENT,
                    f"no current joint states or TCP pose within {self._bounds.views_s:g} s",
                    now,
                )
            return
        frame = self.window.sample(self._not_before_ns, now.ros_ns)
        if isinstance(frame, NoFrame):
            self.message = f"waiting for views: {frame}"
            if waited_s > self._bounds.views_s:
                skewed = frame.reason is Reason.SKEWED
                cause = Cause.VIEWS_SKEWED if skewed else Cause.VIEWS_MISSING
                self._end(cause, f"{frame}, for {self._bounds.views_s:g} s", now)
            return
        self._warm_frames += 1
        if self._warm_frames < self._bounds.warmup_frames and not self._dialogue.answered:
            self._look_again(frame.newest_ns + round(self._config.control_dt * 1e9), now)
            return
        self._enter(State.INFERRING, now)
        self._ask(proprioception, now)

    def _ask(self, proprioception: Proprioception, now: Instant, **more: Any) -> None:
        """Ask for a chunk from what the window holds; `more`: further fields of the request."""
        assert self.window is not None
        last = self._chunk, self._progress
        try:
            self._dialogue.ask(self.window, self.goal.prompt, proprioception, last, now, **more)
        except ProtocolError as error:
            self._end(Cause.INTERNAL_ERROR, f"the server cannot be asked: {error}", now)

    def _watch_arm(self, waited_s: float, now: Instant) -> None:
        assert self.window is not None
        stalled = self._view_watch.check(self.window, now)
        if stalled:
            self._end(Cause.VIEWS_STALE, stalled, now)
            return
        progress = self._progress
        if progress is None:
            if waited_s > self._bounds.accept_s:
                self._end(
                    Cause.ARM_SILENT,
                    f"the arm side did not answer a chunk within {self._bounds.accept_s:g} s",
                    now,
                )
            return
        last_step_ns = progress.step_times_ns[-1] if progress.step_times_ns else now.ros_ns
        to_rest_s = max(0, progress.end_ns - self._clock.entered_ns) * 1e-9
        if self.state is State.PLAYING and now.ros_ns >= last_step_ns:
            self._enter(State.SETTLING, now)
        elif self.state is State.SETTLING and waited_s > to_rest_s + self._bounds.settle_s:
            self._end(
                Cause.ARM_SILENT,
                f"the arm did not report rest within {self._bounds.settle_s:g} s",
                now,
            )

    def _enter(self, state: State, now: Instant, message: str = "") -> None:
        self.state = state
        self.message = message
        self._clock.enter(now, pausing=state is State.PAUSED)

    def _end(self, cause: Cause, message: str, now: Instant) -> None:
        was, may_move = self.state, self._arm_may_move()
        state, outcome = ending(cause)
        self._enter(state, now, message)
        self.result = Result(
            outcome,
            cause,
            message,
            self.counters.chunks,
            self.counters.steps,
            self._clock.elapsed_s(now),
        )
        if self.window is not None:
            self.window.stop(now.ros_ns)
        if may_move:
            self._arm.stop()
        if was is State.CONNECTING or self.inferring:
            self._dialogue.abandon()
        else:
            self._dialogue.release(self.window)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float | np.number) else 0.0

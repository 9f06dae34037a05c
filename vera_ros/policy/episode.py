# SPDX-License-Identifier: Apache-2.0
"""The episode: observe, infer, play, and again, until the task is done or something ends it.

    IDLE -> CONNECTING -> WAITING_FOR_VIEWS -> INFERRING -> PLAYING -> SETTLING -+
                                 ^                                              |
                                 +----------------------------------------------+

and from every running state to DONE, ABORTED or CANCELLED, always with a cause. A chunk may have to
wait in AWAITING_APPROVAL. A pause leads to PAUSED, with the arm at rest; after it, the episode
observes again. The pacing decides when these transitions happen.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from vera_ros.embodiments import Embodiment
from vera_ros.errors import ConfigurationError, ServerTimeoutError
from vera_ros.policy.chunk_playback import ChunkPlayback, check_not_given_up, is_about
from vera_ros.policy.dialogue import Dialogue
from vera_ros.policy.goal import EpisodeTimeouts, Goal, Result
from vera_ros.policy.gripper_gate import GripperGate
from vera_ros.policy.observation.observer import Observer, Waiting, WarmingUp
from vera_ros.policy.pacing.settle import SettlePacing
from vera_ros.policy.ports import (
    ArmPort,
    BodyPort,
    Chunk,
    ChunkState,
    Instant,
    Progress,
    ServerPort,
    ViewsPort,
)
from vera_ros.policy.records.episode_clock import EpisodeClock
from vera_ros.policy.records.episode_record import EpisodeRecord
from vera_ros.policy.sessions import Sessions
from vera_ros.policy.states import Cause, EpisodeEndError, State, ending


class Episode:
    """Runs one episode at a time. Events arrive by methods; effects leave through the ports.

    Args:
        embodiment: the robot kind that is driven.
        timeouts: time-outs, warm-up and restarts.
        server: the policy server.
        arm: the arm side.
        body: the robot's proprioception.
        views: the camera views.
        new_session_id: returns a unique session id.
        pacing: when to observe, infer and play; None: the arm settles after each chunk.
        gripper_gate: see Dialogue.

    Attributes:
        state: the present state.
        message: details of the state, in words.
        goal: the goal of the present or last episode.
        dialogue: requests to the server and its replies.
        sessions: handles the server's events.
        observer: the frame window and what fills it.
        playback: the present chunk, and the arm side that plays it.
        pacing: when to observe, infer and play.
        record: counts, latencies, and the result.
        clock: time in the episode, and in its present state.
    """

    def __init__(
        self,
        embodiment: Embodiment,
        timeouts: EpisodeTimeouts,
        server: ServerPort,
        arm: ArmPort,
        body: BodyPort,
        views: ViewsPort,
        new_session_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        pacing: SettlePacing | None = None,
        gripper_gate: GripperGate | None = None,
    ) -> None:
        self.timeouts = timeouts
        self.dialogue = Dialogue(server, embodiment, new_session_id, gripper_gate)
        self.playback = ChunkPlayback(arm)
        self.record = EpisodeRecord()
        self.clock = EpisodeClock(Instant(0.0, 0), timeouts.clock_jump_s)
        self.pacing = pacing or SettlePacing()
        self.observer = Observer(timeouts, body, views, real_time=self.pacing.real_time)
        self.pacing.episode = self
        self.sessions = Sessions(self, self.pacing)
        self.state = State.IDLE
        self.message = ""
        self.goal = Goal("", 0.0)
        self._pause_asked = False

    @property
    def running(self) -> bool:
        """Whether an episode is under way."""
        return self.state.running

    def elapsed_s(self, now: Instant) -> float:
        """Return the steady time since the episode began, or its duration once it is over [s]."""
        result = self.record.result
        return result.duration_s if result else self.clock.elapsed_s(now)

    # Requests of the operator.

    def start(self, goal: Goal, now: Instant) -> None:
        """Begin an episode.

        Raises:
            ConfigurationError: one is running already, or the time limit is not valid.
        """
        if self.running:
            raise ConfigurationError(
                f"an episode is running already ('{self.goal.prompt}'); cancel it, or wait"
            )
        if not goal.time_limit_s > 0 or not np.isfinite(goal.time_limit_s):
            raise ConfigurationError(f"time limit {goal.time_limit_s} s is not finite and above 0")
        self.goal = goal
        self.record.begin()
        self.observer.begin_episode()
        self.dialogue.begin_episode()
        self.clock = EpisodeClock(now, self.timeouts.clock_jump_s)
        self._pause_asked = False
        self.pacing.begin()
        if not self.playback.arm.resting():  # the stop at the last episode's end is not confirmed
            self.playback.arm.stop()
        self.sessions.begin("waiting for the policy server", now)

    def pause(self, now: Instant) -> None:
        """Bring the arm to rest until `resume`; the time limit does not run meanwhile.

        Raises:
            ConfigurationError: no episode is running, or its pacing cannot be paused.
        """
        if not self.running:
            raise ConfigurationError("no episode is running; there is nothing to pause")
        self.pacing.pause(now)
        if self._pause_asked:
            return
        self._pause_asked = True
        if self.state is State.CONNECTING:
            return  # it pauses once it is connected
        self.observer.stop(now)
        if self.pacing.arm_may_move():
            self.playback.arm.stop()
        self.playback.clear()
        self._wait_for_views(now)

    def resume(self, now: Instant) -> None:
        """Observe again, and go on.

        Raises:
            ConfigurationError: no episode is paused.
        """
        if not self.running or not self._pause_asked:
            raise ConfigurationError("no episode is paused; there is nothing to resume")
        self._pause_asked = False
        if self.state is State.PAUSED:
            self.observe_from(now.ros_ns, now)

    def cancel(self, now: Instant) -> None:
        """End the episode on request."""
        self.end(Cause.CANCEL_REQUESTED, "cancelled", now)

    # Events of the judge, and of time.

    def on_success(self, now: Instant) -> None:
        """End the episode with success, as the judge reports."""
        self.end(Cause.TASK_SUCCESS, "the judge reports success on task_success", now)

    def tick(self, now: Instant) -> None:
        """Do the periodic work: sample frames, observe, and check time limits."""
        with self._ending(now):
            if not self.pacing.tick(now) and self.running:
                self._check_time(now)

    def _check_time(self, now: Instant) -> None:
        passed_s, back_s = self.clock.tick(now)
        if back_s:
            words = f"ROS time went back by {back_s:.3f} s; send the goal again"
            raise EpisodeEndError(Cause.CLOCK_JUMPED, words)
        if self.record.counters.chunks and self.state is not State.PAUSED:
            self.record.passed(passed_s, moving=self.pacing.moving())
        if self.pacing.passed_s(now) >= self.goal.time_limit_s:
            raise EpisodeEndError(Cause.TIME_LIMIT, f"{self.goal.time_limit_s:g} s have passed")
        window = self.observer.window
        if window is not None and window.poll(now.ros_ns):
            self.pacing.frame_taken(now)
        waited_s, timeouts = self.clock.in_state_s(now), self.timeouts
        if self.state is State.CONNECTING and waited_s > timeouts.connect_timeout_s:
            words = f"no handshake within {timeouts.connect_timeout_s:g} s"
            raise EpisodeEndError(Cause.NO_SERVER, words)
        asked_s = now.steady_s - self.dialogue.asked_s
        if self.dialogue.asking and asked_s > timeouts.infer_timeout_s:
            words = f"no answer within {timeouts.infer_timeout_s:g} s"
            self.sessions.on_server_failed(ServerTimeoutError(words), now)
        elif self.state is State.WAITING_FOR_VIEWS:
            self._look(waited_s, now)
        elif self.state in (State.PLAYING, State.SETTLING):
            self.observer.check_views(now)
            self.pacing.watch_arm(waited_s, now)

    # Events of the arm.

    def on_progress(self, progress: Progress, now: Instant) -> None:
        """Handle a report of the arm side; one on a chunk other than the present is ignored."""
        with self._ending(now):
            if self.pacing.take_over(progress, now):
                return
            chunk = self.playback.chunk
            if chunk is None or not self.pacing.arm_may_move():
                self.pacing.refuse_stray(progress)
            elif is_about(progress, chunk):
                self._follow(progress, chunk, now)

    def _follow(self, progress: Progress, chunk: Chunk, now: Instant) -> None:
        check_not_given_up(progress)
        if progress.state is ChunkState.AWAITING_APPROVAL:
            self.await_approval(chunk, now)
            return
        if self.playback.progress is None:
            if self.state is State.AWAITING_APPROVAL:
                self.enter(State.PLAYING, now)
            self.pacing.accepted(progress, chunk)
        self.pacing.follow(progress, now)

    # Observation.

    def observe_from(self, not_before_ns: int, now: Instant, measured_since_ns: int = 0) -> None:
        """Wait for a frame of the resting arm, from a ROS time on; or pause, if requested."""
        self.observer.observe_from(not_before_ns, measured_since_ns)
        self._wait_for_views(now)

    def _wait_for_views(self, now: Instant) -> None:
        if self._pause_asked:
            self.enter(State.PAUSED, now, "paused; call resume to go on")
        else:
            self.enter(State.WAITING_FOR_VIEWS, now)

    def _look(self, waited_s: float, now: Instant) -> None:
        if not self.playback.arm.resting():  # after a stop
            unrest = self.playback.arm.unrest()
            if unrest:
                raise EpisodeEndError(Cause.ARM_SILENT, unrest)
            self.observer.observe_from(now.ros_ns)
            self.enter(State.WAITING_FOR_VIEWS, now, "waiting for the arm to rest")
            return
        if self.dialogue.asking:  # a request from before a pause
            self.enter(State.WAITING_FOR_VIEWS, now, "waiting for the server's last answer")
            return
        period_s, warm = self.dialogue.server_config.control_dt, self.dialogue.answered
        seen = self.observer.observe(waited_s, now, period_s, warm=warm)
        if isinstance(seen, Waiting):
            self.message = seen.message
        elif isinstance(seen, WarmingUp):
            self.pacing.observe_again(seen.next_ns, now)
        else:
            self.enter(State.INFERRING, now)
            self.pacing.ask(seen.proprioception, now)

    # Transitions.

    def enter(self, state: State, now: Instant, message: str = "") -> None:
        """Enter a state. `message`: details, in words."""
        self.state = state
        self.message = message
        self.clock.enter(now, pausing=state is State.PAUSED)

    def await_approval(self, chunk: Chunk, now: Instant) -> None:
        """Wait for an operator to approve a chunk."""
        self.enter(State.AWAITING_APPROVAL, now, f"chunk {chunk.sequence} awaits approval")

    @contextmanager
    def _ending(self, now: Instant) -> Iterator[None]:
        """End the episode on an EpisodeEndError that is raised within."""
        try:
            yield
        except EpisodeEndError as error:
            self.end(error.cause, str(error), now)

    def end(self, cause: Cause, message: str, now: Instant) -> None:
        """End the episode, if it runs, with the arm at rest or coming to rest."""
        if not self.running:
            return
        was, may_move = self.state, self.pacing.arm_may_move()
        state, outcome = ending(cause)
        self.enter(state, now, message)
        count, elapsed_s = self.record.counters, self.clock.elapsed_s(now)
        self.record.result = Result(outcome, cause, message, count.chunks, count.steps, elapsed_s)
        self.observer.stop(now)
        if may_move:
            self.playback.arm.stop()
        if was is State.CONNECTING or self.dialogue.asking:
            self.dialogue.abandon()
        else:
            self.dialogue.release(self.observer.window)
        self.pacing.ended(cause, may_move, now)

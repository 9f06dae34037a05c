# SPDX-License-Identifier: Apache-2.0
"""Lockstep pacing: simulated time stands still while the policy infers.

    WAITING_FOR_VIEWS -> INFERRING -> PLAYING (time passes) -> SETTLING (judge's verdict) --+
            ^                                                                              |
            +------------------------------------------------------------------------------+

The arm does not settle: the next chunk begins at the instant at which time stood still. All ROS
times are the world's present, which only an answered `advance` moves, so the course of an episode
does not depend on how long anything takes in real time.
"""

from collections.abc import Callable

from vera_ros.errors import ConfigurationError
from vera_ros.policy.pacing.settle import SettlePacing
from vera_ros.policy.ports import Chunk, ChunkState, Instant, Progress, WorldPort
from vera_ros.policy.states import Cause, EpisodeEndError, State

_REST_SPAN_S = 1.0  # simulated time, longer than a stop takes
_REST_SPANS = 3
_REST_REPORT_S = 2.0  # real time to wait for the arm's report of rest after a span


class LockstepPacing(SettlePacing):
    """Advances simulated time chunk by chunk. `now.ros_ns` is always the world's present.

    Args:
        world: the world whose time is advanced.
        judged: after each chunk, wait for the judge: `on_success` or `on_undecided`.
    """

    real_time = False

    def __init__(self, world: WorldPort, *, judged: bool = False) -> None:
        self._world = world
        self._judged = judged
        self._spans_left = 0
        self._span_end_s = 0.0
        self.begin()

    def begin(self) -> None:
        """Reset for a new episode."""
        self._asked_s: float | None = None  # steady time of the pending `advance`
        self._then: Callable[[Instant], None] = self._look_here
        self._began_ns: int | None = None
        self._until_ns = 0
        self._plan_rests, self._stopping, self._awaits_stop = True, False, False

    @property
    def at_rest(self) -> bool:
        """Whether the episode is over and the arm rests, or has had enough time to."""
        return not self.episode.state.running and not self._stopping and self._asked_s is None

    def moving(self) -> bool:
        """Return True: simulated time passes only while the arm moves."""
        return True

    def pause(self, now: Instant) -> None:
        """Refuse to pause.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError("an episode in lockstep cannot be paused; cancel it instead")

    # Events of the world, the judge, and real time.

    def on_advanced(self, now: Instant) -> None:
        """Continue after an `advance`, with time standing still at `now.ros_ns`."""
        if self._asked_s is None:
            return
        self._asked_s = None
        if self.episode.state.running:
            self._began_ns = now.ros_ns if self._began_ns is None else self._began_ns
            self._then(now)
        elif self._stopping:
            self._after_span(now)

    def on_advance_failed(self, message: str, now: Instant) -> None:
        """Handle a failed `advance`: end the episode, or retry while the arm comes to rest."""
        if self._asked_s is None:
            return
        self._asked_s = None
        if self.episode.state.running:
            self.episode.end(Cause.ARM_SILENT, f"advance_time failed: {message}", now)
        elif self._stopping:
            self._awaits_stop = False
            self._next_span(now)

    def on_undecided(self, now: Instant) -> None:
        """Continue after the judge's verdict that the task is not done yet."""
        if self.episode.state is State.SETTLING:
            self._look_here(now)

    def tick(self, now: Instant) -> bool:
        """Check time-outs of the world and the judge in real time; see SettlePacing.

        Raises:
            EpisodeEndError: the judge takes too long.
        """
        episode, running = self.episode, self.episode.state.running
        if running and episode.observer.window is not None:  # the plan's ticks, as they fall due
            episode.observer.window.poll(max(self._until_ns, now.ros_ns))
        if self._asked_s is not None:
            self._watch_world(now.steady_s - self._asked_s, now)
        elif not running:
            self._watch_rest(now)
        elif episode.state is State.SETTLING:
            self._watch_judge(now)
        else:
            return False
        return True

    def _watch_world(self, waited_s: float, now: Instant) -> None:
        limit_s = self.episode.timeouts.advance_timeout_s
        if waited_s <= limit_s:
            return
        if self.episode.state.running:
            words = f"advance_time did not answer within {limit_s:g} s"
            self.episode.end(Cause.ARM_SILENT, words, now)
        self._asked_s, self._stopping = None, False  # the arm comes to rest only in passing time

    def _watch_judge(self, now: Instant) -> None:
        limit_s = self.episode.timeouts.settle_timeout_s
        if self.episode.clock.in_state_s(now) > limit_s:
            words = f"no verdict on task_success within {limit_s:g} s; is the judge running?"
            raise EpisodeEndError(Cause.INTERNAL_ERROR, words)

    def _advance(
        self,
        duration_s: float,
        then: Callable[[Instant], None],
        now: Instant,
        *,
        arm: bool = False,
        gripper: bool = False,
    ) -> None:
        self._then = then
        self._asked_s = now.steady_s
        self._world.advance(duration_s, await_arm=arm, await_gripper=gripper)

    # Observation of the world's present.

    def connected(self, now: Instant) -> None:
        """Request the first frame, of the world's present."""
        self.episode.enter(State.WAITING_FOR_VIEWS, now, "waiting for the simulator's time")
        self._advance(0.0, self._look_here, now)

    def observe_again(self, not_before_ns: int, now: Instant) -> None:
        """Advance time to `not_before_ns` (ROS time) for another frame of the resting arm."""
        self.episode.enter(State.WAITING_FOR_VIEWS, now)
        self._advance((not_before_ns - now.ros_ns) * 1e-9, self._look_here, now)

    def _look_here(self, now: Instant) -> None:
        self.episode.observe_from(now.ros_ns, now, measured_since_ns=now.ros_ns)

    # Chunks, from the present on.

    def start_ns(self, now: Instant) -> int:
        """Return the present [ns], at which time stands still."""
        return now.ros_ns

    def frame_times_ns(self, progress: Progress, chunk: Chunk) -> tuple[int, ...]:
        """Return the times of all steps but the last, whose frame the next observation takes.

        Raises:
            ConfigurationError: the first step is complete before the chunk's start.
        """
        times_ns = progress.step_times_ns
        if times_ns and times_ns[0] <= chunk.start_ns:
            raise ConfigurationError(
                f"its first step is complete at {times_ns[0]} ns, which is not after its start at "
                f"{chunk.start_ns} ns"
            )
        return times_ns[:-1]

    def pipeline_s(self, progress: Progress, chunk: Chunk) -> float:
        """Return 0, for unknown: simulated time stood still between frame and plan."""
        return 0.0

    def follow(self, progress: Progress, now: Instant) -> None:
        """Advance time to the chunk's last step, once the arm side has planned it."""
        playback = self.episode.playback
        if progress.state is ChunkState.FINISHED:
            self._plan_rests = True
        if playback.progress is not None or playback.chunk is None:
            return
        # Later reports are ignored: when they arrive depends on real time.
        playback.progress = progress
        self._plan_rests = not progress.arm_commanded
        start_ns = playback.chunk.start_ns
        one_step_ns = start_ns + round(playback.chunk.control_dt_s * 1e9)
        self._until_ns = progress.step_times_ns[-1] if progress.step_times_ns else one_step_ns
        self._advance(
            (self._until_ns - start_ns) * 1e-9,
            self._played,
            now,
            arm=progress.arm_commanded,
            gripper=progress.gripper_commanded,
        )

    def _played(self, now: Instant) -> None:
        playback = self.episode.playback
        assert playback.progress is not None
        steps = playback.steps_before + len(playback.progress.step_times_ns)
        self.episode.record.counters.steps = steps
        if self._judged:
            self.episode.enter(State.SETTLING, now, "waiting for the judge")
        else:
            self._look_here(now)

    def refuse_stray(self, progress: Progress) -> None:
        """Do nothing: no stray chunk can move the arm while time stands still."""

    def come_to_rest(self, now: Instant) -> None:
        """Do nothing: the arm cannot move while time stands still."""

    def passed_s(self, now: Instant) -> float:
        """Return the simulated time since the world's first answer [s]."""
        return 0.0 if self._began_ns is None else (now.ros_ns - self._began_ns) * 1e-9

    def arm_may_move(self) -> bool:
        """Whether a plan may still move the arm: it goes on after its last step, until it rests."""
        state = self.episode.state
        return state.running and (state is State.PLAYING or not self._plan_rests)

    # Coming to rest, in whole spans of time: the result does not depend on when reports arrive.

    def ended(self, cause: Cause, may_move: bool, now: Instant) -> None:
        """Advance time until the arm rests."""
        self._stopping = may_move
        self._awaits_stop = not self._plan_rests and cause is not Cause.ARM_ABORTED
        self._spans_left = _REST_SPANS
        if self._stopping and self._asked_s is None:
            self._next_span(now)

    def _next_span(self, now: Instant) -> None:
        if self._spans_left == 0:
            self._stopping = False
            return
        self._spans_left -= 1
        self._advance(_REST_SPAN_S, self._after_span, now, arm=self._awaits_stop)
        self._awaits_stop = False

    def _after_span(self, now: Instant) -> None:
        self._span_end_s = now.steady_s
        if self._spans_left == _REST_SPANS:  # that `advance` was requested before the end
            self._next_span(now)

    def _watch_rest(self, now: Instant) -> None:
        if not self._stopping:
            return
        if self.episode.playback.arm.resting():
            self._stopping = False
        elif now.steady_s - self._span_end_s > _REST_REPORT_S:
            self._next_span(now)

# SPDX-License-Identifier: Apache-2.0
"""The pacing in lockstep: simulated time stands still while the policy thinks.

    WAITING_FOR_VIEWS -> INFERRING -> PLAYING (time passes) -> SETTLING (the judge's word) -+
            ^                                                                              |
            +------------------------------------------------------------------------------+

Nothing settles: the next chunk begins at the very moment at which time stood still. All ROS times
are the present of the world, which only an answered `advance` moves; so what happens does not
depend on how long anything takes in real time.
"""

from collections.abc import Callable

from vera_ros.errors import ConfigurationError
from vera_ros.policy.pacing.settle import SettlePacing
from vera_ros.policy.ports import Chunk, ChunkState, Instant, Progress, WorldPort
from vera_ros.policy.states import Cause, EpisodeEndError, State

_REST_SPAN_S = 1.0  # simulated: a stop takes less
_REST_SPANS = 3
_REST_ANSWER_S = 2.0  # real time from a stop's end to its answer


class LockstepPacing(SettlePacing):
    """Lets simulated time pass chunk by chunk. `now.ros_ns` is always the world's present.

    Args:
        world: whose time it is.
        judged: after each chunk, wait for the judge: `on_success` or `on_undecided`.
    """

    def __init__(self, world: WorldPort, *, judged: bool = False) -> None:
        self._world = world
        self._judged = judged
        self._spans_left = 0
        self._span_end_s = 0.0
        self.begin()

    def begin(self) -> None:
        """Forget the episode before."""
        self._asked_s: float | None = None  # since when the world's answer is awaited, steady time
        self._then: Callable[[Instant], None] = self._look_here
        self._began_ns: int | None = None
        self._until_ns = 0
        self._plan_rests, self._stopping, self._stop_comes = True, False, False

    @property
    def at_rest(self) -> bool:
        """Whether the episode is over and the arm rests, or was given enough time to."""
        return not self.episode.state.running and not self._stopping and self._asked_s is None

    def moving(self) -> bool:
        """Always: while nothing moves, no time passes."""
        return True

    def pause(self, now: Instant) -> None:
        """Refuse to.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError("in lockstep, time stands still between chunks anyway; cancel")

    # Events of the world, the judge, and real time.

    def on_advanced(self, now: Instant) -> None:
        """Time has passed, and stands still again at `now.ros_ns`."""
        if self._asked_s is None:
            return
        self._asked_s = None
        if self.episode.state.running:
            self._began_ns = now.ros_ns if self._began_ns is None else self._began_ns
            self._then(now)
        elif self._stopping:
            self._after_span(now)

    def on_advance_failed(self, message: str, now: Instant) -> None:
        """Time does not pass."""
        if self._asked_s is None:
            return
        self._asked_s = None
        if self.episode.state.running:
            self.episode.end(Cause.ARM_SILENT, f"advance_time failed: {message}", now)
        elif self._stopping:
            self._stop_comes = False
            self._next_span(now)

    def on_undecided(self, now: Instant) -> None:
        """The judge has looked, and the task is not done yet."""
        if self.episode.state is State.SETTLING:
            self._look_here(now)

    def tick(self, now: Instant) -> bool:
        """Let real time pass.

        Raises:
            EpisodeEndError: the world or the judge takes too long.
        """
        episode, running = self.episode, self.episode.state.running
        if running and episode.observer.window is not None:  # the plan's ticks, as pictures come
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
        self._asked_s, self._stopping = None, False  # without time, nothing comes to rest

    def _watch_judge(self, now: Instant) -> None:
        limit_s = self.episode.timeouts.settle_timeout_s
        if self.episode.clock.in_state_s(now) > limit_s:
            words = f"the judge said nothing on task_success within {limit_s:g} s"
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

    # Looking, at the present.

    def connected(self, now: Instant) -> None:
        """The server is there: have the first frame taken, of the world's present."""
        self.episode.enter(State.WAITING_FOR_VIEWS, now, "waiting for the world's present")
        self._advance(0.0, self._look_here, now)

    def look_again(self, not_before_ns: int, now: Instant) -> None:
        """Let time pass up to another frame of the resting arm."""
        self.episode.enter(State.WAITING_FOR_VIEWS, now)
        self._advance((not_before_ns - now.ros_ns) * 1e-9, self._look_here, now)

    def _look_here(self, now: Instant) -> None:
        self.episode.look_from(now.ros_ns, now, measured_since_ns=now.ros_ns)

    # A chunk, from the present on.

    def start_ns(self, now: Instant) -> int:
        """Now: time stands still."""
        return now.ros_ns

    def frame_times_ns(self, progress: Progress, chunk: Chunk) -> tuple[int, ...]:
        """All steps but the last, whose frame is taken by the look that follows.

        Raises:
            ConfigurationError: the plan begins before time stood still.
        """
        times_ns = progress.step_times_ns
        if times_ns and times_ns[0] <= chunk.start_ns:
            raise ConfigurationError(
                f"its first step is complete at {times_ns[0]} ns, which is not after its start at "
                f"{chunk.start_ns} ns"
            )
        return times_ns[:-1]

    def pipeline_s(self, progress: Progress, chunk: Chunk) -> float:
        """0, which is not known: meanwhile, time stood still."""
        return 0.0

    def follow(self, progress: Progress, now: Instant) -> None:
        """Let time pass until the chunk's last step, once the arm side has a plan."""
        playback = self.episode.playback
        if progress.state is ChunkState.FINISHED:
            self._plan_rests = True
        if playback.progress is not None or playback.chunk is None:
            return
        # From here on a chunk is what was planned: when later news arrive is a matter of chance.
        playback.progress = progress
        self._plan_rests = False
        start_ns = playback.chunk.start_ns
        one_step_ns = start_ns + round(playback.chunk.control_dt_s * 1e9)
        self._until_ns = progress.step_times_ns[-1] if progress.step_times_ns else one_step_ns
        self._advance(
            (self._until_ns - start_ns) * 1e-9,
            self._played,
            now,
            arm=True,
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
        """While time stands still, nothing moves, and after the end all comes to rest anyway."""

    def come_to_rest(self, now: Instant) -> None:
        """Nothing moves while time stands still; the next chunk goes on from there."""

    def passed_s(self, now: Instant) -> float:
        """Simulated time since the world's first answer [s]."""
        return 0.0 if self._began_ns is None else (now.ros_ns - self._began_ns) * 1e-9

    def arm_may_move(self) -> bool:
        """A plan goes on after its last step, until it rests or the next chunk takes over."""
        state = self.episode.state
        return state.running and (state is State.PLAYING or not self._plan_rests)

    # Rest, after the end: in whole spans, so that it does not matter how soon the arm says so.

    def ended(self, cause: Cause, may_move: bool, now: Instant) -> None:
        """Let time pass until the arm rests."""
        self._stopping = may_move
        self._stop_comes = not self._plan_rests and cause is not Cause.ARM_ABORTED
        self._spans_left = _REST_SPANS
        if self._stopping and self._asked_s is None:
            self._next_span(now)

    def _next_span(self, now: Instant) -> None:
        if self._spans_left == 0:
            self._stopping = False
            return
        self._spans_left -= 1
        self._advance(_REST_SPAN_S, self._after_span, now, arm=self._stop_comes)
        self._stop_comes = False

    def _after_span(self, now: Instant) -> None:
        self._span_end_s = now.steady_s
        if self._spans_left == _REST_SPANS:  # what has passed was asked for before the end
            self._next_span(now)

    def _watch_rest(self, now: Instant) -> None:
        if not self._stopping:
            return
        if self.episode.playback.arm.resting():
            self._stopping = False
        elif now.steady_s - self._span_end_s > _REST_ANSWER_S:
            self._next_span(now)

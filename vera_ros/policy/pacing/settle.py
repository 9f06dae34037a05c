# SPDX-License-Identifier: Apache-2.0
"""The plain pacing: the arm comes to rest after each chunk, and is looked at then.

WAITING_FOR_VIEWS -> INFERRING -> PLAYING -> SETTLING -+
        ^                                              |
        +----------------------------------------------+
"""

from typing import Any

from vera_ros.errors import ConfigurationError
from vera_ros.policy.actions import DecodedActions
from vera_ros.policy.ports import Chunk, ChunkState, Instant, Progress, Proprioception
from vera_ros.policy.running_episode import RunningEpisode
from vera_ros.policy.states import Cause, EpisodeEndError, State
from vera_ros.wire.messages import InferReply


class SettlePacing:
    """Decides when to look, when to ask, and when a chunk begins; the other pacings extend it.

    Attributes:
        episode: the one that it paces.
    """

    episode: RunningEpisode

    # The episode as a whole.

    def begin(self) -> None:
        """Forget the episode before."""

    def tick(self, now: Instant) -> bool:
        """Let real time pass; return whether this is all that is to be done now."""
        return False

    def passed_s(self, now: Instant) -> float:
        """Time that counts against the goal's limit [s]."""
        return self.episode.clock.counted_s(now)

    def moving(self) -> bool:
        """Whether the time that passes now is time in motion."""
        return self.episode.state is State.PLAYING and self.episode.playback.progress is not None

    def pause(self, now: Instant) -> None:
        """Prepare for a pause.

        Raises:
            ConfigurationError: there is none in this pacing.
        """

    def come_to_rest(self, now: Instant) -> None:
        """Stop the arm, if it moves, before a new session."""
        if self.arm_may_move():
            self.episode.playback.arm.stop()

    def ended(self, cause: Cause, may_move: bool, now: Instant) -> None:
        """The episode is over. `may_move`: the arm may have been moving then."""

    # Looking and asking.

    def connected(self, now: Instant) -> None:
        """The server is there: have the first frame taken."""
        self.episode.look_from(now.ros_ns, now)

    def look_again(self, not_before_ns: int, now: Instant) -> None:
        """Have another frame taken of the resting arm."""
        self.episode.look_from(not_before_ns, now)

    def awaits_frame(self) -> bool:
        """Whether a new picture may be what the episode waits for."""
        return self.episode.state is State.WAITING_FOR_VIEWS

    def frame_taken(self, now: Instant) -> None:
        """A frame has entered the window while a chunk plays."""

    def ask(self, proprioception: Proprioception, now: Instant) -> None:
        """Ask the server for a chunk from what the window holds.

        Raises:
            EpisodeEndError: that cannot be asked.
        """
        episode, window = self.episode, self.episode.observer.window
        assert window is not None
        last, more = episode.playback, self.request_fields()
        episode.dialogue.ask(window, episode.goal.prompt, proprioception, last, now, **more)

    def request_fields(self) -> dict[str, Any]:
        """Return further fields of the request that is about to be sent."""
        return {}

    def on_undecided(self, now: Instant) -> None:
        """The judge has looked, and the task is not done yet."""

    # Chunks.

    def awaits_reply(self) -> bool:
        """Whether the server's answer matters now."""
        return self.episode.state is State.INFERRING

    def take(self, reply: InferReply, actions: DecodedActions, now: Instant) -> None:
        """Have a new chunk played.

        Raises:
            VeraRosError: its actions cannot be used.
        """
        episode = self.episode
        sequence = episode.record.sent(actions.clipped_rows)
        chunk = episode.dialogue.next_chunk(actions, sequence, self.start_ns(now), now)
        episode.playback.begin(chunk, episode.record.counters.steps)
        episode.enter(State.PLAYING, now)
        episode.playback.arm.play(chunk)

    def start_ns(self, now: Instant) -> int:
        """When a chunk is to begin, see Chunk."""
        return 0

    def arm_may_move(self) -> bool:
        """Whether the arm side may have something to say of the present chunk."""
        return self.episode.state in (State.PLAYING, State.SETTLING, State.AWAITING_APPROVAL)

    def refuse_stray(self, progress: Progress) -> None:
        """Stop a chunk of this session that begins although nothing is to move any more."""
        session_id = self.episode.dialogue.session_id
        if progress.state is ChunkState.ACCEPTED and progress.session_id == session_id:
            self.episode.playback.arm.stop()

    def take_over(self, progress: Progress, now: Instant) -> bool:
        """Take a report of a chunk that waits to take over; return whether it says no more."""
        return False

    def accepted(self, progress: Progress, chunk: Chunk) -> None:
        """The arm side has a plan for the present chunk: take frames at its steps.

        Raises:
            EpisodeEndError: the plan makes no sense.
        """
        episode, window = self.episode, self.episode.observer.window
        episode.record.accepted(progress, self.pipeline_s(progress, chunk))
        try:
            times_ns = self.frame_times_ns(progress, chunk)
            if window is not None and times_ns:
                window.play(times_ns)
        except ConfigurationError as error:
            words = f"the arm side's plan makes no sense: {error}"
            raise EpisodeEndError(Cause.INTERNAL_ERROR, words) from error

    def frame_times_ns(self, progress: Progress, chunk: Chunk) -> tuple[int, ...]:
        """When frames are taken while a chunk plays, ROS time.

        Raises:
            ConfigurationError: the plan makes no sense.
        """
        return progress.step_times_ns

    def pipeline_s(self, progress: Progress, chunk: Chunk) -> float:
        """From the newest frame to the trajectory, less the server's own time [s]; 0: not known."""
        server_s = self.episode.record.counters.server_infer_s
        return (progress.stamp_ns - chunk.stamp_ns) * 1e-9 - server_s

    def follow(self, progress: Progress, now: Instant) -> None:
        """The present chunk goes on as planned."""
        episode = self.episode
        episode.playback.progress = progress
        episode.record.counters.steps = episode.playback.steps_played
        if progress.state is ChunkState.FINISHED:
            episode.look_from(now.ros_ns, now)

    def watch_arm(self, waited_s: float, now: Instant) -> None:
        """Check that the arm side answers a chunk, and plays it to its end.

        Args:
            waited_s: how long the present state has lasted.
            now: the present.

        Raises:
            EpisodeEndError: it does not.
        """
        episode, progress = self.episode, self.episode.playback.progress
        accept_s, settle_s = episode.timeouts.accept_timeout_s, episode.timeouts.settle_timeout_s
        if progress is None:
            if waited_s > accept_s:
                raise not_answered(accept_s)
            return
        last_step_ns = progress.step_times_ns[-1] if progress.step_times_ns else now.ros_ns
        to_rest_s = max(0, progress.end_ns - episode.clock.entered_ns) * 1e-9
        if episode.state is State.PLAYING and now.ros_ns >= last_step_ns:
            episode.enter(State.SETTLING, now)
        elif episode.state is State.SETTLING and waited_s > to_rest_s + settle_s:
            words = f"the arm did not report rest within {settle_s:g} s"
            raise EpisodeEndError(Cause.ARM_SILENT, words)


def not_answered(limit_s: float) -> EpisodeEndError:
    """Return why an episode ends whose chunk the arm side did not answer in time."""
    words = f"the arm side did not answer a chunk within {limit_s:g} s"
    return EpisodeEndError(Cause.ARM_SILENT, words)

# SPDX-License-Identifier: Apache-2.0
"""Settle pacing: after each chunk, the arm comes to rest and is observed.

WAITING_FOR_VIEWS -> INFERRING -> PLAYING -> SETTLING -+
        ^                                              |
        +----------------------------------------------+
"""

from typing import Any

from vera_ros.errors import ConfigurationError
from vera_ros.policy.ports import Chunk, ChunkState, Instant, Progress, Proprioception
from vera_ros.policy.running_episode import RunningEpisode
from vera_ros.policy.states import Cause, EpisodeEndError, State
from vera_ros.wire.protocol.messages import InferReply


class SettlePacing:
    """Decides when to observe, when to request and when a chunk begins; base of all pacings.

    Attributes:
        episode: the episode that it paces, set by that episode.
        real_time: whether the views run in real time, too, and not by the world's clock alone.
    """

    real_time = True

    episode: RunningEpisode

    # The episode as a whole.

    def begin(self) -> None:
        """Reset for a new episode."""

    def tick(self, now: Instant) -> bool:
        """Do the pacing's periodic work; return whether the episode's own is to be skipped."""
        return False

    def passed_s(self, now: Instant) -> float:
        """Return the time that counts against the goal's limit [s]."""
        return self.episode.clock.counted_s(now)

    def moving(self) -> bool:
        """Whether time that passes now counts as time in motion."""
        return self.episode.state is State.PLAYING and self.episode.playback.progress is not None

    def pause(self, now: Instant) -> None:
        """Prepare for a pause.

        Raises:
            ConfigurationError: this pacing cannot be paused.
        """

    def come_to_rest(self, now: Instant) -> None:
        """Stop the arm, if it moves, before a new session."""
        if self.arm_may_move():
            self.episode.playback.arm.stop()

    def ended(self, cause: Cause, may_move: bool, now: Instant) -> None:
        """Finish, after the end of the episode. `may_move`: whether the arm may have moved then."""

    # Observation and requests.

    def connected(self, now: Instant) -> None:
        """Wait for the first frame, with the server connected."""
        self.episode.observe_from(now.ros_ns, now)

    def observe_again(self, not_before_ns: int, now: Instant) -> None:
        """Wait for another frame of the resting arm, at `not_before_ns` (ROS time) or later."""
        self.episode.observe_from(not_before_ns, now)

    def awaits_frame(self) -> bool:
        """Whether the episode may be waiting for a new picture."""
        return self.episode.state is State.WAITING_FOR_VIEWS

    def frame_taken(self, now: Instant) -> None:
        """Handle a frame that entered the window while a chunk plays."""

    def ask(self, proprioception: Proprioception, now: Instant) -> None:
        """Request a chunk, planned from the frames in the window.

        Raises:
            EpisodeEndError: the request is not valid.
        """
        episode, window = self.episode, self.episode.observer.window
        assert window is not None
        last, more = episode.playback, self.request_fields()
        episode.dialogue.ask(window, episode.goal.prompt, proprioception, last, now, **more)

    def request_fields(self) -> dict[str, Any]:
        """Return further fields of the next request, by name."""
        return {}

    def on_undecided(self, now: Instant) -> None:
        """Handle the judge's verdict that the task is not done yet."""

    # Chunks.

    def awaits_reply(self) -> bool:
        """Whether a reply of the server can be used now."""
        return self.episode.state is State.INFERRING

    def take(self, reply: InferReply, now: Instant) -> None:
        """Send a new chunk to the arm side.

        Raises:
            VeraRosError: its actions cannot be used.
        """
        episode = self.episode
        actions = episode.dialogue.commands(reply.actions)
        sequence = episode.record.sent(actions.clipped_rows)
        chunk = episode.dialogue.next_chunk(actions, sequence, self.start_ns(now), now)
        episode.playback.begin(chunk, episode.record.counters.steps)
        episode.enter(State.PLAYING, now)
        episode.playback.arm.play(chunk)

    def start_ns(self, now: Instant) -> int:
        """Return when a chunk is to begin, ROS time [ns]; 0: as soon as possible."""
        return 0

    def arm_may_move(self) -> bool:
        """Whether the arm side may be planning or playing the present chunk."""
        return self.episode.state in (State.PLAYING, State.SETTLING, State.AWAITING_APPROVAL)

    def refuse_stray(self, progress: Progress) -> None:
        """Stop the arm where it begins a chunk of this session that is no longer wanted."""
        session_id = self.episode.dialogue.session_id
        if progress.state is ChunkState.ACCEPTED and progress.session_id == session_id:
            self.episode.playback.arm.stop()

    def take_over(self, progress: Progress, now: Instant) -> bool:
        """Handle a report of a chunk that is to take over; return whether it is settled."""
        return False

    def accepted(self, progress: Progress, chunk: Chunk) -> None:
        """Record the arm side's plan of the present chunk, and take frames at its steps.

        Raises:
            EpisodeEndError: the times of the plan's steps are not valid.
        """
        episode, window = self.episode, self.episode.observer.window
        episode.record.accepted(progress, self.pipeline_s(progress, chunk))
        try:
            times_ns = self.frame_times_ns(progress, chunk)
            if window is not None and times_ns:
                window.play(times_ns)
        except ConfigurationError as error:
            words = f"the arm side's plan is not valid: {error}"
            raise EpisodeEndError(Cause.INTERNAL_ERROR, words) from error

    def frame_times_ns(self, progress: Progress, chunk: Chunk) -> tuple[int, ...]:
        """Return the ROS times at which frames are taken while a chunk plays [ns].

        Raises:
            ConfigurationError: the times of the plan's steps are not valid.
        """
        return progress.step_times_ns

    def pipeline_s(self, progress: Progress, chunk: Chunk) -> float:
        """Return the time from frame to plan, less the server's inference [s]; 0: unknown."""
        server_s = self.episode.record.counters.server_infer_s
        return (progress.stamp_ns - chunk.stamp_ns) * 1e-9 - server_s

    def follow(self, progress: Progress, now: Instant) -> None:
        """Record the present chunk's progress, and observe once it is finished."""
        episode = self.episode
        episode.playback.progress = progress
        episode.record.counters.steps = episode.playback.steps_played
        if progress.state is ChunkState.FINISHED:
            episode.observe_from(now.ros_ns, now)

    def watch_arm(self, waited_s: float, now: Instant) -> None:
        """Check that the arm side answers a chunk, and plays it to its end.

        Args:
            waited_s: how long the present state has lasted.
            now: the present.

        Raises:
            EpisodeEndError: its answer or its report of rest is overdue.
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
    """Return the error of an episode whose chunk the arm side did not answer in time."""
    words = f"the arm side did not answer a chunk within {limit_s:g} s"
    return EpisodeEndError(Cause.ARM_SILENT, words)

# SPDX-License-Identifier: Apache-2.0
"""Asynchronous pacing: the next chunk is requested while one plays, so the arm need not stop.

    WAITING_FOR_VIEWS -> INFERRING -> PLAYING -+-> PLAYING ... (the next chunk was ready in time)
            ^                                  |
            +------- SETTLING, at rest <-------+   (it was not: the arm holds)

A request is sent right after a frame of the playing chunk has entered the window: the next chunk is
planned from that frame, and its tick tells which step comes next. The request carries the rows that
will be played meanwhile. A server that plans from where they lead returns `pending_actions` in its
info, the number of rows that it took into account; with any other server the rows whose steps have
passed are dropped when the reply arrives.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

from vera_ros.errors import ConfigurationError, ProtocolError
from vera_ros.policy.chunk_playback import check_not_given_up, is_about
from vera_ros.policy.pacing.settle import SettlePacing, not_answered
from vera_ros.policy.pacing.timeline import TakeOver, Timeline, take_over
from vera_ros.policy.ports import Chunk, ChunkState, Instant, Progress
from vera_ros.policy.states import State
from vera_ros.wire.protocol.messages import InferReply

_LATENCIES = 5  # kept; the longest of them counts
_STEPS_TO_FIRST_FRAME = 2  # from a chunk's start until it has a frame to plan from


@dataclass(frozen=True)
class OverlapRules:
    """When the next chunk is requested, and how it takes over from the present one.

    Attributes:
        ask_at_steps: the next chunk is requested when this many steps are left to play, or sooner
            if the server's latency requires it.
        lead_s: from a reply to the first motion that it can still change.
        old_share: weight of the earlier chunk where both command the same step, 0 to 1.
        most_steps: the longest chunk to request where inference takes longer than chunks last.
    """

    ask_at_steps: int = 3
    lead_s: float = 0.1
    old_share: float = 0.3
    most_steps: int = 40

    def __post_init__(self) -> None:
        if self.ask_at_steps < 1 or self.lead_s < 0.0 or self.most_steps < 1:
            raise ConfigurationError(
                f"{self}: ask_at_steps and most_steps must be 1 or more, lead_s 0 or more"
            )
        if not 0.0 <= self.old_share <= 1.0:
            raise ConfigurationError(f"old_share is {self.old_share}; valid is 0 to 1")


class OverlapPacing(SettlePacing):
    """Lets inference and motion overlap.

    Args:
        rules: when to request chunks and how to merge them; None: the defaults.
    """

    def __init__(self, rules: OverlapRules | None = None) -> None:
        self._rules = rules or OverlapRules()
        self.begin()

    def begin(self) -> None:
        """Reset for a new episode."""
        self._latencies_s: deque[float] = deque(maxlen=_LATENCIES)
        self._timeline = Timeline()
        self._next: tuple[Chunk, TakeOver] | None = None
        self._origin = 0  # the step at which the last request's frame was taken
        self._looks_ahead = False
        self._handed_over_s = 0.0

    def pause(self, now: Instant) -> None:
        """Drop the next chunk and the steps that will not be played."""
        self._drop_pending(now)

    def come_to_rest(self, now: Instant) -> None:
        """Stop the arm, if it moves, before a new session."""
        super().come_to_rest(now)
        self._drop_pending(now)

    def _drop_pending(self, now: Instant) -> None:
        self._next = None
        self._timeline = self._timeline.until(now.ros_ns)

    # Requests, while a chunk plays.

    def awaits_frame(self) -> bool:
        """Whether the episode may be waiting for a new picture."""
        playing = self.episode.state is State.PLAYING
        return super().awaits_frame() or (playing and not self.episode.dialogue.asking)

    def frame_taken(self, now: Instant) -> None:
        """Request the next chunk, planned from the new frame, if it is due."""
        episode, window = self.episode, self.episode.observer.window
        tick_ns = None if window is None else window.newest_tick_ns
        if episode.state is not State.PLAYING or episode.dialogue.asking or self._next:
            return
        if window is None or tick_ns is None or episode.playback.progress is None:
            return
        step = self._timeline.steps_at(tick_ns)
        if not self._is_request_due(step, now):
            return
        proprioception = episode.observer.measured_with_newest_frame(now)
        if proprioception is None:
            return  # try again with the next frame
        self._origin = step
        window.take_stock()
        self.ask(proprioception, now)

    def _is_request_due(self, step: int, now: Instant) -> bool:
        left_s = (self._timeline.times_ns[-1] - now.ros_ns) * 1e-9
        return self._timeline.end - step <= self._rules.ask_at_steps or left_s <= self._cycle_s

    @property
    def _cycle_s(self) -> float:
        """How long before the end of a chunk the next one must be requested [s]."""
        latency_s = max(self._latencies_s, default=0.0)
        # One period of margin: after a missed frame, the next one comes a step later.
        return latency_s + self._rules.lead_s + self.episode.dialogue.server_config.control_dt

    def request_fields(self) -> dict[str, Any]:
        """Return the pending rows, and a longer horizon where the server's chunks end too soon."""
        fields: dict[str, Any] = {}
        if self.episode.state is State.PLAYING:
            fields["pending_actions"] = self._timeline.pending(self._origin)
        else:
            self._origin = self._timeline.end
        server = self.episode.dialogue.server_config
        steps = math.ceil(self._cycle_s / server.control_dt)
        if not self._looks_ahead:
            steps *= 2  # that many have passed when the chunk arrives
        steps += _STEPS_TO_FIRST_FRAME
        if server.action_horizon < steps:
            longest = max(self._rules.most_steps, server.action_horizon)
            fields["execute_horizon"] = min(steps, longest)
        return fields

    # Replies.

    def awaits_reply(self) -> bool:
        """Whether a reply of the server can be used now."""
        return self.episode.state in (State.INFERRING, State.PLAYING, State.SETTLING)

    def take(self, reply: InferReply, now: Instant) -> None:
        """Send the rest of a new chunk, to take over from the present one.

        Raises:
            VeraRosError: its actions cannot be used.
        """
        episode = self.episode
        self._latencies_s.append(now.steady_s - episode.dialogue.asked_s)
        origin = self._origin + self._planned_past(reply)
        rests = episode.state is State.INFERRING
        earliest_ns = now.ros_ns + round(self._rules.lead_s * 1e9)
        part = take_over(
            self._timeline,
            reply.actions,
            origin,
            None if rests else earliest_ns,
            old_share=self._rules.old_share,
            gripper_column=episode.dialogue.server_config.gripper_column,
        )
        if part is None:
            episode.record.replaced(len(reply.actions), 0)
            if rests:  # all its steps are past: plan from a new frame
                episode.observe_from(now.ros_ns, now)
            return
        actions = episode.dialogue.commands(part.actions)
        episode.record.replaced(part.dropped, part.blended)
        sequence = episode.record.sent(actions.clipped_rows)
        chunk = episode.dialogue.next_chunk(actions, sequence, part.start_ns, now)
        self._next = (chunk, part)
        if rests:
            episode.enter(State.PLAYING, now)
            episode.playback.begin(chunk, episode.playback.steps_before)
        self._handed_over_s = now.steady_s
        episode.playback.arm.play(chunk)

    def _planned_past(self, reply: InferReply) -> int:
        """Return how many of the pending rows the server took into account.

        Raises:
            ProtocolError: the number is not one of 0 to the rows sent.
        """
        count = reply.info.get("pending_actions", 0)
        most = len(self._timeline.pending(self._origin))
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= most:
            raise ProtocolError(
                f"info 'pending_actions' is {count!r}; valid is 0 to {most}, the rows sent"
            )
        self._looks_ahead = "pending_actions" in reply.info
        return count

    # The arm.

    def take_over(self, progress: Progress, now: Instant) -> bool:
        """Handle a report of the chunk that is to take over; return whether it is settled."""
        if self._next is None or not self.arm_may_move():
            return False
        episode, (chunk, part) = self.episode, self._next
        if not is_about(progress, chunk):
            return False
        before = episode.playback.progress
        if progress.too_late and progress.state is ChunkState.REJECTED and before is not None:
            self._go_on_without(chunk, before, now)
            return True
        check_not_given_up(progress)
        if progress.state is ChunkState.AWAITING_APPROVAL:
            episode.await_approval(chunk, now)
            return True
        self._next = None
        skipped = progress.steps_dropped
        episode.record.replaced(skipped, 0)
        # The chunk before plays in place of the skipped steps, as far as it reaches.
        first = max(part.first, min(part.first + skipped, self._timeline.end))
        rows = part.actions[skipped:]
        self._timeline = self._timeline.followed_by(first, rows, progress.step_times_ns)
        episode.playback.begin(chunk, first)
        episode.enter(State.PLAYING, now)
        return False

    def _go_on_without(self, chunk: Chunk, before: Progress, now: Instant) -> None:
        """Drop the next chunk, which came too late: the present one plays to its end, at rest."""
        self._next = None
        self.episode.record.replaced(len(chunk.commands.poses), 0)
        if before.state is ChunkState.FINISHED:
            self.follow(before, now)

    def frame_times_ns(self, progress: Progress, chunk: Chunk) -> tuple[int, ...]:
        """Return the ROS times at which frames are taken while a chunk plays [ns]."""
        times_ns, window = progress.step_times_ns, self.episode.observer.window
        if times_ns and window is not None:
            # From the hand-over on, the steps of the chunk before are not played.
            window.stop(times_ns[0] - round(chunk.control_dt_s * 0.5e9))
        return times_ns

    def follow(self, progress: Progress, now: Instant) -> None:
        """Record the present chunk's progress; hold where no other is ready at its end."""
        episode = self.episode
        if progress.state is not ChunkState.FINISHED:
            super().follow(progress, now)
            # The timeline also has steps of the chunk before, which playback does not count.
            episode.record.counters.steps = self._timeline.steps_at(now.ros_ns)
            return
        if self._next is not None:  # too late to take over in motion: it starts from rest
            episode.playback.progress = progress
            return
        super().follow(progress, now)
        episode.record.counters.holds += 1
        if episode.dialogue.asking:
            episode.enter(State.INFERRING, now, "holding: no chunk is ready")

    def watch_arm(self, waited_s: float, now: Instant) -> None:
        """Check that the arm side also answers a chunk that is to take over; see SettlePacing."""
        limit_s = self.episode.timeouts.accept_timeout_s
        if self._next is not None and now.steady_s - self._handed_over_s > limit_s:
            raise not_answered(limit_s)
        super().watch_arm(waited_s, now)

# SPDX-License-Identifier: Apache-2.0
"""An episode that asks for the next chunk while one plays, so that the arm need not stop.

    WAITING_FOR_VIEWS -> INFERRING -> PLAYING -+-> PLAYING ... (the next chunk was ready in time)
            ^                                  |
            +------- SETTLING, at rest <-------+   (it was not: the arm holds, INFERRING or looking)

A question is asked right after a frame of the playing chunk has entered the window: that frame is
what the next chunk is planned from, and its tick says which step comes next. The rows that will be
played meanwhile go with the question. A server that plans from where they lead says so by
`pending_actions` in its info, the number of rows that it took into account; with any other server
the rows whose steps have passed are dropped when the answer is there.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

from vera_ros.errors import ConfigurationError, MotionError, ProtocolError
from vera_ros.policy.actions import DecodedActions
from vera_ros.policy.episode import Episode
from vera_ros.policy.goal import Goal
from vera_ros.policy.ports import Chunk, ChunkState, Instant, Progress, Proprioception
from vera_ros.policy.states import Cause, State
from vera_ros.policy.timeline import TakeOver, Timeline, take_over
from vera_ros.wire.messages import InferReply

_LATENCIES = 5  # the longest of the last few counts
_FIRST_CHANCE = 2  # steps, until a chunk's first frame is there


@dataclass(frozen=True)
class OverlapRules:
    """How chunks follow on each other.

    Attributes:
        ask_at_steps: the next chunk is asked for when so few steps are left to play, or sooner, if
            the server's latency asks for it.
        lead_s: from an answer to the first motion that it can still change.
        old_share: of the earlier chunk where two chunks command the same step, 0 to 1.
        most_steps: the longest chunk asked for when the server is slower than its own chunks last.
    """

    ask_at_steps: int = 3
    lead_s: float = 0.1
    old_share: float = 0.3
    most_steps: int = 40

    def __post_init__(self) -> None:
        if self.ask_at_steps < 1 or self.lead_s < 0.0 or self.most_steps < 1:
            raise ConfigurationError(f"{self}: steps must be 1 or more, the lead 0 or more")
        if not 0.0 <= self.old_share <= 1.0:
            raise ConfigurationError(f"old_share is {self.old_share}; valid is 0 to 1")


class AsyncEpisode(Episode):
    """An Episode whose chunks overlap with the inference of the next ones.

    Args:
        parts: those of Episode.
        rules: how chunks follow on each other.
    """

    def __init__(self, *parts: Any, rules: OverlapRules | None = None, **more: Any) -> None:
        super().__init__(*parts, **more)
        self._rules = rules or OverlapRules()
        self._forget()

    def _forget(self) -> None:
        self._latencies_s: deque[float] = deque(maxlen=_LATENCIES)
        self._played = Timeline()
        self._next: tuple[Chunk, TakeOver] | None = None
        self._origin = 0
        self._looks_ahead = False
        self._handed_over_s = 0.0

    def start(self, goal: Goal, now: Instant) -> None:
        """Begin an episode, see Episode."""
        super().start(goal, now)
        self._forget()

    def pause(self, now: Instant) -> None:
        """Bring the arm to rest, see Episode."""
        super().pause(now)
        self._forget_what_is_to_come(now)

    def _come_to_rest(self, now: Instant) -> None:
        super()._come_to_rest(now)
        self._forget_what_is_to_come(now)

    def _forget_what_is_to_come(self, now: Instant) -> None:
        self._next = None
        self._played = self._played.until(now.ros_ns)

    # Asking, while a chunk plays.

    @property
    def awaits_frame(self) -> bool:
        """Whether a new picture may be what the episode waits for."""
        return super().awaits_frame or (self.state is State.PLAYING and not self.inferring)

    def _look_while_playing(self, now: Instant) -> None:
        tick_ns = None if self.window is None else self.window.newest_tick_ns
        if self.state is not State.PLAYING or self.inferring or self._next or tick_ns is None:
            return
        if self._progress is None or not self._is_time_to_ask(self._played.steps_at(tick_ns), now):
            return
        assert self.window is not None
        felt = self._body.proprioception_at(self.window.newest_stamp_ns or now.ros_ns)
        if felt is None:
            return  # the next frame is another chance
        self._origin = self._played.steps_at(tick_ns)
        self.window.take_stock()
        self._ask(felt, now, pending_actions=self._played.pending(self._origin))

    def _is_time_to_ask(self, step: int, now: Instant) -> bool:
        left_s = (self._played.times_ns[-1] - now.ros_ns) * 1e-9
        return self._played.end - step <= self._rules.ask_at_steps or left_s <= self._cycle_s

    @property
    def _cycle_s(self) -> float:
        """How long before the end of a chunk the next one must be asked for [s]."""
        latency_s = max(self._latencies_s, default=0.0)
        return latency_s + self._rules.lead_s + self._config.control_dt  # the next chance to ask

    def _ask(self, proprioception: Proprioception, now: Instant, **more: Any) -> None:
        """Ask for longer chunks where the server takes longer than its own would last."""
        if self.state is not State.PLAYING:
            self._origin = self._played.end
        steps = math.ceil(self._cycle_s / self._config.control_dt)
        if not self._looks_ahead:
            steps *= 2  # so many are past when the chunk is there
        steps += _FIRST_CHANCE
        if self._config.action_horizon < steps:
            longest = max(self._rules.most_steps, self._config.action_horizon)
            more["execute_horizon"] = min(steps, longest)
        super()._ask(proprioception, now, **more)

    # The answer.

    def _awaits_reply(self) -> bool:
        return self.state in (State.INFERRING, State.PLAYING, State.SETTLING)

    def _take(self, reply: InferReply, commands: DecodedActions, now: Instant) -> None:
        self._latencies_s.append(now.steady_s - self._dialogue.asked_s)
        try:
            origin = self._origin + self._looked_ahead(reply)
        except ProtocolError as error:
            self._end(Cause.PROTOCOL_ERROR, str(error), now)
            return
        rests = self.state is State.INFERRING
        earliest_ns = now.ros_ns + round(self._rules.lead_s * 1e9)
        part = take_over(
            self._played,
            reply.actions,
            origin,
            None if rests else earliest_ns,
            old_share=self._rules.old_share,
            gripper_column=self._config.gripper_column,
        )
        if part is None:
            self._note(len(reply.actions), 0)
            if rests:  # its time has passed: what is seen now counts
                self._not_before_ns = now.ros_ns
                self._wait_for_views(now)
            return
        try:
            commands = self._dialogue.interpret(part.actions)
        except MotionError as error:
            self._end(Cause.INVALID_ACTIONS, str(error), now)
            return
        self._note(part.dropped, part.blended)
        chunk = self._next_chunk(commands, part.start_ns, now)
        self._next = (chunk, part)
        if rests:
            self._enter(State.PLAYING, now)
            self._chunk, self._progress = chunk, None
        self._handed_over_s = now.steady_s
        self._arm.play(chunk)

    def _looked_ahead(self, reply: InferReply) -> int:
        """How many of the pending rows the server has planned past.

        Raises:
            ProtocolError: more than there were.
        """
        count = reply.info.get("pending_actions", 0)
        most = len(self._played.pending(self._origin))
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= most:
            raise ProtocolError(
                f"info 'pending_actions' is {count!r}; valid is 0 to {most}, the rows sent"
            )
        self._looks_ahead = "pending_actions" in reply.info
        return count

    def _note(self, dropped: int, blended: int) -> None:
        self.counters.late_chunks += dropped > 0
        self.counters.steps_dropped += dropped
        self.counters.steps_blended += blended

    # The arm.

    def on_progress(self, progress: Progress, now: Instant) -> None:
        """The arm side says something of the playing chunk, or of the one that is to take over."""
        if self._next is not None and self._arm_may_move():
            chunk, part = self._next
            if (progress.session_id, progress.sequence) == (chunk.session_id, chunk.sequence):
                self._on_next(progress, chunk, part, now)
                return
        super().on_progress(progress, now)

    def _on_next(self, progress: Progress, chunk: Chunk, part: TakeOver, now: Instant) -> None:
        if progress.too_late and progress.state is ChunkState.REJECTED and self._progress:
            self._go_on_without(chunk, now)
            return
        if self._is_trouble(progress, now):
            return
        if progress.state is ChunkState.AWAITING_APPROVAL:
            self._enter(State.AWAITING_APPROVAL, now, f"chunk {chunk.sequence} awaits approval")
            return
        self._next = None
        self._chunk, self._progress = chunk, None
        skipped = progress.steps_dropped
        self._note(skipped, 0)
        rows, times_ns = part.actions[skipped:], progress.step_times_ns
        # What was skipped, the chunk before has played in its place, if it reaches so far.
        first = max(part.first, min(part.first + skipped, self._played.end))
        self._played = self._played.followed_by(first, rows, times_ns)
        self._steps_before = first
        self._enter(State.PLAYING, now)
        super().on_progress(progress, now)

    def _go_on_without(self, chunk: Chunk, now: Instant) -> None:
        """The next chunk has come too late: the present one plays to its end, at rest."""
        self._next = None
        self._note(len(chunk.commands.poses), 0)
        if self._progress is not None and self._progress.state is ChunkState.FINISHED:
            self._follow(self._progress, now)

    def _ticks_ns(self, progress: Progress, chunk: Chunk) -> tuple[int, ...]:
        times_ns = progress.step_times_ns
        if times_ns and self.window is not None:
            # From the hand-over on, the steps of the chunk before are not played.
            self.window.stop(times_ns[0] - round(chunk.control_dt_s * 0.5e9))
        return times_ns

    def _follow(self, progress: Progress, now: Instant) -> None:
        if progress.state is not ChunkState.FINISHED:
            super()._follow(progress, now)
            self.counters.steps = self._played.steps_at(now.ros_ns)  # also of the chunk before
            return
        if self._next is not None:  # it comes too late to take over in motion: from rest
            self._progress = progress
            return
        super()._follow(progress, now)
        self.counters.holds += 1
        if self.inferring:
            self._enter(State.INFERRING, now, "holding: no chunk is ready")

    def _watch_arm(self, waited_s: float, now: Instant) -> None:
        if self._next is not None and now.steady_s - self._handed_over_s > self._bounds.accept_s:
            words = f"the arm side did not answer a chunk within {self._bounds.accept_s:g} s"
            self._end(Cause.ARM_SILENT, words, now)
            return
        super()._watch_arm(waited_s, now)

# SPDX-License-Identifier: Apache-2.0
"""An asynchronous episode with a server and an arm that play along."""

import numpy as np

from vera_ros.policy.goal import EpisodeTimeouts
from vera_ros.policy.pacing.overlap import OverlapPacing, OverlapRules
from vera_ros.policy.ports import ChunkState
from vera_ros.policy.states import State
from vera_ros.wire.protocol.messages import InferReply

from .rig import PERIOD_MS, STEP_MS, Rig

UNIT = 1e-3  # what a row of the server's says of its step
SCALE_M = 0.05  # of mimicgen's translation


class AsyncRig(Rig):
    """A Rig whose chunks overlap with the inference of the next ones.

    `run` answers every question after a while, with rows that tell which step they are meant for,
    and plays what the arm is sent: `executed` lists when each step was complete and what it was.
    """

    def __init__(
        self, bounds: EpisodeTimeouts | None = None, rules: OverlapRules | None = None
    ) -> None:
        super().__init__(bounds, OverlapPacing(rules))
        self.executed: list[tuple[int, float]] = []
        self._answered = self._played = self._seen_steps = 0
        self._since_s = 0.0
        self._plan: tuple[int, tuple[int, ...]] = (-1, ())

    def run(
        self,
        seconds: float,
        latency_ms: int,
        *,
        rows: int = 10,
        stretch: float = 1.0,
        looks_ahead: bool = False,
    ) -> None:
        """Let time pass with a server and an arm that do their work."""
        for _ in range(round(seconds * 1e3 / STEP_MS)):
            self.advance(STEP_MS * 1e-3)
            if self.episode.state is State.CONNECTING:
                self.connect()
            since_ms = (self.now.steady_s - self._asked_s()) * 1e3
            if self.episode.dialogue.asking and since_ms >= latency_ms - 1e-6:
                self._answer_in_turn(rows, looks_ahead)
            self._take_over(stretch)
            self._go_on()

    def steps(self) -> list[float]:
        """Which steps were played, in order, as their rows tell."""
        now_ns = self.now.ros_ns
        return [step for done_ns, step in self.executed if done_ns <= now_ns]

    def steps_at(self, time_ns: int) -> int:
        """How many steps were complete."""
        return sum(done_ns <= time_ns for done_ns, _ in self.executed)

    def stop_at_once(self) -> None:
        """The arm does what its side was told: what was not played yet will not be."""
        now_ns = self.now.ros_ns
        self.executed = [(done_ns, step) for done_ns, step in self.executed if done_ns <= now_ns]
        self._plan = (-1, ())

    def _asked_s(self) -> float:
        if len(self.server.requests) > self._answered:
            self._answered = len(self.server.requests)
            self._since_s = self.now.steady_s
            window = self.episode.observer.window
            assert window is not None
            seen_ns = window.newest_tick_ns or window.newest_stamp_ns or 0
            self._seen_steps = self.steps_at(seen_ns)
        return self._since_s

    def _answer_in_turn(self, rows: int, looks_ahead: bool) -> None:
        request = self.server.requests[-1]
        pending = request.pending_actions
        ahead = len(pending) if looks_ahead and pending is not None else 0
        first = self._seen_steps + ahead
        count = request.execute_horizon or rows
        actions = np.zeros((count, 7), np.float32)
        actions[:, 0] = UNIT * (first + np.arange(count))
        info = {"pending_actions": ahead} if looks_ahead else {}
        self.answer(InferReply(actions, info))

    def _take_over(self, stretch: float) -> None:
        """The arm accepts what it is sent; from its start on, nothing else is played."""
        if len(self.arm.chunks) == self._played:
            return
        self._played = len(self.arm.chunks)
        chunk = self.arm.chunks[-1]
        start_ns = chunk.start_ns or self.now.ros_ns
        period_ns = PERIOD_MS * 1_000_000 * stretch
        values = chunk.commands.poses[:, 0] / SCALE_M / UNIT
        times = tuple(start_ns + round((i + 1) * period_ns) for i in range(len(values)))
        self.executed = [(done, step) for done, step in self.executed if done <= start_ns]
        self.executed += zip(times, values.tolist(), strict=True)
        self._plan = (chunk.sequence, times)
        self.progress(ChunkState.ACCEPTED, step_times_ns=times)

    def _go_on(self) -> None:
        sequence, times = self._plan
        if not times or self.arm.chunks[-1].sequence != sequence:
            return
        played = sum(done_ns <= self.now.ros_ns for done_ns in times)
        finished = self.now.ros_ns > times[-1] + 200_000_000
        state = ChunkState.FINISHED if finished else ChunkState.PLAYING
        self.progress(state, step_times_ns=times, steps_played=played)
        if finished:
            self._plan = (-1, ())

# SPDX-License-Identifier: Apache-2.0
"""Plays a storm's rounds on planner and gate, and has the checker judge what they let out."""

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import ChunkRequest, Measured
from vera_ros.motion.execution.dispatcher import Dispatcher
from vera_ros.motion.trajectory import ArmTrajectory
from verification.bench.gate.storm import Brake, Chunk, Round, Stop
from verification.judge.bounds import Start, TrajectoryBounds
from verification.judge.checker import Checker, gripper_violations
from verification.judge.clearances import Clearances
from verification.judge.played import played, state_at
from verification.rig import (
    ARM_JOINTS,
    BASE_FRAME,
    HAND_OVER_LEAD_S,
    SELF_DISTANCE_M,
    TABLE_DISTANCE_M,
    TABLE_Z_M,
    TCP_FRAME,
    URDF,
    Rig,
)

_START_S = 1000.0
_MOST_EXAMPLES = 5
_LEAD_SAMPLES = 6
_LEAD_RAD = 1e-4


@dataclass
class Outcome:
    """What became of the chunks of one kind, and of the stops among them.

    Attributes:
        chunks: how many were sent to the planner.
        played: how many were let out.
        refused: how many were refused, by cause.
        stops: stops and brakings that were let out.
        violations: trajectories that were let out and must not have been.
        unexpected: exceptions that are no refusals.
        examples: of both, in words.
    """

    chunks: int = 0
    played: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    stops: int = 0
    violations: int = 0
    unexpected: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Take another's counts in."""
        for name in ("chunks", "played", "stops", "violations", "unexpected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refused += other.refused
        self.examples = list(dict.fromkeys(self.examples + other.examples))[:_MOST_EXAMPLES]

    def numbers(self) -> dict[str, object]:
        """What the JSON file says."""
        return {
            "chunks": self.chunks,
            "played": self.played,
            "refused": dict(self.refused.most_common()),
            "stops": self.stops,
            "violations": self.violations,
            "unexpected": self.unexpected,
            "examples": self.examples,
        }


class Player:
    """One arm, its clock, and what the controller plays."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._checker = Checker(URDF.read_text(), ARM_JOINTS, BASE_FRAME, TCP_FRAME)
        self._clearances = Clearances(URDF.read_text(), ARM_JOINTS, TABLE_Z_M)
        self._bounds = TrajectoryBounds.of(rig.limits)

    def play(self, round_: Round) -> Outcome:
        """Play a round."""
        self._outcome = Outcome()
        self._dispatcher: Dispatcher = self._rig.dispatcher(round_.q)
        self._now_s = self._started_s = _START_S
        self._running: Any = None  # what the controller plays, since `_started_s`
        self._rest_q: Any = round_.q
        for number, event in enumerate(round_.events):
            self._move_on(event.share)
            if isinstance(event, Chunk):
                self._chunk(event, number)
            else:
                self._interrupt(event)
        return self._outcome

    def _move_on(self, share: float) -> None:
        """Let time pass until that share of the running motion has been played."""
        if self._running is None:
            return
        left_s = self._started_s + self._running.times_s[-1] - self._now_s
        self._now_s += max(0.0, left_s) * share + (1e-3 if share == 1.0 else 0.0)
        if share == 1.0 and self._dispatcher.playing is not None:
            self._dispatcher.channel.finish()

    def _chunk(self, chunk: Chunk, number: int) -> None:
        close = chunk.close[: len(chunk.deltas)] if np.ndim(chunk.deltas) == 2 else chunk.close
        self._outcome.chunks += 1
        start, measured = self._start()
        before = self._running, self._started_s
        refusal = self._try(
            lambda: self._dispatcher.send(
                self._dispatcher.scheduler.prepare(
                    self._dispatcher.channel.playback,
                    ChunkRequest(
                        chunk.deltas,
                        close,
                        chunk.control_dt_s,
                        chunk.session_id,
                        number,
                        None if chunk.start_in_s is None else self._now_s + chunk.start_in_s,
                    ),
                    measured,
                    self._now_s,
                )
            ),
            start,
        )
        if refusal is None:
            self._outcome.played += 1
            self._check_lead(*before, chunk.start_in_s)
        elif refusal is not Cause.INTERNAL_ERROR:
            self._outcome.refused[refusal.name.lower()] += 1

    def _interrupt(self, event: Stop | Brake) -> None:
        """Stop or brake; when that is refused, the running motion goes on to its own rest."""
        if self._running is None:
            return
        stops, (start, measured) = self._dispatcher.stops, self._start()
        starts: tuple[Start, ...] = (start,)
        if isinstance(event, Brake):
            still = np.zeros(7)
            where = Measured(measured.q + event.off, still, measured.finger_m, self._now_s, 0.0)
            # Where nothing gentle leads there, it comes to rest along its plan.
            starts = (start, Start(where.q, still, still))
            act: Callable[[], object] = partial(stops.stop_in_place, where, self._now_s)
        else:
            act = partial(stops.stop, self._now_s)
        let_out = len(self._rig.published)
        self._try(act, *starts)
        self._outcome.stops += len(self._rig.published) - let_out

    def _start(self, later_s: float = 0.0) -> tuple[Start, Measured]:
        """What a motion must go on from, so much later than now, and what the arm's sensors say."""
        if self._running is None:
            q = self._rest_q
            still = np.zeros_like(q)
            return Start(q, still, still, exact=False), Measured(q, still, 0.02, self._now_s, 0.0)
        elapsed_s = self._now_s + later_s - self._started_s
        q, dq, ddq = state_at(self._running, elapsed_s)
        moving = elapsed_s < self._running.times_s[-1]
        return Start(q, dq, ddq, exact=moving), Measured(q, dq, 0.02, self._now_s, 0.0)

    def _try(self, act: Callable[[], object], *starts: Start) -> Cause | None:
        """Act, and judge what was let out; the cause when nothing was.

        What was let out goes on from one of the starts.

        An exception that is no refusal is an internal error, and so it counts.
        """
        published, gripper = self._rig.published, self._rig.published_gripper
        before = len(published), len(gripper)
        refusal: Cause | None = None
        try:
            act()
        except MotionRefusedError as refused:
            refusal = refused.cause
            if refused.cause is Cause.NONE or not str(refused):
                self._blame(f"a refusal without a cause: {refused}")
            if (len(published), len(gripper)) != before:
                self._blame(f"refused ({refused}), and yet something was let out")
        except Exception as error:
            refusal = Cause.INTERNAL_ERROR
            where = traceback.extract_tb(error.__traceback__)[-1]
            self._outcome.unexpected += 1
            self._outcome.examples.append(f"{error!r} at {where.filename}:{where.lineno}")
        for trajectory in published[before[0] :]:
            later_s = self._rig.started_s - self._now_s
            own_way = trajectory.past is None and later_s > 0.0
            if own_way and self._running is not None and starts[0].exact:
                trajectory, later_s = self._on_its_own_way(trajectory, later_s), 0.0
                self._rig.started_s = self._now_s
            if later_s != 0.0 and starts[0].exact:  # the running motion goes on until then
                starts = (self._start(later_s)[0],)
            found = [self._checker.violations(trajectory, self._bounds, start) for start in starts]
            for text in min(found, key=len) or self._too_near(trajectory):
                self._blame(text)
            self._running, self._started_s = trajectory, self._rig.started_s
        for fingers in gripper[before[1] :]:
            for text in gripper_violations(fingers, self._rig.gripper_limits):
                self._blame(text)
        return refusal

    def _on_its_own_way(self, trajectory: Any, ahead_s: float) -> Any:
        """The trajectory as a controller plays it that has to find its own way to the start."""
        start, _ = self._start()
        return ArmTrajectory(
            np.concatenate(([ahead_s], ahead_s + trajectory.times_s)),
            np.vstack((trajectory.start_q, trajectory.q)),
            np.vstack((trajectory.start_dq, trajectory.dq)),
            np.vstack((trajectory.start_ddq, trajectory.ddq)),
            start.q,
            start.dq,
            start.ddq,
        )

    def _check_lead(self, before: Any, started_s: float, start_in_s: float | None) -> None:
        """What played before a chunk goes on as it was until the chunk begins."""
        if before is None:
            return
        until_s = self._now_s + (HAND_OVER_LEAD_S if start_in_s is None else start_in_s)
        if start_in_s is None:  # what comes to rest before that is followed from there
            until_s = min(until_s, started_s + before.times_s[-1])
        until_s = max(until_s, self._started_s)
        for time_s in np.linspace(self._started_s, until_s, _LEAD_SAMPLES):
            old, _, _ = state_at(before, time_s - started_s)
            new, _, _ = state_at(self._running, time_s - self._started_s)
            off = float(np.abs(new - old).max())
            if off > _LEAD_RAD:
                self._blame(f"q is {off:.6f} off what was to go on")
                return

    def _too_near(self, trajectory: Any) -> list[str]:
        return self._clearances.violations(played(trajectory), SELF_DISTANCE_M, TABLE_DISTANCE_M)

    def _blame(self, text: str) -> None:
        self._outcome.violations += 1
        self._outcome.examples.append(text)

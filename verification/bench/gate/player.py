# SPDX-License-Identifier: Apache-2.0
"""Plays rounds of chunks on planner and gate, and checks every trajectory that is published."""

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
from verification.bench.gate.rounds import Brake, Chunk, Round, Stop
from verification.judge.bounds import Start, TrajectoryBounds
from verification.judge.checker import Checker, gripper_violations
from verification.judge.clearances import Clearances
from verification.judge.played import played, state_at
from verification.rig import HAND_OVER_LEAD_S, TABLE_DISTANCE_M, Rig
from verification.robots import ROBOTS, Robot

_START_S = 1000.0
_MAX_EXAMPLES = 5
_HAND_OVER_SAMPLES = 6
_HAND_OVER_RAD = 1e-4


@dataclass
class Outcome:
    """Counts of one kind of chunk, and of the stops sent between them.

    Attributes:
        chunks: chunks sent to the planner.
        played: chunks whose trajectory was published.
        refused: refused chunks, by cause.
        stops: stop and brake trajectories that were published.
        violations: violations found by the checker, and inconsistent refusals.
        unexpected: exceptions other than refusals.
        examples: some of the violations and exceptions, as text.
    """

    chunks: int = 0
    played: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    stops: int = 0
    violations: int = 0
    unexpected: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Add the counts of `other`."""
        for name in ("chunks", "played", "stops", "violations", "unexpected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refused += other.refused
        self.examples = list(dict.fromkeys(self.examples + other.examples))[:_MAX_EXAMPLES]

    def numbers(self) -> dict[str, object]:
        """Return the counts for the JSON file."""
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
    """Plays rounds on one arm in simulated time, and checks what is published."""

    def __init__(self, rig: Rig, robot: Robot = ROBOTS["panda"]) -> None:
        self._rig, self._robot = rig, robot
        urdf = robot.urdf.read_text()
        self._checker = Checker(urdf, robot.joints, robot.base, *robot.tips)
        self._clearances = None
        if robot.self_distance_m is not None:
            self._clearances = Clearances(urdf, robot.joints, robot.table_z_m)
        self._bounds = TrajectoryBounds.of(rig.limits)

    def play(self, round_: Round) -> Outcome:
        """Play a round; return its counts."""
        self._outcome = Outcome()
        self._dispatcher: Dispatcher = self._rig.dispatcher(round_.q)
        self._now_s = self._started_s = _START_S
        self._running: Any = None  # trajectory that plays since `_started_s`
        self._rest_q: Any = round_.q
        for number, event in enumerate(round_.events):
            self._advance(event.share)
            if isinstance(event, Chunk):
                self._send_chunk(event, number)
            else:
                self._interrupt(event)
        return self._outcome

    def _advance(self, share: float) -> None:
        """Advance time until `share` of the remaining motion has been played."""
        if self._running is None:
            return
        left_s = self._started_s + self._running.times_s[-1] - self._now_s
        self._now_s += max(0.0, left_s) * share + (1e-3 if share == 1.0 else 0.0)
        if share == 1.0 and self._dispatcher.playing is not None:
            self._dispatcher.channel.finish()

    def _send_chunk(self, chunk: Chunk, number: int) -> None:
        close = chunk.close[: len(chunk.deltas)] if np.ndim(chunk.deltas) == 2 else chunk.close
        self._outcome.chunks += 1
        start, measured = self._start()
        previous = self._running, self._started_s
        refusal = self._run_and_judge(
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
            self._check_hand_over(*previous, chunk.start_in_s)
        elif refusal is not Cause.INTERNAL_ERROR:
            self._outcome.refused[refusal.name.lower()] += 1

    def _interrupt(self, event: Stop | Brake) -> None:
        """Stop or brake; if that is refused, the running motion continues to its own end."""
        if self._running is None:
            return
        stops, (start, measured) = self._dispatcher.stops, self._start()
        starts: tuple[Start, ...] = (start,)
        if isinstance(event, Brake):
            still = np.zeros(self._robot.n)
            where = Measured(measured.q + event.offset, still, measured.finger_m, self._now_s, 0.0)
            # If no return is gentle enough, the arm comes to rest along its plan instead.
            starts = (start, Start(where.q, still, still))
            act: Callable[[], object] = partial(stops.stop_in_place, where, self._now_s)
        else:
            act = partial(stops.stop, self._now_s)
        before = len(self._rig.published)
        self._run_and_judge(act, *starts)
        self._outcome.stops += len(self._rig.published) - before

    def _start(self, later_s: float = 0.0) -> tuple[Start, Measured]:
        """Return the state that a motion must continue in `later_s`, and its measurement."""
        if self._running is None:
            q = self._rest_q
            still = np.zeros_like(q)
            return Start(q, still, still, exact=False), Measured(q, still, 0.02, self._now_s, 0.0)
        elapsed_s = self._now_s + later_s - self._started_s
        q, dq, ddq = state_at(self._running, elapsed_s)
        moving = elapsed_s < self._running.times_s[-1]
        return Start(q, dq, ddq, exact=moving), Measured(q, dq, 0.02, self._now_s, 0.0)

    def _run_and_judge(self, act: Callable[[], object], *starts: Start) -> Cause | None:
        """Call `act` and check what it publishes; return the cause if it refuses, otherwise None.

        Every published trajectory must continue from one of the starts. An exception other than a
        refusal counts as an internal error.
        """
        published, gripper = self._rig.published, self._rig.published_gripper
        before = len(published), len(gripper)
        refusal: Cause | None = None
        try:
            act()
        except MotionRefusedError as refused:
            refusal = refused.cause
            if refused.cause is Cause.NONE or not str(refused):
                self._add_violation(f"a refusal without a cause or a message: {refused!r}")
            if (len(published), len(gripper)) != before:
                self._add_violation(f"refused ({refused}), but a trajectory was published")
        except Exception as error:
            refusal = Cause.INTERNAL_ERROR
            where = traceback.extract_tb(error.__traceback__)[-1]
            self._outcome.unexpected += 1
            self._outcome.examples.append(f"{error!r} at {where.filename}:{where.lineno}")
        for trajectory in published[before[0] :]:
            later_s = self._rig.started_s - self._now_s
            approach, sent = trajectory.past is None and later_s > 0.0, trajectory
            if approach and self._running is not None and starts[0].exact:
                trajectory, later_s = self._with_approach(trajectory, later_s), 0.0
                self._rig.started_s = self._now_s
            if later_s != 0.0 and starts[0].exact:  # the running motion continues until then
                starts = (self._start(later_s)[0],)
            found = [self._checker.violations(trajectory, self._bounds, start) for start in starts]
            # On its approach, the set-point moves to where the arm is: the arm does not.
            for text in min(found, key=len) or self._clearance_violations(sent):
                self._add_violation(text)
            self._running, self._started_s = trajectory, self._rig.started_s
        for fingers in gripper[before[1] :]:
            for text in gripper_violations(fingers, self._rig.gripper_limits):
                self._add_violation(text)
        return refusal

    def _with_approach(self, trajectory: Any, ahead_s: float) -> Any:
        """Prepend the controller's own way from its present set-point to the trajectory's start."""
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

    def _check_hand_over(self, before: Any, started_s: float, start_in_s: float | None) -> None:
        """Check that the previous motion plays unchanged until the chunk takes over from it."""
        if before is None:
            return
        until_s = self._now_s + (HAND_OVER_LEAD_S if start_in_s is None else start_in_s)
        if start_in_s is None:  # if it ends earlier, the chunk begins at its end
            until_s = min(until_s, started_s + before.times_s[-1])
        until_s = max(until_s, self._started_s)
        for time_s in np.linspace(self._started_s, until_s, _HAND_OVER_SAMPLES):
            old, _, _ = state_at(before, time_s - started_s)
            new, _, _ = state_at(self._running, time_s - self._started_s)
            off = float(np.abs(new - old).max())
            if off > _HAND_OVER_RAD:
                self._add_violation(
                    f"before the hand-over, q is {off:.6f} rad off the previous motion"
                )
                return

    def _clearance_violations(self, trajectory: Any) -> list[str]:
        least_m = self._robot.self_distance_m
        if self._clearances is None or least_m is None:
            return []
        return self._clearances.violations(played(trajectory), least_m, TABLE_DISTANCE_M)

    def _add_violation(self, text: str) -> None:
        self._outcome.violations += 1
        self._outcome.examples.append(text)

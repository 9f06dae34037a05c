# SPDX-License-Identifier: Apache-2.0
"""Judges every trajectory of the fingers: its limits, and what it goes on from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bench.bounds import Vector
from bench.checker import gripper_violations
from chaos.recording import JointHistory
from chaos.umpire import FINGERS, Judgement
from vera_ros.motion.gate import GripperLimits

_SEEN_S = 0.6  # joint states that fingers may begin from are not older
_STEP_M = 0.001  # by which what begins may be off: a motion is sent a moment after it is planned


@dataclass(frozen=True)
class FingerTrajectory:
    """A trajectory's message, linear between its points.

    Attributes:
        number: from 0, as all trajectories came.
        begins_s: its time 0.
        published_s: when it was published.
        times_s: of the points. Shape (N,), [s].
        positions_m: of one finger. Shape (N,), [m].
        start_m: where the finger was to be at time 0, as far as is known [m].
    """

    number: int
    begins_s: float
    published_s: float
    times_s: Vector
    positions_m: Vector
    start_m: float = np.nan

    def starting_at(self, position_m: float) -> "FingerTrajectory":
        """The same from a finger there, or a rounding nearer."""
        towards_m = float(np.clip(self.positions_m[0] - position_m, -_STEP_M, _STEP_M))
        return replace(self, start_m=position_m + towards_m)

    def at(self, ros_s: float) -> float:
        """Where it has the finger at a time [m]."""
        times_s = self.begins_s + np.append(0.0, self.times_s)
        return float(np.interp(ros_s, times_s, np.append(self.start_m, self.positions_m)))


class FingerUmpire:
    """Judges the trajectories of the fingers in the order in which they were published.

    Args:
        limits: of the fingers.
        history: the true joints, up to what is judged.
    """

    def __init__(self, limits: GripperLimits, history: JointHistory) -> None:
        self._limits = limits
        self._history = history
        self._last: FingerTrajectory | None = None

    def judge(self, published: FingerTrajectory) -> Judgement:
        """Judge a trajectory: it must be good from where the fingers are told to be, or are."""
        source, playing, found = self._best_start(published)
        self._last = playing
        return Judgement(
            published.number,
            published.begins_s,
            published.published_s,
            source=source,
            violations=tuple(found),
            of=FINGERS,
        )

    def _best_start(
        self, published: FingerTrajectory
    ) -> tuple[str, FingerTrajectory | None, list[str]]:
        """What it most likely goes on from, what is played from there, and what is wrong."""
        if not len(published.positions_m) or not np.isfinite(published.positions_m).all():
            return "", self._last, gripper_violations(published, self._limits)
        best: tuple[str, FingerTrajectory, list[str]] | None = None
        seen = False
        for source, start_m in self._starts(published.begins_s):
            seen |= source == "measured"
            playing = published.starting_at(start_m)
            found = gripper_violations(playing, self._limits)
            if not found:
                return source, playing, []
            best = best or (source, playing, found)
        if best is not None and seen:
            return best
        # Nobody here has seen the fingers: they may be where it begins.
        playing = published.starting_at(float(published.positions_m[0]))
        return "", playing, gripper_violations(playing, self._limits)

    def _starts(self, begins_s: float) -> Iterator[tuple[str, float]]:
        """Where the finger may be at a time [m], the likeliest first."""
        if self._last is not None:
            yield "plan", self._last.at(begins_s)
        for sample in self._history.between(begins_s - _SEEN_S, begins_s)[::-1]:
            if np.isfinite(sample.finger_m):
                yield "measured", sample.finger_m

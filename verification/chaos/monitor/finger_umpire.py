# SPDX-License-Identifier: Apache-2.0
"""Judges every trajectory of the fingers: its limits, and what it goes on from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from vera_ros.motion.limits import GripperLimits
from verification.chaos.monitor.recording import JointHistory
from verification.chaos.monitor.umpire import FINGERS, Judgement
from verification.judge.bounds import Vector
from verification.judge.checker import gripper_violations

_SEEN_S = 0.6  # joint states that fingers may begin from are not older
_STAYS_S = 1e-3  # what has ended when it is published: its controller need not take it
_LATE_S = 0.15  # by which its controller may have it later than it was passed on
_STEP_M = 0.001  # by which what begins may be off: a motion is sent a moment after it is planned


@dataclass(frozen=True)
class FingerTrajectory:
    """A trajectory's message, linear between its points.

    Attributes:
        number: from 0, as all trajectories came.
        begins_s: its time 0, by the controller's clock.
        published_s: when it was published.
        arrived_s: when it was passed on to its controller.
        times_s: of the points. Shape (N,), [s].
        positions_m: of one finger. Shape (N,), [m].
        start_m: where the finger was to be at time 0, as far as is known [m].
        doubt_s: see Published.
    """

    number: int
    begins_s: float
    published_s: float
    arrived_s: float
    times_s: Vector
    positions_m: Vector
    start_m: float = np.nan
    doubt_s: float = 0.0

    @property
    def is_due(self) -> bool:
        """Whether its first point lay in the past when it was published."""
        return bool(self.begins_s + self.times_s[0] <= self.published_s)

    def ahead(self) -> "FingerTrajectory":
        """What is left of it when it is published: from then on, and from where it has them then.

        Where the first point lies ahead, nothing says where they are; what has ended stays there.
        """
        left_s = self.begins_s + self.times_s - self.published_s
        ahead = left_s > 0.0
        if not ahead.any():
            ahead[-1], left_s[-1] = True, _STAYS_S
        start_m = np.nan
        if self.is_due:
            start_m = float(
                np.interp(self.published_s - self.begins_s, self.times_s, self.positions_m)
            )
        return replace(
            self,
            begins_s=self.published_s,
            times_s=left_s[ahead],
            positions_m=self.positions_m[ahead],
            start_m=start_m,
        )

    def starting_at(self, position_m: float) -> "FingerTrajectory":
        """The same from a finger there, or a rounding nearer."""
        aim_m = self.positions_m[0] if np.isnan(self.start_m) else self.start_m
        towards_m = float(np.clip(aim_m - position_m, -_STEP_M, _STEP_M))
        return replace(self, start_m=position_m + towards_m)

    def jumps(self, position_m: float, speed_m_s: float) -> bool:
        """Whether it has a finger that is there somewhere else, at once."""
        return abs(self.start_m - position_m) > _STEP_M + self.doubt_s * speed_m_s

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
        self._earlier: FingerTrajectory | None = None  # plays on if its controller refused `_last`

    def judge(self, published: FingerTrajectory) -> Judgement:
        """Judge a trajectory: it must be good from where the fingers are told to be, or are."""
        source, playing, found = self._best_start(published)
        if playing is not self._last:
            certain = self._earlier or self._last
            self._earlier = certain if _may_be_refused(published) else None
            self._last = playing
        return Judgement(
            published.number,
            published.begins_s,
            published.published_s,
            published.arrived_s,
            source=source,
            violations=tuple(found),
            of=FINGERS,
        )

    def _best_start(
        self, published: FingerTrajectory
    ) -> tuple[str, FingerTrajectory | None, list[str]]:
        """What it most likely goes on from, what is played from there, and what is wrong."""
        if not _is_in_order(published):
            return "", self._last, gripper_violations(published, self._limits)
        best: tuple[str, FingerTrajectory, list[str]] | None = None
        seen, ahead = False, published.ahead()
        for source, start_m in self._starts(published.published_s):
            seen |= source == "measured"
            playing = ahead.starting_at(start_m)
            found = gripper_violations(playing, self._limits)
            if ahead.jumps(start_m, self._limits.speed_m_s):
                found.append(f"the fingers jump from {start_m:.4f} to {ahead.start_m:.4f} m")
            if not found:
                return source, playing, []
            best = best or (source, playing, found)
        if best is not None and seen:
            return best
        # The fingers were not seen here: they may be where it begins.
        playing = ahead if published.is_due else ahead.starting_at(float(ahead.positions_m[0]))
        return "", playing, gripper_violations(playing, self._limits)

    def _starts(self, at_s: float) -> Iterator[tuple[str, float]]:
        """Where the finger may be at a time [m], the likeliest first."""
        if self._last is not None:
            yield "plan", self._last.at(at_s)
        if self._earlier is not None:
            yield "plan", self._earlier.at(at_s)
        for sample in self._history.between(at_s - _SEEN_S, at_s)[::-1]:
            if np.isfinite(sample.finger_m):
                yield "measured", sample.finger_m


def _may_be_refused(published: FingerTrajectory) -> bool:
    """Whether it may have ended when its controller had it: what played before goes on then."""
    return bool(published.begins_s + published.times_s[-1] < published.arrived_s + _LATE_S)


def _is_in_order(published: FingerTrajectory) -> bool:
    """Whether it has points, of numbers, at times that increase."""
    times_s, positions_m = published.times_s, published.positions_m
    return bool(
        len(times_s)
        and times_s.shape == positions_m.shape
        and np.isfinite(times_s).all()
        and np.isfinite(positions_m).all()
        and times_s[0] >= 0.0
        and (np.diff(times_s) > 0.0).all()
    )

# SPDX-License-Identifier: Apache-2.0
"""Judge the trajectories of the fingers: their limits, and the state that they start from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vera_ros.motion.limits import GripperLimits
from verification.chaos.monitor.arm_verifier import FINGERS, Judgement
from verification.chaos.monitor.recording import JointHistory, Sent
from verification.chaos.monitor.set_point import CLOCK_STEP_S, clock_errors_s
from verification.judge.bounds import Vector
from verification.judge.checker import gripper_violations

_MAX_SAMPLE_AGE_S = 0.6  # of joint states from which a trajectory may start
_STAYS_S = 1e-3  # duration of a trajectory that has ended when it is published
_LATE_S = 0.15  # largest delay between the relay and the controller
_STEP_M = 0.001  # tolerance of the start: a motion is sent a little later than it was planned


@dataclass(frozen=True)
class FingerTrajectory(Sent):
    """A trajectory of the fingers, linear between its points.

    Attributes:
        positions_m: positions of one finger. Shape (N,), [m].
        start_m: commanded position of the finger at time 0 [m]; NaN: not known.
        uncertainty_s: see `Published`.
    """

    positions_m: Vector
    start_m: float = np.nan
    uncertainty_s: float = 0.0

    @property
    def is_due(self) -> bool:
        """Whether the time of the first point had passed at publication."""
        return bool(self.begins_s + self.times_s[0] <= self.published_s)

    def remaining(self) -> "FingerTrajectory":
        """Return the part of the trajectory after its publication, with time 0 at publication.

        `start_m` is unknown if the first point lies ahead. A trajectory that has ended becomes one
        point at its final position.
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
        """Return the trajectory with `start_m` moved to within the tolerance of this position."""
        planned_m = self.positions_m[0] if np.isnan(self.start_m) else self.start_m
        offset_m = float(np.clip(planned_m - position_m, -_STEP_M, _STEP_M))
        return replace(self, start_m=position_m + offset_m)

    def jumps(self, position_m: float, speed_m_s: float) -> bool:
        """Whether it makes a finger at this position jump at time 0."""
        free_m = _STEP_M + min(self.uncertainty_s, CLOCK_STEP_S) * speed_m_s
        return abs(self.start_m - position_m) > free_m

    def at(self, ros_s: float) -> float:
        """Commanded position of the finger at a time [m]."""
        times_s = self.begins_s + np.append(0.0, self.times_s)
        return float(np.interp(ros_s, times_s, np.append(self.start_m, self.positions_m)))


class FingerVerifier:
    """Judges the trajectories of the fingers in the order of publication.

    Args:
        limits: of the fingers.
        history: the true joint states up to the trajectory that is judged.
    """

    def __init__(self, limits: GripperLimits, history: JointHistory) -> None:
        self._limits = limits
        self._history = history
        self._last: FingerTrajectory | None = None
        self._earlier: FingerTrajectory | None = None  # plays on if `_last` was refused

    def judge(self, published: FingerTrajectory) -> Judgement:
        """Judge a trajectory, which must start at the commanded or the measured position."""
        source, playing, found = self._best_start(published)
        evidence = self._evidence(published) if found else {}
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
            evidence=evidence,
            of=FINGERS,
        )

    def _evidence(self, published: FingerTrajectory) -> dict[str, Any]:
        at_s = published.published_s
        samples = self._history.between(at_s - _MAX_SAMPLE_AGE_S, at_s)
        moments = {"published": published, "last": self._last, "earlier": self._earlier}
        return {
            "measured": {
                "stamps_s": [sample.stamp_s for sample in samples],
                "finger_m": [sample.finger_m for sample in samples],
            },
            **{
                name: {
                    "begins_s": one.begins_s,
                    "start_m": one.start_m,
                    "times_s": one.times_s.tolist(),
                    "positions_m": one.positions_m.tolist(),
                }
                for name, one in moments.items()
                if one is not None
            },
        }

    def _best_start(
        self, published: FingerTrajectory
    ) -> tuple[str, FingerTrajectory | None, list[str]]:
        """Return the likeliest source of its start, what plays from there, and the violations."""
        if not _is_well_formed(published):
            return "", self._last, gripper_violations(published, self._limits)
        best: tuple[str, FingerTrajectory, list[str]] | None = None
        starts = list(self._candidate_starts(published.published_s))
        for error_s in clock_errors_s(published.uncertainty_s):
            begins_s = published.begins_s + float(error_s)
            remaining = replace(published, begins_s=begins_s).remaining()
            for source, start_m in starts:
                playing = remaining.starting_at(start_m)
                found = gripper_violations(playing, self._limits)
                if remaining.jumps(start_m, self._limits.speed_m_s):
                    jump = f"from {start_m:.4f} to {remaining.start_m:.4f} m"
                    found.append(f"the fingers jump {jump}")
                if not found:
                    return source, playing, []
                best = best or (source, playing, found)
        if best is not None and any(source == "measured" for source, _ in starts):
            return best
        # Without a measurement, the fingers may be where the trajectory starts.
        remaining = playing = published.remaining()
        if not published.is_due:
            playing = remaining.starting_at(float(remaining.positions_m[0]))
        return "", playing, gripper_violations(playing, self._limits)

    def _candidate_starts(self, at_s: float) -> Iterator[tuple[str, float]]:
        """Yield sources and positions of the finger at a time [m], the likeliest first."""
        if self._last is not None:
            yield "plan", self._last.at(at_s)
        if self._earlier is not None:
            yield "plan", self._earlier.at(at_s)
        for sample in self._history.between(at_s - _MAX_SAMPLE_AGE_S, at_s)[::-1]:
            if np.isfinite(sample.finger_m):
                yield "measured", sample.finger_m


def _may_be_refused(published: FingerTrajectory) -> bool:
    """Whether the controller may refuse it as ended: the trajectory before then plays on."""
    return bool(published.begins_s + published.times_s[-1] < published.arrived_s + _LATE_S)


def _is_well_formed(published: FingerTrajectory) -> bool:
    """Whether it has points, finite values, and strictly increasing times from 0 on."""
    times_s, positions_m = published.times_s, published.positions_m
    return bool(
        len(times_s)
        and times_s.shape == positions_m.shape
        and np.isfinite(times_s).all()
        and np.isfinite(positions_m).all()
        and times_s[0] >= 0.0
        and (np.diff(times_s) > 0.0).all()
    )

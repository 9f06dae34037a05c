# SPDX-License-Identifier: Apache-2.0
"""Detects by the arm's motion whether its controller took up a trajectory, and how late."""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.setpoint.setpoint import Setpoint

# How far apart two motions must be for the arm to show which of them it follows: a multiple of its
# largest recent deviation from the set-point, and the bounds of that [rad]. Much of the deviation
# grows with the speed: joint states may be stamped anywhere in a control period.
_TELLING, _LEAST_RAD, _MOST_RAD = 2.0, 2e-4, 6e-3
_SLOW = 0.3  # share of the deviation that remains at rest
_NEAR = 0.35  # share of the distance by which the arm may be off the motion that it follows
# ... off the one before, if it has missed the new one: as it sets off, an arm lags behind more than
# later, but it does move.
_NEAR_MISSED = 0.1
# An arm this far off where it should rest is held by something: it cannot show that it sets off.
_HELD_RAD = 0.03
_MOVES_RAD_S = 0.05  # set-point speed above which the arm's delay can be measured
_DELAYS, _SCATTERS = 9, 25  # numbers of recent measurements that count
_LONGEST_DELAY_S, _AHEAD_S = 0.15, 0.02  # bounds of a delay; stamps and offsets are not exact
_SETTLED_S = 0.3  # time for an arm to settle at a resting set-point


class Join(Enum):
    """Whether a trajectory that was sent has been taken up."""

    OPEN = auto()  # undecided: both motions still look the same
    JOINED = auto()  # the arm follows this motion
    LATE = auto()  # the arm followed the motion before, and now follows this one
    MISSED = auto()  # the arm follows the motion before


@dataclass(frozen=True)
class _Awaited:
    """A trajectory whose take-up is not decided yet.

    Attributes:
        after: the set-point if it is taken up.
        before: the set-point if it never is.
        joins_s: the end of its lead.
    """

    after: Setpoint
    before: Setpoint
    joins_s: float


class JoinWatch:
    """Compares the arm with both motions: the one that was sent, and the one before it.

    An arm follows its set-point some milliseconds late and with an offset of its own; both are
    measured while only one motion is possible. Times are the controller's [s].

    Attributes:
        delay_s: measured delay of the arm behind its set-point; the longest one before it was
            measured. Negative for an arm that aims at the end of its control period.
        lateness_s: by how much the newest trajectory is known to have exceeded its lead.
        taken_up: the arm was seen to follow the newest trajectory.
    """

    def __init__(self) -> None:
        self._delays_s: deque[float] = deque(maxlen=_DELAYS)
        self._scatters: deque[tuple[float, float]] = deque(maxlen=_SCATTERS)  # [rad], [rad/s]
        self._offset: Vector | None = None
        self._awaited: _Awaited | None = None
        self.lateness_s = 0.0
        self.taken_up = False

    def sent(self, setpoint: Setpoint, joins_s: float, measured: Measured | None) -> None:
        """Note that a trajectory was sent.

        Args:
            setpoint: set-point once the controller has it, and what it plays otherwise.
            joins_s: when the two motions part.
            measured: where the arm stays if the set-point before is unknown.
        """
        self._awaited = None
        if setpoint.before is not None:
            before = setpoint.reverted()
            if measured is None or not _is_held(measured, before.state(joins_s)):
                self._awaited = _Awaited(setpoint, before, joins_s)
        elif setpoint.known and measured is not None:
            self._awaited = _Awaited(setpoint, Setpoint.resting(measured.q), joins_s)
        self.lateness_s = 0.0
        self.taken_up = False

    def forget(self) -> None:
        """Stop watching: what was sent last no longer counts."""
        self._awaited, self.taken_up = None, False

    def moves_anyway(self, stamp_s: float) -> bool:
        """Whether the arm moves at a time even if the controller missed what was sent."""
        if self._awaited is None:
            return False
        before = self._awaited.before.state(stamp_s - self.delay_s)
        return before is not None and bool((np.abs(before[1]) > _MOVES_RAD_S).any())

    @property
    def delay_s(self) -> float:
        """Delay of the arm behind its set-point [s]; see the class."""
        return float(np.median(self._delays_s)) if self._delays_s else _LONGEST_DELAY_S

    def update(self, measured: Measured, setpoint: Setpoint) -> Join:
        """Compare a measurement with both motions. `setpoint`: the assumed one."""
        awaited = self._awaited
        moment_s = measured.stamp_s - self.delay_s
        if awaited is None:
            self._compare(measured, setpoint)
            return Join.OPEN
        if moment_s <= awaited.joins_s:
            if measured.stamp_s <= awaited.joins_s:
                if awaited.after.before is not None:
                    self._compare(measured, awaited.before)
            elif not self._delays_s:  # without a delay, nothing can be decided
                self._compare(measured, setpoint)
            return Join.OPEN
        after, before = awaited.after.state(moment_s), awaited.before.state(moment_s)
        if after is None or before is None:
            return Join.OPEN
        new, old = after[0], before[0]
        apart_rad = float(np.abs(new - old).max())
        if apart_rad < self._telling_rad(float(np.abs(before[1]).max())):
            return Join.OPEN
        seen = measured.q if self._offset is None else measured.q - self._offset
        off_new, off_old = (float(np.abs(seen - q).max()) for q in (new, old))
        if off_new <= _NEAR * apart_rad:
            self._awaited, self.taken_up = None, True
            return Join.LATE if self.lateness_s > 0.0 else Join.JOINED
        if off_old <= _NEAR_MISSED * apart_rad:
            self.lateness_s = moment_s - awaited.joins_s
            return Join.MISSED
        return Join.OPEN

    def _telling_rad(self, speed_rad_s: float) -> float:
        """Return how far apart two motions of that speed must be to be distinguished [rad]."""
        if not self._scatters:
            return _MOST_RAD
        off_rad, at_rad_s = np.transpose(self._scatters)
        most_rad = (off_rad * np.maximum(speed_rad_s / at_rad_s, _SLOW)).max()
        return float(min(max(_TELLING * most_rad, _LEAST_RAD), _MOST_RAD))

    def _compare(self, measured: Measured, setpoint: Setpoint) -> None:
        """Measure delay and offset of an arm that can follow only one motion."""
        state = setpoint.state(measured.stamp_s)
        if state is None:
            return
        q, dq, _ = state
        fast = np.abs(dq) > _MOVES_RAD_S
        if fast.any():
            behind = q - measured.q if self._offset is None else q - measured.q + self._offset
            delay_s = float((behind[fast] @ dq[fast]) / (dq[fast] @ dq[fast]))
            if -_AHEAD_S <= delay_s <= _LONGEST_DELAY_S:
                self._delays_s.append(delay_s)
            followed = setpoint.state(measured.stamp_s - self.delay_s)
            if followed is not None:
                off = measured.q - followed[0] - (0.0 if self._offset is None else self._offset)
                self._scatters.append((float(np.abs(off).max()), float(np.abs(dq).max())))
        elif not np.abs(dq).any():
            earlier = setpoint.state(measured.stamp_s - _SETTLED_S)
            if earlier is None or np.abs(earlier[0] - q).any():
                return  # the arm may still be settling
            off = measured.q - q
            before = self._offset
            self._offset = off if before is None else before + 0.2 * (off - before)


def _is_held(measured: Measured, before: tuple[Vector, Vector, Vector] | None) -> bool:
    """Whether something holds an arm that rests; a stop of one that moves is always watched."""
    if before is None or before[1].any():
        return False
    return bool(np.abs(measured.q - before[0]).max() > _HELD_RAD)

# SPDX-License-Identifier: Apache-2.0
"""Check that the true arm follows its trajectories, and rests otherwise."""

from dataclasses import dataclass

import numpy as np

from verification.chaos.monitor.recording import JointSample, Playing
from verification.judge.bounds import Vector

CATCHES_UP_S = 1.0  # after a pause of the simulator, which received trajectories meanwhile
LATE_S = 0.15  # largest delay with which a controller may play a trajectory
LATE_SAMPLES = 6
OFF_RAD = 0.1
_OFF_S = 0.6  # by then ik_node must have reacted
_REACHED_RAD = 0.01
_STILL_RAD_S = 0.02
_STILL_S = 0.1
_SETTLING_S, _STEP_SETTLING_S = 0.5, 1.0  # after a trajectory's end
_ADRIFT_RAD_S, _ADRIFT_S, _ADRIFT_RAD = 0.05, 0.1, 0.03  # pushing it lightly is no motion


@dataclass(frozen=True)
class Rest:
    """A time span in which the arm stood still, ROS time [s]."""

    from_s: float
    until_s: float


class ArmWatch:
    """Checks the arm's joint samples, in the order of their stamps.

    Args:
        off_rad: how far a joint may be from its trajectory for long [rad].

    Attributes:
        rests: when the arm stood still; the last rest may continue.
        violations: (stamp [s], message).
        largest_off_rad: largest distance of a joint from its trajectory while it was checked [rad].
    """

    def __init__(self, off_rad: float = OFF_RAD) -> None:
        self._most_off_rad = off_rad
        self.rests: list[Rest] = []
        self.violations: list[tuple[float, str]] = []
        self.largest_off_rad = 0.0
        self._playing: list[Playing] = []
        self._before: JointSample | None = None
        self._still_since_s: float | None = None
        self._off_since_s: float | None = None
        self._hold_q: Vector | None = None
        self._slow_s = 0.0  # latest time at which it was almost still
        self._adrift = self._suspended = False
        self._catches_up_until_s = -np.inf

    def add_trajectory(self, playing: Playing) -> None:
        """Replace the trajectory that plays, as its controller does on arrival of a new one."""
        self._playing = [*self._playing[-1:], playing]
        if self._before is not None and playing.from_s > self._before.stamp_s:
            self._suspended = False

    def suspend(self) -> None:
        """Suspend the checks: the simulator moved the arm, or it may play an unknown trajectory.

        They resume when the arm rests or its controller gets a new trajectory.
        """
        self._suspended = True
        self._before = self._still_since_s = self._off_since_s = self._hold_q = None
        self._adrift = False

    def update(self, sample: JointSample) -> None:
        """Check the next sample."""
        before = self._before
        if before is not None and sample.follows_a_gap(before.stamp_s):
            was_playing = bool(self._playing) and self._ends_s > before.stamp_s
            self.suspend()
            if was_playing:
                self._catches_up_until_s = sample.stamp_s + CATCHES_UP_S
        self._before = sample
        self._update_rests(sample)
        plays = bool(self._playing) and sample.stamp_s < self._ends_s + self._settling_s
        rests = self._rests_at(sample) and sample.stamp_s >= self._catches_up_until_s
        if self._suspended and (plays or not rests):
            return
        self._suspended = False
        if plays:
            self._hold_q = None
            self._check_tracking(sample)
        else:
            self._check_standstill(sample)

    @property
    def _ends_s(self) -> float:
        return self._playing[-1].ends_s

    @property
    def _settling_s(self) -> float:
        """Time after the end of a trajectory; longer after a step of the set-point."""
        return _STEP_SETTLING_S if self._playing[-1].steps else _SETTLING_S

    def _rests_at(self, sample: JointSample) -> bool:
        return self._still_since_s is not None and sample.stamp_s - self._still_since_s >= _STILL_S

    def _update_rests(self, sample: JointSample) -> None:
        if sample.speed_rad_s > _STILL_RAD_S:
            self._still_since_s = None
            return
        if self._still_since_s is None:
            self._still_since_s = sample.stamp_s
        if not self._rests_at(sample):
            return
        if self.rests and self.rests[-1].from_s == self._still_since_s:
            self.rests.pop()
        self.rests.append(Rest(self._still_since_s, sample.stamp_s))

    def _check_tracking(self, sample: JointSample) -> None:
        off_rad = min(
            _off_rad(playing, sample)
            for playing in self._playing
            if playing is self._playing[-1] or sample.stamp_s < self._playing[-1].from_s + LATE_S
        )
        self.largest_off_rad = max(self.largest_off_rad, off_rad)
        if off_rad <= self._most_off_rad or self._has_reached_stop(sample):
            self._off_since_s = None
        elif self._off_since_s is None:
            self._off_since_s = sample.stamp_s
        elif sample.stamp_s - self._off_since_s > _OFF_S:
            self._report(
                sample,
                f"the arm has been more than {self._most_off_rad} rad from its trajectory for "
                f"{_OFF_S} s, now by {off_rad:.3f} rad",
            )
            self._off_since_s = np.inf  # report it once

    def _has_reached_stop(self, sample: JointSample) -> bool:
        """Whether the arm already rests at the end of a stop of one point."""
        trajectory = self._playing[-1].trajectory
        if len(trajectory.times_s) > 1:
            return False
        off_rad = float(np.abs(trajectory.q[-1] - sample.q).max())
        return self._rests_at(sample) and off_rad <= _REACHED_RAD

    def _check_standstill(self, sample: JointSample) -> None:
        """Check that the arm stays where it came to rest, while no trajectory plays."""
        still = self._still_since_s is not None
        if self._hold_q is None:
            if still or self._playing:
                self._hold_q, self._slow_s = sample.q, sample.stamp_s
            return
        drift_rad = float(np.abs(sample.q - self._hold_q).max())
        if sample.speed_rad_s <= _ADRIFT_RAD_S:
            self._slow_s = sample.stamp_s
        if sample.stamp_s - self._slow_s <= _ADRIFT_S and drift_rad <= _ADRIFT_RAD:
            self._adrift = False
        elif not self._adrift:
            self._adrift = True
            self._report(
                sample,
                f"the arm moves although nothing plays: {sample.speed_rad_s:.3f} rad/s, "
                f"{drift_rad:.3f} rad from where it rested",
            )

    def _report(self, sample: JointSample, text: str) -> None:
        self.violations.append((sample.stamp_s, text))


def _off_rad(playing: Playing, sample: JointSample) -> float:
    """Largest distance of a joint from its planned positions within the last `LATE_S` [rad]."""
    planned = playing.positions(sample.stamp_s - np.linspace(0.0, LATE_S, LATE_SAMPLES))
    nearest = np.clip(sample.q, planned.min(axis=0), planned.max(axis=0))
    return float(np.abs(nearest - sample.q).max())

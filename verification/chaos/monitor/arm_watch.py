# SPDX-License-Identifier: Apache-2.0
"""Watches the true arm: it does what it was told, and nothing else."""

from dataclasses import dataclass

import numpy as np

from verification.chaos.monitor.recording import JointSample, Playing
from verification.judge.bounds import Vector

CATCHES_UP_S = 1.0  # a simulator that stood still, with what its controllers were told meanwhile
LATE_S = 0.15  # a controller may play a trajectory so late
LATE_SAMPLES = 6
_OFF_RAD = 0.1
_OFF_S = 0.6  # after which a node must have reacted
_THERE_RAD = 0.01
_STILL_RAD_S = 0.02
_STILL_S = 0.1
_SETTLING_S, _STEP_SETTLING_S = 0.5, 1.0  # after a trajectory's end
_ADRIFT_RAD_S, _ADRIFT_S, _ADRIFT_RAD = 0.05, 0.1, 0.03  # a touch is no motion


@dataclass(frozen=True)
class Rest:
    """The arm stood still from one moment to another [s]."""

    from_s: float
    until_s: float


class ArmWatch:
    """Follows the arm's joint samples, in the order of their stamps.

    Attributes:
        rests: when the arm stood still, so far; the last may go on.
        violations: (stamp [s], what was seen).
        largest_off_rad: of an arm that is in sight, to what it was told.
    """

    def __init__(self) -> None:
        self.rests: list[Rest] = []
        self.violations: list[tuple[float, str]] = []
        self.largest_off_rad = 0.0
        self._plays: list[Playing] = []
        self._before: JointSample | None = None
        self._still_since_s: float | None = None
        self._off_since_s: float | None = None
        self._hold_q: Vector | None = None
        self._slow_s = 0.0  # when it was last as good as still
        self._adrift = self._doubtful = False
        self._catches_up_until_s = -np.inf

    def told(self, playing: Playing) -> None:
        """A trajectory has come to its controller, and replaces what plays."""
        self._plays = [*self._plays[-1:], playing]
        if self._before is not None and playing.from_s > self._before.stamp_s:
            self._doubtful = False

    def lose_sight(self) -> None:
        """The arm was put somewhere, or what it played meanwhile is not known.

        It is judged again when it rests, or when it is told something new.
        """
        self._doubtful = True
        self._before = self._still_since_s = self._off_since_s = self._hold_q = None
        self._adrift = False

    def see(self, sample: JointSample) -> None:
        """Look at the next sample."""
        before = self._before
        if before is not None and sample.follows_a_gap(before.stamp_s):
            told_meanwhile = bool(self._plays) and self._ends_s > before.stamp_s
            self.lose_sight()
            if told_meanwhile:
                self._catches_up_until_s = sample.stamp_s + CATCHES_UP_S
        self._before = sample
        self._see_rest(sample)
        plays = bool(self._plays) and sample.stamp_s < self._ends_s + self._settling_s
        rests = self._rests_at(sample) and sample.stamp_s >= self._catches_up_until_s
        if self._doubtful and (plays or not rests):
            return
        self._doubtful = False
        if plays:
            self._hold_q = None
            self._see_tracking(sample)
        else:
            self._see_hold(sample)

    @property
    def _ends_s(self) -> float:
        return self._plays[-1].ends_s

    @property
    def _settling_s(self) -> float:
        """After a step of its set-point, an arm comes to rest later than the set-point does."""
        return _STEP_SETTLING_S if self._plays[-1].steps else _SETTLING_S

    def _rests_at(self, sample: JointSample) -> bool:
        return self._still_since_s is not None and sample.stamp_s - self._still_since_s >= _STILL_S

    def _see_rest(self, sample: JointSample) -> None:
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

    def _see_tracking(self, sample: JointSample) -> None:
        off_rad = min(
            _off_rad(playing, sample)
            for playing in self._plays
            if playing is self._plays[-1] or sample.stamp_s < self._plays[-1].from_s + LATE_S
        )
        self.largest_off_rad = max(self.largest_off_rad, off_rad)
        if off_rad <= _OFF_RAD or self._is_there(sample):
            self._off_since_s = None
        elif self._off_since_s is None:
            self._off_since_s = sample.stamp_s
        elif sample.stamp_s - self._off_since_s > _OFF_S:
            self._blame(sample, f"the arm is {off_rad:.3f} rad from its trajectory for {_OFF_S} s")
            self._off_since_s = np.inf  # once is enough

    def _is_there(self, sample: JointSample) -> bool:
        """Whether the arm rests where a stop of one point leads: it need not leave for that."""
        trajectory = self._plays[-1].trajectory
        if len(trajectory.times_s) > 1:
            return False
        there_rad = float(np.abs(trajectory.q[-1] - sample.q).max())
        return self._rests_at(sample) and there_rad <= _THERE_RAD

    def _see_hold(self, sample: JointSample) -> None:
        """Nothing plays: the arm stands where it came to rest."""
        still = self._still_since_s is not None
        if self._hold_q is None:
            if still or self._plays:
                self._hold_q, self._slow_s = sample.q, sample.stamp_s
            return
        drift_rad = float(np.abs(sample.q - self._hold_q).max())
        if sample.speed_rad_s <= _ADRIFT_RAD_S:
            self._slow_s = sample.stamp_s
        if sample.stamp_s - self._slow_s <= _ADRIFT_S and drift_rad <= _ADRIFT_RAD:
            self._adrift = False
        elif not self._adrift:
            self._adrift = True
            self._blame(
                sample,
                f"the arm moves although nothing plays: {sample.speed_rad_s:.3f} rad/s, "
                f"{drift_rad:.3f} rad from where it rested",
            )

    def _blame(self, sample: JointSample, text: str) -> None:
        self.violations.append((sample.stamp_s, text))


def _off_rad(playing: Playing, sample: JointSample) -> float:
    """Largest distance of a joint from where it was to be within the last moments."""
    planned = playing.positions(sample.stamp_s - np.linspace(0.0, LATE_S, LATE_SAMPLES))
    nearest = np.clip(sample.q, planned.min(axis=0), planned.max(axis=0))
    return float(np.abs(nearest - sample.q).max())

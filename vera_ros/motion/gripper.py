# SPDX-License-Identifier: Apache-2.0
"""The gripper: open and close commands of a chunk to finger positions in time."""

from collections.abc import Sequence

import numpy as np

from vera_ros.motion.gate import GripperLimits, GripperTrajectory


class Gripper:
    """Keeps the fingers' command; a command that does not change moves nothing.

    The fingers move at a constant speed towards open or closed, as the training environment's do,
    and a plan starts from what was commanded last, so a grip is never let go between two chunks.
    """

    def __init__(self, limits: GripperLimits) -> None:
        self._limits = limits
        self.forget()

    @property
    def known(self) -> bool:
        """Whether the fingers' position is known, by measurement or command."""
        return bool(np.isfinite(self._knots_m).all())

    def measured(self, position_m: float) -> None:
        """Take the measured finger position as the command, if there is none yet."""
        if not self.known:
            self._hold(float(np.clip(position_m, *self._travel)))

    def forget(self) -> None:
        """The fingers were moved by somebody else: measure again."""
        self._hold(np.nan)

    def commanded_m(self, now_s: float) -> float:
        """The finger position commanded for a time [m]."""
        return float(np.interp(now_s, self._knots_s, self._knots_m))

    def plan(
        self, close: Sequence[bool], step_starts_s: Sequence[float], now_s: float
    ) -> GripperTrajectory | None:
        """Finger motion for a chunk that starts at `now_s`; None when nothing changes.

        Args:
            close: per action, close or open. Length H.
            step_starts_s: per action, when it starts, after `now_s` [s]. Length H.
            now_s: ROS time.
        """
        lower, upper = self._travel
        start = position = self.commanded_m(now_s)
        times, positions = [0.0], [start]
        stops = [*step_starts_s[1:], np.inf]
        for shut, begin, until in zip(close, step_starts_s, stops, strict=True):
            target = lower if shut else upper
            needed = abs(target - position) / self._limits.speed_m_s
            if needed < 1e-6:
                continue
            if begin - times[-1] > 1e-6:
                times.append(begin)
                positions.append(position)
            moving = min(needed, until - begin)
            position += np.sign(target - position) * self._limits.speed_m_s * moving
            times.append(begin + moving)
            positions.append(float(np.clip(position, lower, upper)))
            position = positions[-1]
        if len(times) == 1:
            return None
        return GripperTrajectory(np.array(times[1:]), np.array(positions[1:]), start)

    def commanded(self, trajectory: GripperTrajectory, now_s: float) -> None:
        """Note that `trajectory` was sent at `now_s`."""
        self._knots_s = now_s + np.concatenate(([0.0], trajectory.times_s))
        self._knots_m = np.concatenate(([trajectory.start_m], trajectory.positions_m))

    def _hold(self, position_m: float) -> None:
        self._knots_s = np.zeros(1)  # of the commanded motion, ROS time
        self._knots_m = np.full(1, position_m)

    @property
    def _travel(self) -> tuple[float, float]:
        return self._limits.lower_m, self._limits.upper_m

# SPDX-License-Identifier: Apache-2.0
"""Rules that tell, from times and joint positions alone, that something is wrong."""

import numpy as np

from vera_ros.motion.small_matrices import Vector

_CLOCK_STEP_S = 0.05  # back: less is no more than the steps of /clock


class FrozenJoints:
    """Notices joint states that stay the same while the arm should move.

    Args:
        time_s: for how long they must not change.
        angle_rad: how far the plan must have moved a joint meanwhile.
    """

    def __init__(self, time_s: float, angle_rad: float) -> None:
        self._time_s = time_s
        self._angle_rad = angle_rad
        self._same: tuple[Vector, Vector, float] | None = None  # measured, planned, since

    def forget(self) -> None:
        """Another plan plays, or none."""
        self._same = None

    def look(self, measured: Vector, planned: Vector, now_s: float) -> bool:
        """Whether the joints count as frozen.

        Args:
            measured: joint positions. Shape (n,), [rad].
            planned: where they should be. Shape (n,), [rad].
            now_s: when the measurement came: what does not come at all is another matter.
        """
        if self._same is None or not np.array_equal(measured, self._same[0]):
            self._same = (measured.copy(), planned.copy(), now_s)
            return False
        _, planned_then, since_s = self._same
        moved_rad = float(np.abs(planned - planned_then).max())
        return now_s - since_s >= self._time_s and moved_rad >= self._angle_rad


class ClockWatch:
    """Notices a ROS clock that jumps backwards."""

    def __init__(self) -> None:
        self._latest_s: float | None = None

    def look(self, now_s: float) -> float:
        """Return by how much ROS time went back since the last look [s]; 0: it did not."""
        latest_s, self._latest_s = self._latest_s, now_s
        if latest_s is None:
            return 0.0
        if now_s >= latest_s - _CLOCK_STEP_S:
            self._latest_s = max(now_s, latest_s)
            return 0.0
        return latest_s - now_s

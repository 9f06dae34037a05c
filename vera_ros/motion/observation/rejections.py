# SPDX-License-Identifier: Apache-2.0
"""Rejected joint states, and the doubt that they leave about where the arm is."""

import math

from vera_ros.motion.kinematics.vec3 import Vector

_JUMP_S = 1.0  # how long joint states that jumped must agree until a motion may begin


class Rejections:
    """Counts rejected samples, and keeps the reason of the last rejection.

    Attributes:
        refused: number of samples that were invalid, or late.
        outliers: number of samples that a joint, or the clock, cannot have reached.
        outlier: message on the last outlier.
        reason: why the last sample was rejected; empty: it was accepted.
        reach: how far joints could have moved at the first outlier since the last accepted sample;
            None: there was no outlier. Shape (n,), [rad].
        last_s: when the last outlier arrived, steady time.
    """

    def __init__(self) -> None:
        self._jumped_s, self._jump = -math.inf, ""
        self.refused = self.outliers = 0
        self.outlier = self.reason = ""
        self.reach: Vector | None = None
        self.last_s = -math.inf

    def refuse(self, why: str) -> None:
        """Count a sample that is invalid, or late."""
        self.refused += 1
        self.reason = why

    def reject(self, why: str, reach: Vector, steady_s: float) -> None:
        """Count an outlier. `reach`: how far the joints can have moved. Shape (n,), [rad]."""
        self.outliers += 1
        self.outlier = self.reason = why
        self.reach, self.last_s = reach, steady_s

    def accepted(self) -> None:
        """Note that a sample was accepted."""
        self.reason, self.reach = "", None

    def jumped(self, went: str, steady_s: float) -> None:
        """Note that joint states are accepted after a jump. `went`: from where to where."""
        self._jumped_s = steady_s
        self._jump = f"joint states jumped: {went}; they must agree for {_JUMP_S:g} s"

    def doubt(self, counted_s: float, steady_s: float) -> str:
        """Return why the arm may not be where it was measured last; empty: it is there.

        Either the last sample was rejected, so it is wrong, or the arm was re-homed or a scene
        reset; or joint states jumped, and were accepted only a moment ago.

        Args:
            counted_s: when the last accepted sample arrived, steady time.
            steady_s: steady time.
        """
        if self.last_s > counted_s:
            return self.reason
        return self._jump if steady_s - self._jumped_s < _JUMP_S else ""

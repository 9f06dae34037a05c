# SPDX-License-Identifier: Apache-2.0
"""Joint states that were not counted, and what they leave in doubt."""

import math

from vera_ros.motion.kinematics.vec3 import Vector

_JUMP_S = 1.0  # for which joint states that jumped must agree until a motion may begin


class Rejections:
    """Counts the samples that were of no use, and remembers why the last one was.

    Attributes:
        refused: how many were invalid, or came too late.
        outliers: how many told of what a joint, or the clock, cannot have reached.
        outlier: the last one of those, in words.
        reason: why the last sample was not counted; empty: it was.
        reach: of the joints when the first outlier since the last that counted came; None: there
            was none. Shape (n,), [rad].
        last_s: when the last outlier came, steady time.
    """

    def __init__(self) -> None:
        self._jumped_s, self._jump = -math.inf, ""
        self.refused = self.outliers = 0
        self.outlier = self.reason = ""
        self.reach: Vector | None = None
        self.last_s = -math.inf

    def refuse(self, why: str) -> None:
        """A sample was of no use."""
        self.refused += 1
        self.reason = why

    def reject(self, why: str, reach: Vector, steady_s: float) -> None:
        """A sample was an outlier. `reach`: how far the joints can have come. Shape (n,), [rad]."""
        self.outliers += 1
        self.outlier = self.reason = why
        self.reach, self.last_s = reach, steady_s

    def accepted(self) -> None:
        """A sample counted."""
        self.reason, self.reach = "", None

    def jumped(self, went: str, steady_s: float) -> None:
        """Joint states are believed again although they jumped. `went`: from where to where."""
        self._jumped_s = steady_s
        self._jump = f"joint states jumped: {went}; they must agree for {_JUMP_S:g} s"

    def doubt(self, counted_s: float, steady_s: float) -> str:
        """Why the arm may be elsewhere than where it was measured last; empty: it is there.

        The last sample was rejected: it is wrong, or the arm was re-homed, a scene reset. Or it was
        believed only a moment ago.

        Args:
            counted_s: when the last sample that counted came, steady time.
            steady_s: steady time.
        """
        if self.last_s > counted_s:
            return self.reason
        return self._jump if steady_s - self._jumped_s < _JUMP_S else ""

# SPDX-License-Identifier: Apache-2.0
"""Which plan is being played, and how far it is. Times are ROS time, given by the caller."""

from dataclasses import dataclass

import numpy as np

from vera_ros.motion.plan import Plan
from vera_ros.motion.response import Vector


@dataclass(frozen=True)
class Playing:
    """A plan that was handed to the controller at `start_s`."""

    plan: Plan
    start_s: float
    session_id: str = ""
    sequence: int = -1

    def steps_played(self, now_s: float) -> int:
        """Actions whose motion is complete."""
        return int(np.searchsorted(self.plan.step_times_s, now_s - self.start_s, side="right"))

    def finished(self, now_s: float) -> bool:
        """Whether the plan has come to rest."""
        return now_s - self.start_s >= self.plan.duration_s

    def tracking_error(self, q: Vector, stamp_s: float) -> float:
        """Largest distance of a joint from the plan [rad]. `q`: measured, Shape (n,), [rad]."""
        planned = self.plan.spline.state(max(0.0, stamp_s - self.start_s))[0]
        return float(np.abs(planned - q).max())

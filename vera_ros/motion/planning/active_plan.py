# SPDX-License-Identifier: Apache-2.0
"""The plan that is being played, and its progress. Times are the controller's [s]."""

from dataclasses import dataclass, replace

import numpy as np

from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.planning.plan import Plan

_TRACKING_SAMPLES = 6


@dataclass(frozen=True)
class Playing:
    """A plan that was handed to the controller.

    Attributes:
        plan: what is played.
        start_s: time 0 of the plan.
        session_id: of the chunk's episode; empty: no chunk.
        sequence: the chunk's number; -1: no chunk.
        on_rails: the chunk's actions were cut to the embodiment's rails.
        gripper_moves: the chunk moves the gripper as well.
        steps_dropped: number of leading actions of the chunk that are not played.
        arm_moves: the arm was sent a trajectory; otherwise it stays where it is held.
    """

    plan: Plan
    start_s: float
    session_id: str = ""
    sequence: int = -1
    on_rails: bool = False
    gripper_moves: bool = False
    steps_dropped: int = 0
    arm_moves: bool = True

    @property
    def end_s(self) -> float:
        """Time at which the plan comes to rest."""
        return self.start_s + self.plan.duration_s

    def later(self, by_s: float) -> "Playing":
        """Return the same plan with a start that is later by `by_s`."""
        return replace(self, start_s=self.start_s + by_s)

    def steps_played(self, now_s: float) -> int:
        """Return the number of actions whose motion is complete."""
        return int(np.searchsorted(self.plan.step_times_s, now_s - self.start_s, side="right"))

    def planned(self, now_s: float) -> Vector:
        """Return the planned position; before the start, that of the start. Shape (n,), [rad]."""
        return self.plan.spline.derivative(0, max(0.0, now_s - self.start_s))

    def finished(self, now_s: float) -> bool:
        """Whether the plan has come to rest."""
        return now_s - self.start_s >= self.plan.duration_s

    def tracking_errors(self, q: Vector, stamp_s: float, delay_s: float) -> Vector:
        """Return each joint's distance from the plan of the last `delay_s`. Shape (n,), [rad or m].

        A controller starts a trajectory when it receives it, a little after it was sent.

        Args:
            q: measured positions. Shape (n,), [rad].
            stamp_s: when they were measured.
            delay_s: how late the arm may be.
        """
        elapsed_s = stamp_s - self.start_s
        times_s = np.maximum(0.0, elapsed_s - np.linspace(0.0, delay_s, _TRACKING_SAMPLES))
        planned = self.plan.spline.derivative(0, times_s)
        nearest = np.clip(q, planned.min(axis=0), planned.max(axis=0))
        return np.asarray(np.abs(nearest - q))

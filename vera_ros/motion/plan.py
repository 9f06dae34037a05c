# SPDX-License-Identifier: Apache-2.0
"""A plan: a motion in time that ends at rest, and what it came from."""

from dataclasses import dataclass

import numpy as np

from vera_ros.motion.gate import ArmTrajectory
from vera_ros.motion.joint_spline import JointSpline
from vera_ros.motion.response import Vector


@dataclass(frozen=True)
class Plan:
    """What the arm will do, from time 0 of the plan on.

    Attributes:
        spline: the joint motion.
        tcp_path: TCP positions at the spline's knots, base frame. Shape (N, 3), [m].
        step_times_s: when each action's motion is complete. Shape (H,), [s].
        time_stretch: planned over nominal duration.
        executed_trans_m: summed translation of the commanded deltas [m].
        ik_error_m: worst position error of the inverse kinematics [m].
        ik_error_rad: worst rotation error of the inverse kinematics [rad].
        rotation_goal: the response model's rotation goal at the end. Shape (3, 3), or None.
    """

    spline: JointSpline
    tcp_path: Vector
    step_times_s: Vector
    time_stretch: float = 1.0
    executed_trans_m: float = 0.0
    ik_error_m: float = 0.0
    ik_error_rad: float = 0.0
    rotation_goal: Vector | None = None

    @property
    def duration_s(self) -> float:
        """When the arm is at rest [s]."""
        return self.spline.duration_s

    def trajectory(self) -> ArmTrajectory:
        """The plan as a controller takes it: its knots, the first one a step ahead."""
        times = self.spline.times_s
        start_q, start_dq, start_ddq = self.spline.state(0.0)
        q, dq, ddq = (self.spline.derivative(order, times[1:]) for order in range(3))
        dq[-1] = ddq[-1] = 0.0
        return ArmTrajectory(times[1:], q, dq, ddq, start_q, start_dq, start_ddq)


def empty_steps() -> Vector:
    """Step times of a plan that plays no actions."""
    return np.zeros(0)

# SPDX-License-Identifier: Apache-2.0
"""A plan: a timed motion that ends at rest, and the chunk that it plays."""

from dataclasses import dataclass, field

import numpy as np

from vera_ros.motion.causes import Reason
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.planning.joint_spline import JointSpline
from vera_ros.motion.planning.time_scaling import Timing
from vera_ros.motion.response.model import Response
from vera_ros.motion.trajectory import ArmTrajectory

KNOT_S = 0.0125  # spacing of the knots of plans
# Share of the rate limits that a plan may use: what is left lets a stop begin anywhere in it.
PLANNED_SHARE = 0.94


@dataclass(frozen=True)
class Offset:
    """Constant offset of this arm's TCP from the response model's.

    Attributes:
        shift: this position minus the modelled one, base frame. Shape (3,), [m].
        turn: rotation from the modelled orientation to this one, TCP frame. Shape (3, 3).
    """

    shift: Vector
    turn: Vector


@dataclass(frozen=True)
class ChunkMotion:
    """The response that a plan plays, kept for the chunk that takes over from it.

    Attributes:
        response: the path of the TCP or of the joints.
        offset: of this arm's TCP from the modelled one; None: no TCP is modelled.
        timing: of the response within the plan.
        begins_s: the plan's time at the response's time 0.
        until_s: the response's time at which the plan leaves it to come to rest.
    """

    response: Response
    offset: Offset | None
    timing: Timing
    begins_s: float
    until_s: float


@dataclass(frozen=True)
class Plan:
    """A joint motion from time 0 to rest.

    Attributes:
        spline: the joint motion.
        step_times_s: when each action's motion is complete; actions that were cut off have none.
            Shape (H or less,), [s].
        time_stretch: planned duration divided by nominal duration.
        executed_trans_m: summed translation that the actions command, less what was cut off; of a
            hand with several tips, 0 [m].
        ik_error_m: worst position error of the inverse kinematics [m].
        ik_error_rad: worst rotation error of the inverse kinematics [rad].
        clipped: whether actions were clipped to the joints' ranges.
        cut: why the motion ends before the chunk does; None: it does not.
        chunk: the chunk's motion; None: it plays no chunk.
    """

    spline: JointSpline
    step_times_s: Vector = field(default_factory=lambda: np.zeros(0))
    time_stretch: float = 1.0
    executed_trans_m: float = 0.0
    ik_error_m: float = 0.0
    ik_error_rad: float = 0.0
    clipped: bool = False
    cut: Reason | None = None
    chunk: ChunkMotion | None = None

    @property
    def duration_s(self) -> float:
        """Time at which the arm comes to rest [s]."""
        return self.spline.duration_s

    def trajectory(self) -> ArmTrajectory:
        """Return the plan as a trajectory: its state at time 0, and its knots after that."""
        times = self.spline.times_s
        start_q, start_dq, start_ddq = self.spline.state(0.0)
        q, dq, ddq = (self.spline.derivative(order, times[1:]) for order in range(3))
        dq[-1] = ddq[-1] = 0.0
        return ArmTrajectory(times[1:], q, dq, ddq, start_q, start_dq, start_ddq)

# SPDX-License-Identifier: Apache-2.0
"""What is known of the arm at a moment, and the thresholds of supervision."""

from dataclasses import dataclass

from vera_ros.motion.causes import Reason
from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector


@dataclass(frozen=True)
class ArmObservation:
    """What is known of the arm now.

    Attributes:
        measured: None: where the arm is, is not known.
        effort: of the joints; None: not measured. Shape (n,), [Nm].
        age_s: of the measurement, by its stamp or its arrival, whatever is longer ago.
        silent_s: since it came.
        fault: why nothing may be moved; None: it may, and the arm is measured.
        unfit: why nothing new may begin, while what plays goes on; None: it may.
        elsewhere: why the arm may be elsewhere than it was measured last; empty: it is there.
        settled: whether measurements have agreed for long enough to move by them alone.
        in_doubt: the controller's clock may have been set just now: what is sent would be early or
            late by as much.
        heard: whether the controller has what was sent last, as it says itself; None: not known.
        recent: measurements that came shortly before.
        reacquired: how often the arm was found again after it was lost, with whatever controller.
    """

    measured: Measured | None = None
    effort: Vector | None = None
    age_s: float = 0.0
    silent_s: float = 0.0
    fault: Reason | None = None
    unfit: Reason | None = None
    settled: bool = True
    heard: bool | None = None
    in_doubt: bool = False
    reacquired: int = 0
    recent: tuple[Measured, ...] = ()
    elsewhere: str = ""


@dataclass(frozen=True)
class SupervisionLimits:
    """Supervision thresholds.

    Attributes:
        tracking_tolerance: of a joint from its plan.
        tracking_delay_s: how late the controller may play a plan.
        rest_speed: a joint slower than this is at rest [rad/s].
        rest_timeout_s: for the arm to rest after the end of a plan or a stop.
        planning_timeout_s: that planning may take.
        chunk_max_age_s: of what a chunk was planned from.
        chunk_max_delay_s: from a chunk's being sent to its being planned.
        frozen_time_s: for joint states to stay the same while the plan moves.
        frozen_angle: how far the plan must have moved a joint for that.
        clock_jump_s: that the clock may go back.
    """

    tracking_tolerance: float
    tracking_delay_s: float
    rest_speed: float
    rest_timeout_s: float
    planning_timeout_s: float
    chunk_max_age_s: float
    chunk_max_delay_s: float
    frozen_time_s: float
    frozen_angle: float
    clock_jump_s: float

    def moves(self, measured: Measured) -> bool:
        """Whether a joint is faster than an arm at rest."""
        return measured.speed_rad_s > self.rest_speed

# SPDX-License-Identifier: Apache-2.0
"""Snapshot of what is known of the arm, and the supervision thresholds."""

from dataclasses import dataclass

from vera_ros.motion.causes import Reason
from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector


@dataclass(frozen=True)
class ArmObservation:
    """Snapshot of what is known of the arm.

    Attributes:
        measured: latest measured state; None: the arm's position is unknown.
        effort: measured joint efforts; None: not measured. Shape (n,), [Nm].
        age_s: age of the measurement, by its stamp or its arrival, whichever is earlier.
        silent_s: time since the measurement arrived.
        fault: why the arm may not move at all; None: it may, and it is measured.
        unfit: why no motion may begin, while the present one goes on; None: one may.
        elsewhere: why the arm may not be where it was measured last; empty: it is there.
        settled: whether measurements have agreed for long enough to rely on them alone.
        in_doubt: the controller's clock may just have been set: what is sent would be early or late
            by as much.
        acknowledged: whether the controller received what was sent last; None: unknown.
        recent: measurements that arrived shortly before, oldest first.
        reacquired: how often joint states came back after a loss; another controller may command
            the arm since.
    """

    measured: Measured | None = None
    effort: Vector | None = None
    age_s: float = 0.0
    silent_s: float = 0.0
    fault: Reason | None = None
    unfit: Reason | None = None
    settled: bool = True
    acknowledged: bool | None = None
    in_doubt: bool = False
    reacquired: int = 0
    recent: tuple[Measured, ...] = ()
    elsewhere: str = ""


@dataclass(frozen=True)
class SupervisionLimits:
    """Supervision thresholds.

    Attributes:
        tracking_tolerance: largest distance of a joint from its plan [rad].
        tracking_delay_s: how late the controller may play a plan.
        rest_speed: a joint slower than this is at rest [rad/s].
        rest_timeout_s: time for the arm to come to rest after the end of a plan or a stop.
        planning_timeout_s: longest planning time.
        chunk_max_age_s: largest age of the frames that a chunk was inferred from.
        chunk_max_delay_s: longest time from sending a chunk to planning it.
        frozen_time_s: time after which unchanged joint states count as frozen.
        frozen_angle: how far the plan must have moved a joint meanwhile [rad].
        clock_jump_s: how far the clock may go back.
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
        """Whether any joint is faster than `rest_speed`."""
        return measured.speed_rad_s > self.rest_speed

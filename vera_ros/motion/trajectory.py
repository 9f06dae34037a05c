# SPDX-License-Identifier: Apache-2.0
"""What a controller is sent, and what it is sent it from."""

from dataclasses import dataclass

from vera_ros.motion.small_matrices import Vector


@dataclass(frozen=True)
class ArmTrajectory:
    """What a controller is sent: it plays quintic pieces through these points, starting now.

    Attributes:
        times_s: strictly increasing, above zero. Shape (N,), [s].
        q: Shape (N, n), [rad].
        dq: Shape (N, n), [rad/s].
        ddq: Shape (N, n), [rad/s^2].
        start_q: where it starts from at time 0. Shape (n,), [rad].
        start_dq: Shape (n,), [rad/s].
        start_ddq: Shape (n,), [rad/s^2].
    """

    times_s: Vector
    q: Vector
    dq: Vector
    ddq: Vector
    start_q: Vector
    start_dq: Vector
    start_ddq: Vector


@dataclass(frozen=True)
class GripperTrajectory:
    """Finger positions in time, linear in between.

    Attributes:
        times_s: strictly increasing, above zero. Shape (N,), [s].
        positions_m: of one finger, 0 closed. Shape (N,), [m].
        start_m: the position commanded at time 0 [m].
    """

    times_s: Vector
    positions_m: Vector
    start_m: float


@dataclass(frozen=True)
class ArmState:
    """Where the arm is, as measured.

    Attributes:
        q: Shape (n,), [rad].
        dq: None: not measured. Shape (n,), [rad/s].
        stamp_s: when it was measured, ROS time; None: just now.
    """

    q: Vector
    dq: Vector | None = None
    stamp_s: float | None = None

# SPDX-License-Identifier: Apache-2.0
"""Limits that the checker applies to a trajectory, and the state that it must continue from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TrajectoryBounds:
    """Limits of a trajectory; a TCP rate without a limit is infinite.

    Attributes:
        lower, upper: joint positions. Shape (n,), [rad].
        velocity, acceleration, jerk: joint rates. Shape (n,), [rad/s, rad/s^2, rad/s^3].
        tcp_linear: TCP's speed, acceleration and jerk [m/s, m/s^2, m/s^3].
        tcp_angular: the same for its rotation [rad/s, rad/s^2, rad/s^3].
        workspace_lower, workspace_upper: box of the TCP, base frame. Shape (3,), [m].
        duration_s: longest duration of a trajectory.
        start_rad: largest distance of a joint's start from its measured position.
    """

    lower: Vector
    upper: Vector
    velocity: Vector
    acceleration: Vector
    jerk: Vector
    tcp_linear: tuple[float, float, float]
    tcp_angular: tuple[float, float, float]
    workspace_lower: Vector
    workspace_upper: Vector
    duration_s: float
    start_rad: float

    @classmethod
    def of(cls, limits: Any) -> "TrajectoryBounds":
        """Return the bounds given by a `vera_ros.motion.limits.Limits`."""
        return cls(
            lower=limits.lower,
            upper=limits.upper,
            velocity=limits.rates.joints[0],
            acceleration=limits.rates.joints[1],
            jerk=limits.rates.joints[2],
            tcp_linear=tuple(limits.rates.linear),
            tcp_angular=tuple(limits.rates.angular),
            workspace_lower=limits.workspace_lower,
            workspace_upper=limits.workspace_upper,
            duration_s=limits.duration_s,
            start_rad=limits.start_rad,
        )


@dataclass(frozen=True)
class Start:
    """State that a trajectory must continue from.

    Attributes:
        q, dq, ddq: joint state. Shape (n,), [rad, rad/s, rad/s^2].
        exact: the state is a running plan's, to be met exactly; otherwise it was measured, and `q`
            need only be met within `start_rad`.
    """

    q: Vector
    dq: Vector
    ddq: Vector
    exact: bool = True

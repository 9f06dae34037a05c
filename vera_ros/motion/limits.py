# SPDX-License-Identifier: Apache-2.0
"""The bounds that every motion keeps, and how much a motion must be slowed to keep them."""

from dataclasses import dataclass

import numpy as np

from vera_ros.errors import ConfigurationError
from vera_ros.motion.joint_spline import JointSpline
from vera_ros.motion.response import Vector

# Share of the rate limits that a plan may use: what is left lets a stop begin anywhere in it.
_PLANNED_SHARE = 0.95


@dataclass(frozen=True)
class Limits:
    """What the arm may do.

    Attributes:
        lower: joint positions. Shape (n,), [rad].
        upper: joint positions. Shape (n,), [rad].
        velocity: Shape (n,), [rad/s].
        acceleration: Shape (n,), [rad/s^2].
        jerk: Shape (n,), [rad/s^3].
        tcp_speed_m_s: TCP's translation.
        tcp_turn_rad_s: TCP's rotation.
        workspace_lower: corner of the box that the TCP stays in, base frame. Shape (3,), [m].
        workspace_upper: the opposite corner. Shape (3,), [m].
        duration_s: longest trajectory.
        start_rad: largest distance of a trajectory's start from the measured position, per joint.
    """

    lower: Vector
    upper: Vector
    velocity: Vector
    acceleration: Vector
    jerk: Vector
    tcp_speed_m_s: float
    tcp_turn_rad_s: float
    workspace_lower: Vector
    workspace_upper: Vector
    duration_s: float
    start_rad: float

    def __post_init__(self) -> None:
        n = len(self.lower)
        for name in ("lower", "upper", "velocity", "acceleration", "jerk"):
            values = getattr(self, name)
            if values.shape != (n,) or not np.isfinite(values).all():
                raise ConfigurationError(
                    f"limit '{name}' is {values}; valid are {n} finite numbers, one per arm joint"
                )
        for name in ("velocity", "acceleration", "jerk"):
            if (getattr(self, name) <= 0).any():
                raise ConfigurationError(
                    f"limit '{name}' must be above zero: {getattr(self, name)}"
                )
        for name in ("tcp_speed_m_s", "tcp_turn_rad_s", "duration_s", "start_rad"):
            if not 0 < getattr(self, name) < np.inf:
                raise ConfigurationError(
                    f"limit '{name}' is {getattr(self, name)}; valid is a finite number above zero"
                )
        for name in ("workspace_lower", "workspace_upper"):
            if getattr(self, name).shape != (3,):
                raise ConfigurationError(
                    f"limit '{name}' is {getattr(self, name)}; valid are 3 numbers, x, y and z in m"
                )
        for low, high in (("lower", "upper"), ("workspace_lower", "workspace_upper")):
            if not (getattr(self, low) < getattr(self, high)).all():
                raise ConfigurationError(
                    f"'{low}' {getattr(self, low)} must be below '{high}' {getattr(self, high)}"
                )

    def stretch(self, spline: JointSpline) -> float:
        """Factor of duration, 1 or more, that keeps `spline` within the joint rate limits."""
        return max(1.0, self._slowdown(spline, _PLANNED_SHARE))

    def stretch_tcp(self, twists: Vector) -> float:
        """The same for the TCP's rates. `twists`: linear part first. Shape (N, 6), [m/s, rad/s]."""
        speed = np.linalg.norm(twists[:, :3], axis=1).max() / self.tcp_speed_m_s
        turn = np.linalg.norm(twists[:, 3:], axis=1).max() / self.tcp_turn_rad_s
        return max(1.0, float(max(speed, turn)) / _PLANNED_SHARE)

    def keeps_rates(self, spline: JointSpline) -> bool:
        """Whether `spline` keeps the joint rate limits as it is."""
        return self._slowdown(spline, 1.0) <= 1.0

    def _slowdown(self, spline: JointSpline, share: float) -> float:
        """Factor of duration with which the fastest joint just reaches `share` of a rate limit."""
        times_s = spline.dense_times()
        factors = [
            float(
                np.max(np.abs(spline.derivative(order, times_s)) / (share * bound)) ** (1.0 / order)
            )
            for order, bound in ((1, self.velocity), (2, self.acceleration), (3, self.jerk))
        ]
        return max(factors)

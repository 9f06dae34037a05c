# SPDX-License-Identifier: Apache-2.0
"""How much of the rate limits a joint motion uses."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vera_ros.motion.kinematics.tip import Tip
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import RateLimits
from vera_ros.motion.planning.joint_spline import JointSpline


def slowdown(
    spline: JointSpline, rates: RateLimits, tips: Sequence[Tip], per_piece: int = 8
) -> float:
    """Return the stretch of a motion's duration at which it just reaches a rate limit.

    `per_piece`: number of samples that are checked of each piece.
    """
    joints, tcp = motion_rates(spline, tips, spline.dense_times(per_piece))
    shares = rates.shares(joints, tcp).max(axis=1)
    return float((shares ** (1.0 / np.arange(1, 4))).max())


def motion_rates(spline: JointSpline, tips: Sequence[Tip], times_s: Any) -> tuple[Vector, Vector]:
    """Return rates of the joints (Shape (3, N, n)) and of T tips (Shape (3, N, 6 T)) at N times."""
    motion = np.stack([spline.derivative(order, times_s) for order in range(4)])
    rates = [tip.motion(motion)[2] for tip in tips]
    return motion[1:], rates[0] if len(rates) == 1 else np.concatenate(rates, axis=2)

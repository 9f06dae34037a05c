# SPDX-License-Identifier: Apache-2.0
"""How much of the rate limits a joint motion uses."""

from typing import Any

import numpy as np

from vera_ros.motion.kinematics.chain import Chain, tcp_motion
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import RateLimits
from vera_ros.motion.planning.joint_spline import JointSpline


def slowdown(spline: JointSpline, rates: RateLimits, chain: Chain, per_piece: int = 8) -> float:
    """Return the stretch of a motion's duration at which it just reaches a rate limit.

    `per_piece`: number of samples that are checked of each piece.
    """
    joints, tcp = motion_rates(spline, chain, spline.dense_times(per_piece))
    shares = rates.shares(joints, tcp).max(axis=1)
    return float((shares ** (1.0 / np.arange(1, 4))).max())


def motion_rates(spline: JointSpline, chain: Chain, times_s: Any) -> tuple[Vector, Vector]:
    """Return rates of the joints (Shape (3, N, n)) and of the TCP (Shape (3, N, 6)) at N times."""
    motion = np.stack([spline.derivative(order, times_s) for order in range(4)])
    count = motion.shape[1]
    tcp = np.empty((3, count, 6))
    tcp_motion(chain, motion, np.empty((count, 3)), np.empty((count, 3, 3)), tcp)
    return motion[1:], tcp

# SPDX-License-Identifier: Apache-2.0
"""Poses of the hand over a cube: pointing down, fingers along the cube and clear of another.

The hand's yaw is the direction of the axis along which its fingers close.
"""

import numpy as np

from vera_ros.robots.pinhole import Array, Pose
from vera_ros.robots.stacking.policy.cubes import Cube
from vera_ros.robots.stacking.policy.scene_config import MotionConfig

# The turn of the hand that is worth a metre of missing clearance to the other cube.
_TURN_PER_CLEARANCE_RAD_M = 400.0


def hand_pose(position: Array, yaw_rad: float) -> Pose:
    """Return the TCP at a position (3,), [m], base frame, pointing down with this yaw."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    return Pose(position, np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]]))


def hand_yaw(tcp: Pose) -> float:
    """Return the hand's yaw, [rad]."""
    return float(np.arctan2(tcp.rotation[1, 0], tcp.rotation[0, 0]))


def choose_yaw(tcp: Pose, cube: Cube, other: Cube | None, config: MotionConfig) -> float:
    """Return the yaw along the cube, within the hand's range, that keeps clear of the other cube.

    Among those with enough clearance it is the one that turns the hand least.
    """
    now_rad = hand_yaw(tcp)
    nominal = config.nominal_yaw_rad

    def cost(yaw_rad: float) -> float:
        short = 0.0
        if other is not None:
            clearance = _finger_clearance(cube.position, yaw_rad, other, config)
            short = max(0.0, config.finger_clearance_m - clearance)
        return abs(_wrapped(yaw_rad - now_rad)) + _TURN_PER_CLEARANCE_RAD_M * short

    quarters = [nominal + _wrapped(cube.yaw_rad + k * np.pi / 2 - nominal) for k in range(4)]
    return min((q for q in quarters if abs(q - nominal) <= config.yaw_range_rad), key=cost)


def _finger_clearance(position: Array, yaw_rad: float, other: Cube, config: MotionConfig) -> float:
    """Return the distance in the plane between the open fingers and the other cube, [m]."""
    inner, outer = config.finger_span_m
    along = np.array([np.cos(yaw_rad), np.sin(yaw_rad)])
    across = np.array([-along[1], along[0]])
    points = [
        position[:2] + side * reach * along + sway * config.finger_width_m / 2 * across
        for side in (-1, 1)
        for reach in (inner, (inner + outer) / 2, outer)
        for sway in (-1, 0, 1)
    ]
    c, s = np.cos(other.yaw_rad), np.sin(other.yaw_rad)
    local = np.abs((np.array(points) - other.position[:2]) @ np.array([[c, -s], [s, c]]))
    outside = np.maximum(local - other.half_size_m, 0)
    return float(np.hypot(outside[:, 0], outside[:, 1]).min())


def _wrapped(angle_rad: float) -> float:
    return float((angle_rad + np.pi) % (2 * np.pi) - np.pi)

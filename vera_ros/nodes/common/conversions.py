# SPDX-License-Identifier: Apache-2.0
"""Conversions between ROS messages and the core's values, and QoS profiles."""

from array import array
from typing import Any

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Pose, Quaternion
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vera_ros.sim.trajectory import TrajectoryPoints

LATCHED = QoSProfile(
    depth=1,
    history=HistoryPolicy.KEEP_LAST,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)

# To hear all of several latched publishers: with depth 1 the last one would hide the others.
LATCHED_BY_MANY = QoSProfile(
    depth=10,
    history=HistoryPolicy.KEEP_LAST,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)

# Depth of streams that must lose nothing: holds a long chunk's pictures if a reader lags.
LOSSLESS_DEPTH = 128
SENSOR_DEPTH = 5


def sensor_qos(reliability: str, depth: int = SENSOR_DEPTH) -> QoSProfile:
    """Return the QoS of a sensor stream; `reliability`: best_effort or reliable."""
    return QoSProfile(
        depth=depth,
        history=HistoryPolicy.KEEP_LAST,
        reliability=ReliabilityPolicy.RELIABLE
        if reliability == "reliable"
        else ReliabilityPolicy.BEST_EFFORT,
    )


def stamp_to_ns(stamp: Time) -> int:
    """Convert a stamp to nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def ns_to_stamp(ns: int) -> Time:
    """Convert a time [ns] to a stamp."""
    return Time(sec=ns // 1_000_000_000, nanosec=ns % 1_000_000_000)


def seconds_to_duration(seconds: float) -> Duration:
    """Convert a time span [s] to a Duration message."""
    ns = round(seconds * 1e9)
    return Duration(sec=ns // 1_000_000_000, nanosec=ns % 1_000_000_000)


def duration_to_seconds(duration: Duration) -> float:
    """Convert a Duration message to seconds."""
    return float(duration.sec) + float(duration.nanosec) * 1e-9


def doubles(values: npt.NDArray[np.floating]) -> "array[float]":
    """Return values of any shape for a float64[] field, row-major; much faster than a list."""
    return array("d", np.ascontiguousarray(values, dtype=np.float64).tobytes())


def pose_message(position: Any, quaternion: Any) -> Pose:
    """Return a Pose from x, y, z [m] and the quaternion x, y, z, w."""
    x, y, z = (float(value) for value in position)
    qx, qy, qz, qw = (float(value) for value in quaternion)
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))


def rgb_to_image(rgb: npt.NDArray[np.uint8], stamp_ns: int, frame_id: str) -> Image:
    """Return an rgb8 Image message. `rgb`: Shape (H, W, 3)."""
    height, width, _ = rgb.shape
    return Image(
        header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=frame_id),
        height=height,
        width=width,
        encoding="rgb8",
        step=3 * width,
        data=array("B", rgb.tobytes()),
    )


def joint_trajectory(
    joint_names: list[str],
    times_s: npt.NDArray[np.float64],
    positions: npt.NDArray[np.float64],
    velocities: npt.NDArray[np.float64] | None = None,
    accelerations: npt.NDArray[np.float64] | None = None,
    stamp_ns: int = 0,
) -> JointTrajectory:
    """Return a trajectory that starts at the stamp, or on arrival with stamp 0.

    Times have shape (N,); positions [rad or m], velocities and accelerations have shape (N, n).
    """
    message = JointTrajectory(header=Header(stamp=ns_to_stamp(stamp_ns)), joint_names=joint_names)
    for index, time_s in enumerate(times_s):
        point = JointTrajectoryPoint(
            positions=doubles(positions[index]), time_from_start=seconds_to_duration(time_s)
        )
        if velocities is not None:
            point.velocities = doubles(velocities[index])
        if accelerations is not None:
            point.accelerations = doubles(accelerations[index])
        message.points.append(point)
    return message


def trajectory_points(message: JointTrajectory) -> TrajectoryPoints:
    """Convert a trajectory message to its points."""
    points = message.points
    return TrajectoryPoints(
        [duration_to_seconds(point.time_from_start) for point in points],
        [point.positions for point in points],
        [point.velocities for point in points],
        [point.accelerations for point in points],
        [point.effort for point in points],
    )


def in_order(message: Any, joint_names: tuple[str, ...], field: str) -> npt.NDArray[np.float64]:
    """Return a field of a JointState for these joints, in this order. Shape (n,).

    Raises:
        KeyError: a joint is missing.
        ValueError: the field has fewer values than names, or one is not finite.
    """
    values = dict(zip(message.name, getattr(message, field), strict=True))
    picked = np.array([values[name] for name in joint_names])
    if not np.isfinite(picked).all():
        raise ValueError(
            f"{field} of {list(joint_names)} is {picked.tolist()}; valid are finite values"
        )
    return picked

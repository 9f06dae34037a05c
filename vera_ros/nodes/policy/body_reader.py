# SPDX-License-Identifier: Apache-2.0
"""Proprioception from joint states and TCP pose, now or a moment ago."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState

from vera_ros.nodes.common.conversions import in_order, stamp_to_ns
from vera_ros.nodes.common.latest import Latest
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.policy.history import History, Vector
from vera_ros.policy.ports import Proprioception

_SAME_MOMENT_NS = 1000  # stamps that were computed in seconds are rounded
_KEPT = 16  # messages between two reads: 0.16 s of joint states at 100 Hz
_HISTORY = 64  # measurements
_REACH_NS = 30_000_000  # a measurement is valid for so long after its stamp


class BodyReader:
    """The body port of an episode (see vera_ros.policy.ports).

    Arm and gripper may publish their joint states separately.

    Args:
        node: the rclpy node.
        max_age_s: maximum age of current joint states and poses [s].
        arm_joints: joints reported as q_robot.
        finger_joints: joints reported as gripper_qpos.

    Attributes:
        base_frame: frame of the TCP's pose, the arm's base; empty: no pose has arrived.
    """

    def __init__(
        self, node: VeraNode, max_age_s: float, arm_joints: list[str], finger_joints: list[str]
    ) -> None:
        self._max_age_s = max_age_s
        self._joint_states = Latest(node, JointState, "joint_states", _KEPT)
        self._poses = Latest(node, PoseStamped, "tcp_pose", _KEPT)
        self._arm = _Measured(_reader_of(arm_joints))
        self._fingers = _Measured(_reader_of(finger_joints))
        self._pose = _Measured(_read_pose)
        self.base_frame = ""

    def proprioception(self, since_ns: int) -> Proprioception | None:
        """Return the current values; None: unknown, too old, or from before `since_ns`."""
        self._take()
        newest = [part.newest for part in (self._arm, self._fingers, self._pose)]
        oldest_s, earliest_ns = time.monotonic() - self._max_age_s, since_ns - _SAME_MOMENT_NS
        values = [
            each.values
            for each in newest
            if each is not None and each.received_s >= oldest_s and each.stamp_ns >= earliest_ns
        ]
        return _proprioception(*values) if len(values) == len(newest) else None

    def proprioception_at(self, time_ns: int) -> Proprioception | None:
        """Return the values at a ROS time a moment ago; None: not known."""
        self._take()
        return _proprioception(
            self._arm.history.at(time_ns),
            self._fingers.history.at(time_ns),
            self._pose.history.at(time_ns),
        )

    def _take(self) -> None:
        for message, received_s, _ in self._joint_states.take():
            self._arm.take(message, received_s)
            self._fingers.take(message, received_s)
        for message, received_s, _ in self._poses.take():
            self.base_frame = str(message.header.frame_id)
            self._pose.take(message, received_s)


class _Newest(NamedTuple):
    stamp_ns: int
    received_s: float  # steady time
    values: Vector


class _Measured:
    """A measured vector and its history; `read` extracts it from a message, None: not in it."""

    def __init__(self, read: Callable[[Any], Vector | None]) -> None:
        self._read = read
        self.newest: _Newest | None = None
        self.history = History(_HISTORY, _REACH_NS)

    def take(self, message: Any, received_s: float) -> None:
        values = self._read(message)
        if values is not None:
            stamp_ns = stamp_to_ns(message.header.stamp)
            self.newest = _Newest(stamp_ns, received_s, values)
            self.history.add(stamp_ns, values)


def _reader_of(names: Sequence[str]) -> Callable[[JointState], Vector | None]:
    def read(message: JointState) -> Vector | None:
        try:
            return in_order(message, tuple(names), "position")
        except (KeyError, ValueError):
            return None

    return read


def _read_pose(message: PoseStamped) -> Vector | None:
    p, r = message.pose.position, message.pose.orientation
    pose = np.array([p.x, p.y, p.z, r.x, r.y, r.z, r.w])
    return pose if np.isfinite(pose).all() and np.linalg.norm(pose[3:]) > 0.5 else None


def _proprioception(
    arm: Vector | None, fingers: Vector | None, pose: Vector | None
) -> Proprioception | None:
    if arm is None or fingers is None or pose is None:
        return None
    quaternion = pose[3:] / np.linalg.norm(pose[3:])  # interpolated ones are shorter than 1
    values = {
        "q_robot": arm,
        "eef_pos": pose[:3],
        "eef_quat": quaternion,
        "gripper_qpos": fingers * [1.0, -1.0],
    }
    return {name: value.astype(np.float32) for name, value in values.items()}

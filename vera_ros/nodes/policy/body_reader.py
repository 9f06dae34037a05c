# SPDX-License-Identifier: Apache-2.0
"""What the robot feels: joint states and the TCP's pose, now or a little ago."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState

from vera_ros.nodes.common.conversions import in_order, stamp_to_ns
from vera_ros.nodes.common.latest import Latest
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.policy.history import History, Vector
from vera_ros.policy.ports import Proprioception

_SAME_MOMENT_NS = 1000  # who calculates with seconds rounds stamps
_KEPT = 16  # messages, from before the last look on: 0.16 s of joint states at 100 Hz
_HISTORY = 64  # measurements
_REACH_NS = 30_000_000  # a measurement holds so long after its stamp


class BodyReader:
    """The body port of an episode (see vera_ros.policy.ports).

    Args:
        node: the rclpy node.
        max_age_s: older joint states and poses say nothing of the present.
        arm_joints: reported as q_robot.
        finger_joints: reported as gripper_qpos.
    """

    def __init__(
        self, node: VeraNode, max_age_s: float, arm_joints: list[str], finger_joints: list[str]
    ) -> None:
        self._max_age_s = max_age_s
        self._names = (*arm_joints, *finger_joints)
        self._joints = _Stream(node, JointState, "joint_states", self._read_joints)
        self._pose = _Stream(node, PoseStamped, "tcp_pose", _read_pose)

    @property
    def base_frame(self) -> str:
        """Frame of the TCP's pose, the arm's base; empty: no pose has come."""
        newest = self._pose.message()
        return "" if newest is None else str(newest.header.frame_id)

    def proprioception(self, since_ns: int) -> Proprioception | None:
        """Return what the robot feels now; None: unknown, too old, or from before `since_ns`."""
        joints, pose = self._joints.newest(), self._pose.newest()
        if joints is None or pose is None:
            return None
        if min(joints[1], pose[1]) < time.monotonic() - self._max_age_s:
            return None
        if min(joints[0], pose[0]) < since_ns - _SAME_MOMENT_NS:
            return None
        return _proprioception(joints[2], pose[2])

    def proprioception_at(self, time_ns: int) -> Proprioception | None:
        """Return what the robot felt at a time a little ago, ROS time; None: not known."""
        return _proprioception(self._joints.at(time_ns), self._pose.at(time_ns))

    def _read_joints(self, message: JointState) -> Vector | None:
        try:
            return in_order(message, self._names, "position")
        except (KeyError, ValueError):
            return None


class _Stream:
    """Stamped vectors of a topic; `read`: of a message, None where it is of no use."""

    def __init__(
        self, node: VeraNode, kind: type, topic: str, read: Callable[[Any], Vector | None]
    ) -> None:
        self._messages: Latest[Any] = Latest(node, kind, topic, _KEPT)
        self._read = read
        self._history = History(_HISTORY, _REACH_NS)

    def message(self) -> Any:
        """Return the newest message; None: none has come."""
        newest = self._messages.read()
        return None if newest is None else newest.message

    def newest(self) -> tuple[int, float, Vector | None] | None:
        """Return stamp [ns], arrival (steady time, [s]) and vector of the newest message."""
        self._take()
        newest = self._messages.read()
        if newest is None:
            return None
        stamp_ns = stamp_to_ns(newest.message.header.stamp)
        return stamp_ns, newest.received_s, self._read(newest.message)

    def at(self, time_ns: int) -> Vector | None:
        """Return the vector at a time; None: not known."""
        self._take()
        return self._history.at(time_ns)

    def _take(self) -> None:
        for message, _, _ in self._messages.take():
            values = self._read(message)
            if values is not None:
                self._history.add(stamp_to_ns(message.header.stamp), values)


def _read_pose(message: PoseStamped) -> Vector | None:
    p, r = message.pose.position, message.pose.orientation
    pose = np.array([p.x, p.y, p.z, r.x, r.y, r.z, r.w])
    return pose if np.isfinite(pose).all() and np.linalg.norm(pose[3:]) > 0.5 else None


def _proprioception(joints: Vector | None, pose: Vector | None) -> Proprioception | None:
    if joints is None or pose is None:
        return None
    quaternion = pose[3:] / np.linalg.norm(pose[3:])  # between two poses it is shorter than 1
    values = {
        "q_robot": joints[:-2],
        "eef_pos": pose[:3],
        "eef_quat": quaternion,
        "gripper_qpos": joints[-2:] * [1.0, -1.0],
    }
    return {name: value.astype(np.float32) for name, value in values.items()}

# SPDX-License-Identifier: Apache-2.0
"""What the robot feels: joint states and the TCP's pose, while they are fresh."""

import time

import numpy as np
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState

from vera_ros.nodes.conversions import in_order, stamp_to_ns
from vera_ros.nodes.latest import Latest
from vera_ros.nodes.node import VeraNode
from vera_ros.policy.ports import Proprioception

_SAME_MOMENT_NS = 1000  # who calculates with seconds rounds stamps


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
        self._arm_joints = tuple(arm_joints)
        self._finger_joints = tuple(finger_joints)
        self._joints = Latest(node, JointState, "joint_states")
        self._pose = Latest(node, PoseStamped, "tcp_pose")

    def proprioception(self, since_ns: int) -> Proprioception | None:
        """Return what the robot feels now; None: unknown, too old, or from before `since_ns`."""
        joints, pose_stamped = self._joints.read(), self._pose.read()
        if joints is None or pose_stamped is None:
            return None
        if min(joints[1], pose_stamped[1]) < time.monotonic() - self._max_age_s:
            return None
        stamps = (joints[0].header.stamp, pose_stamped[0].header.stamp)
        if min(map(stamp_to_ns, stamps)) < since_ns - _SAME_MOMENT_NS:
            return None
        try:
            q = in_order(joints[0], self._arm_joints, "position")
            fingers = in_order(joints[0], self._finger_joints, "position")
        except (KeyError, ValueError):
            return None
        p, r = pose_stamped[0].pose.position, pose_stamped[0].pose.orientation
        pose = np.array([p.x, p.y, p.z, r.x, r.y, r.z, r.w], np.float32)
        if not np.isfinite(pose).all():
            return None
        return {
            "q_robot": q.astype(np.float32),
            "eef_pos": pose[:3],
            "eef_quat": pose[3:],
            "gripper_qpos": (fingers * [1.0, -1.0]).astype(np.float32),
        }

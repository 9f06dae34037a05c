# SPDX-License-Identifier: Apache-2.0
"""The topics tcp_pose and executed_path: the measured TCP, and its path."""

from collections import deque
from typing import Any

import pinocchio as pin
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path
from std_msgs.msg import Header

from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.nodes.common.conversions import ns_to_stamp, pose_message, sensor_qos

_PATH_LENGTH = 400  # poses of executed_path


class TcpReports:
    """Publishes the measured pose of the TCP, and its path; of several tips, nothing.

    Args:
        node: the rclpy node.
        arm: kinematics of the arm.
    """

    def __init__(self, node: Any, arm: ArmModel) -> None:
        self._arm = arm
        self._pose = node.create_publisher(PoseStamped, "tcp_pose", sensor_qos("reliable"))
        self._path = node.create_publisher(Path, "executed_path", 1)
        self._executed: deque[PoseStamped] = deque(maxlen=_PATH_LENGTH)

    def say(self, measured: Measured, *, playing: bool) -> None:
        """Publish the TCP's pose; while a plan plays, add it to the path."""
        if len(self._arm.tips) > 1:
            return
        pose = self._arm.tcp_pose(measured.q)
        stamp = ns_to_stamp(round(measured.stamp_s * 1e9))
        message = PoseStamped(
            header=Header(stamp=stamp, frame_id=self._arm.base_frame),
            pose=pose_message(pose.translation, pin.Quaternion(pose.rotation).coeffs()),
        )
        self._pose.publish(message)
        if not playing:
            return
        self._executed.append(message)
        if self._path.get_subscription_count():
            self._path.publish(Path(header=message.header, poses=list(self._executed)))

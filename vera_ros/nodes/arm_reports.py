# SPDX-License-Identifier: Apache-2.0
"""What ik_node says of the arm and of its plans."""

from collections import deque
from typing import Any

import pinocchio as pin
from geometry_msgs.msg import Point, PoseStamped, Quaternion
from geometry_msgs.msg import Pose as PoseMessage
from nav_msgs.msg import Path
from std_msgs.msg import Header

from vera_ros.motion.arm_model import ArmModel
from vera_ros.motion.causes import Cause
from vera_ros.motion.commander import Measured
from vera_ros.motion.plan import Plan
from vera_ros.motion.playback import Playing
from vera_ros.nodes.chunk_messages import progress_message
from vera_ros.nodes.conversions import LATCHED, ns_to_stamp, sensor_qos
from vera_ros_interfaces.msg import ActionChunk, ChunkProgress

_PATH_LENGTH = 400  # poses of executed_path


class ArmReports:
    """Publishes chunk_progress, tcp_pose, planned_path and executed_path.

    Args:
        node: the rclpy node.
        arm: whose poses these are.
        dry_run: nothing is played, so no step has a time at which anything could be seen.
    """

    def __init__(self, node: Any, arm: ArmModel, *, dry_run: bool) -> None:
        self._node = node
        self._arm = arm
        self._dry_run = dry_run
        self._progress = node.create_publisher(ChunkProgress, "chunk_progress", 10)
        self._tcp_pose = node.create_publisher(PoseStamped, "tcp_pose", sensor_qos("reliable"))
        self._planned_path = node.create_publisher(Path, "planned_path", LATCHED)
        self._executed_path = node.create_publisher(Path, "executed_path", 1)
        self._executed: deque[PoseStamped] = deque(maxlen=_PATH_LENGTH)

    def progress(
        self,
        state: int,
        playing: Playing,
        now_s: float,
        cause: Cause = Cause.NONE,
        message: str = "",
        planning_s: float = 0.0,
    ) -> None:
        """Say what becomes of a chunk."""
        if playing.sequence < 0:
            return
        report = progress_message(playing, state, now_s, cause, message)
        report.header = self._header()
        report.planning_s = planning_s
        if self._dry_run:
            report.dry_run = True
            report.step_times, report.steps_played = [], 0
        self._progress.publish(report)

    def rejected(self, chunk: ActionChunk, cause: Cause, message: str) -> None:
        """Say that nothing of a chunk is played."""
        self._progress.publish(
            ChunkProgress(
                header=self._header(),
                session_id=chunk.session_id,
                sequence=chunk.sequence,
                state=ChunkProgress.REJECTED,
                cause=int(cause),
                message=message,
            )
        )

    def pose(self, measured: Measured, *, moving: bool) -> None:
        """Say where the TCP is; while it moves, it leaves a trace."""
        pose = self._arm.tcp_pose(measured.q)
        header = Header(
            stamp=ns_to_stamp(round(measured.stamp_s * 1e9)), frame_id=self._arm.base_frame
        )
        message = PoseStamped(
            header=header,
            pose=_pose_message(pose.translation, pin.Quaternion(pose.rotation).coeffs()),
        )
        self._tcp_pose.publish(message)
        if not moving:
            return
        self._executed.append(message)
        if self._executed_path.get_subscription_count():
            self._executed_path.publish(Path(header=self._header(), poses=list(self._executed)))

    def plan(self, plan: Plan) -> None:
        """Show where a plan leads."""
        header = self._header()
        knots = plan.spline.derivative(0, plan.spline.times_s)
        poses = [
            PoseStamped(header=header, pose=_pose_message(position, (0.0, 0.0, 0.0, 1.0)))
            for position in self._arm.tcp_positions(knots)
        ]
        self._planned_path.publish(Path(header=header, poses=poses))

    def _header(self) -> Header:
        stamp = self._node.get_clock().now().to_msg()
        return Header(stamp=stamp, frame_id=self._arm.base_frame)


def _pose_message(position: Any, quaternion: Any) -> PoseMessage:
    x, y, z = (float(value) for value in position)
    qx, qy, qz, qw = (float(value) for value in quaternion)
    return PoseMessage(
        position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw)
    )

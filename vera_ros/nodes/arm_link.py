# SPDX-License-Identifier: Apache-2.0
"""The arm side as an episode sees it: ik_node, by topic and service."""

import time

from geometry_msgs.msg import PoseStamped
from rclpy.task import Future
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from vera_ros.embodiments import Embodiment
from vera_ros.nodes.conversions import doubles, ns_to_stamp
from vera_ros.nodes.node import VeraNode
from vera_ros.policy.ports import Chunk, Origin
from vera_ros_interfaces.msg import ActionChunk


class ArmLink:
    """The arm port of an episode (see vera_ros.policy.ports).

    Args:
        node: the rclpy node.
        embodiment: whose chunks these are.
        stop_timeout_s: for a stop to be answered, after which the arm counts as resting.
    """

    def __init__(self, node: VeraNode, embodiment: Embodiment, stop_timeout_s: float) -> None:
        self._embodiment = embodiment
        self._stop_timeout_s = stop_timeout_s
        self._stopping: tuple[float, Future] | None = None
        self._chunks = node.create_publisher(ActionChunk, "action_chunk", 10)
        self._stop = node.create_client(Trigger, "stop")

    def play(self, chunk: Chunk) -> None:
        """Publish it."""
        poses, gripper = chunk.commands.poses, chunk.commands.gripper
        self._chunks.publish(
            ActionChunk(
                header=Header(stamp=ns_to_stamp(chunk.stamp_ns)),
                start=ns_to_stamp(chunk.start_ns),
                planned_from=_pose_message(chunk.planned_from),
                session_id=chunk.session_id,
                sequence=chunk.sequence,
                embodiment=self._embodiment.name,
                action_space=self._embodiment.action_space.value,
                control_dt_s=chunk.control_dt_s,
                horizon=poses.shape[0],
                columns=poses.shape[1],
                actions=doubles(poses),
                gripper=doubles(gripper.astype(float)) if gripper is not None else [],
                clipped_rows=chunk.commands.clipped_rows,
            )
        )

    def stop(self) -> None:
        """Call ik_node's stop."""
        self._stopping = (time.monotonic(), self._stop.call_async(Trigger.Request()))

    def resting(self, patience_s: float | None = None) -> bool:
        """Whether the last stop was answered, or has been waited for long enough."""
        if self._stopping is None:
            return True
        asked_s, answered = self._stopping
        limit_s = self._stop_timeout_s if patience_s is None else patience_s
        return bool(answered.done()) or time.monotonic() - asked_s > limit_s


def _pose_message(origin: Origin) -> PoseStamped:
    message = PoseStamped()
    if origin.position is None or origin.orientation is None:
        return message
    message.header.stamp = ns_to_stamp(origin.stamp_ns)
    position, orientation = message.pose.position, message.pose.orientation
    position.x, position.y, position.z = (float(value) for value in origin.position)
    orientation.x, orientation.y, orientation.z, orientation.w = map(float, origin.orientation)
    return message

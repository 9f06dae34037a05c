# SPDX-License-Identifier: Apache-2.0
"""An episode's link to the arm side: ik_node, by topic and service."""

import time
from collections.abc import Callable

from geometry_msgs.msg import PoseStamped
from rclpy.task import Future
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from vera_ros.embodiments import Embodiment
from vera_ros.nodes.common.conversions import doubles, ns_to_stamp
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.policy.ports import Chunk, Origin
from vera_ros_interfaces.msg import ActionChunk

_RESULT_PATIENCE_S = 1.0  # longest wait for the arm to rest before a goal gets its result


class ArmLink:
    """The arm port of an episode (see vera_ros.policy.ports).

    Args:
        node: the rclpy node.
        embodiment: embodiment of the chunks.
        now_ns: returns ROS time, with which chunks are stamped as sent [ns].
        arm: returns the identity of the arm that is to play them.
        base_frame: returns the frame of their pose deltas; empty: not known.
        stop_timeout_s: time for a stop's response, after which the arm is not known to rest [s].
    """

    def __init__(
        self,
        node: VeraNode,
        embodiment: Embodiment,
        now_ns: Callable[[], int],
        arm: Callable[[], str],
        base_frame: Callable[[], str],
        stop_timeout_s: float,
    ) -> None:
        self._embodiment = embodiment
        self._now_ns = now_ns
        self._arm = arm
        self._base_frame = base_frame
        self._stop_timeout_s = stop_timeout_s
        self._asked_s: float | None = None  # when the last stop was requested, steady time
        self._answer: Future | None = None  # the last stop's response; None: not sent yet
        self._chunks = node.create_publisher(ActionChunk, "action_chunk", 10)
        self._stop = node.create_client(Trigger, "ik_node/stop")

    def play(self, chunk: Chunk) -> None:
        """Publish a chunk."""
        poses, gripper = chunk.commands.poses, chunk.commands.gripper
        self._chunks.publish(
            ActionChunk(
                header=Header(stamp=ns_to_stamp(chunk.stamp_ns), frame_id=self._base_frame()),
                start=ns_to_stamp(chunk.start_ns),
                planned_from=_pose_message(chunk.planned_from),
                sent=ns_to_stamp(self._now_ns()),
                arm=self._arm(),
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
        """Call ik_node's stop as soon as it is there; all ik_nodes with that service stop."""
        self._asked_s, self._answer = time.monotonic(), None
        self._ask()

    def resting(self) -> bool:
        """Return whether the last stop has brought the arm to rest."""
        self._ask()
        return self._asked_s is None or self._answered() is True

    def unrest(self) -> str:
        """Return why the arm is not known to rest after a stop; empty: it rests, or still may."""
        if self._answered() is False:
            assert self._answer is not None
            return f"the arm did not come to rest: {self._answer.result().message}"
        if self._answered() is None and self.stopping_s > self._stop_timeout_s:
            return f"ik_node did not answer a stop in {self._stop_timeout_s:g} s; is it running?"
        return ""

    def settled(self) -> bool:
        """Return whether the last stop is over, has failed, or was awaited long enough."""
        return self.resting() or bool(self.unrest()) or self.stopping_s > _RESULT_PATIENCE_S

    @property
    def stopping_s(self) -> float:
        """For how long the last stop has been awaited [s]; 0: the arm rests."""
        if self._asked_s is None or self._answered():
            return 0.0
        return time.monotonic() - self._asked_s

    def _ask(self) -> None:
        if self._asked_s is not None and self._answer is None and self._stop.service_is_ready():
            self._answer = self._stop.call_async(Trigger.Request())

    def _answered(self) -> bool | None:
        """Return whether the last stop succeeded; None: it is not answered yet."""
        if self._answer is None or not self._answer.done():
            return None
        return bool(self._answer.result().success)


def _pose_message(origin: Origin) -> PoseStamped:
    message = PoseStamped()
    if origin.position is None or origin.orientation is None:
        return message
    message.header.stamp = ns_to_stamp(origin.stamp_ns)
    position, orientation = message.pose.position, message.pose.orientation
    position.x, position.y, position.z = (float(value) for value in origin.position)
    orientation.x, orientation.y, orientation.z, orientation.w = map(float, origin.orientation)
    return message

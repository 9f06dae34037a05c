# SPDX-License-Identifier: Apache-2.0
"""An arm side that says of chunks what a test wants."""

from collections.abc import Sequence

from geometry_msgs.msg import PoseStamped
from std_srvs.srv import Trigger

from vera_ros.nodes.common.conversions import LATCHED_BY_MANY, ns_to_stamp
from vera_ros_interfaces.msg import ActionChunk, ArmStatus, ChunkProgress

from .stage import Stage

FAR_S = 1000.0


class ArmSide:
    """Answers chunks in place of ik_node, and plans nothing.

    Args:
        stage: that it is on.

    Attributes:
        state: what it says of every chunk; ChunkProgress.
        step_s: time between two steps; 0: all of them are past.
        stops: how often it was told to stop.
    """

    def __init__(self, stage: Stage) -> None:
        self.state = ChunkProgress.ACCEPTED
        self.step_s = FAR_S
        self.stops = 0
        self._node = stage.node
        self._poses = self._node.create_publisher(PoseStamped, "tcp_pose", 10)
        self._progress = self._node.create_publisher(ChunkProgress, "chunk_progress", 10)
        self._status = self._node.create_publisher(ArmStatus, "arm_status", LATCHED_BY_MANY)
        self._node.create_subscription(ActionChunk, "action_chunk", self._on_chunk, 10)
        self._node.create_service(Trigger, "ik_node/stop", self._on_stop)
        self._node.create_timer(0.02, self._say_where)

    def is_known(self) -> bool:
        """Whether a policy side hears what it says."""
        return bool(self._progress.get_subscription_count())

    def _say_where(self) -> None:
        self._status.publish(ArmStatus(state=ArmStatus.READY, arm="arm side"))
        message = PoseStamped()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.pose.orientation.w = 1.0
        self._poses.publish(message)

    def _on_chunk(self, chunk: ActionChunk) -> None:
        self._progress.publish(
            ChunkProgress(
                session_id=chunk.session_id,
                sequence=chunk.sequence,
                state=self.state,
                time_stretch=1.0,
                step_times=[ns_to_stamp(time_ns) for time_ns in self._times_ns(chunk.horizon)],
            )
        )

    def _times_ns(self, steps: int) -> Sequence[int]:
        now_ns, step_ns = self._node.get_clock().now().nanoseconds, round(self.step_s * 1e9)
        if not step_ns:
            return range(now_ns - steps, now_ns)
        return range(now_ns + step_ns, now_ns + step_ns * (steps + 1), step_ns)

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.stops += 1
        response.success = True
        return response

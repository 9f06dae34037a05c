# SPDX-License-Identifier: Apache-2.0
"""arm_status: what the arm side is doing, said when it changes and again and again."""

from typing import Any

from std_msgs.msg import Header

from vera_ros.motion.causes import Cause
from vera_ros.nodes.conversions import LATCHED
from vera_ros_interfaces.msg import ArmStatus


class ArmStatusTopic:
    """Publishes the status of an ik_node. Its topic is there in every state of the node.

    Args:
        node: the lifecycle node.
        approval: whether chunks need approval.
        dry_run: whether nothing is sent.
    """

    def __init__(self, node: Any, *, approval: bool, dry_run: bool) -> None:
        self._node = node
        self._publisher = node.create_publisher(ArmStatus, "arm_status", LATCHED)
        self._status = ArmStatus(approval=approval, dry_run=dry_run)
        self.publish()

    @property
    def held(self) -> bool:
        """Whether a hold is latched."""
        return bool(self._status.held)

    @held.setter
    def held(self, held: bool) -> None:
        self._status.held = held

    @property
    def approval(self) -> bool:
        """Whether chunks need approval."""
        return bool(self._status.approval)

    @approval.setter
    def approval(self, approval: bool) -> None:
        self._status.approval = approval
        self.publish()

    @property
    def state(self) -> int:
        """What was said last, a state of ArmStatus."""
        return int(self._status.state)

    @property
    def message(self) -> str:
        """Why the last plan ended early, or what is missing."""
        return str(self._status.message)

    def explain(self, cause: Cause, message: str) -> None:
        """Remember why something ended early; Cause.NONE: all is well again."""
        self._status.cause, self._status.message = int(cause), message

    def enter(self, state: int) -> None:
        """Say a state, if it is not what was said last."""
        if state != self._status.state:
            self._status.state = state
            self.publish()

    def publish(self) -> None:
        """Say it again."""
        stamp = self._node.get_clock().now().to_msg()
        self._status.header = Header(stamp=stamp)
        self._publisher.publish(self._status)

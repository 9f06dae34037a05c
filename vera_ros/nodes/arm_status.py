# SPDX-License-Identifier: Apache-2.0
"""arm_status: what the arm side is doing, said when it changes and again and again."""

from typing import Any

from std_msgs.msg import Header

from vera_ros.motion.causes import Cause
from vera_ros.motion.senses import Senses
from vera_ros.motion.supervisor import HELD, Supervisor
from vera_ros.nodes.conversions import LATCHED
from vera_ros_interfaces.msg import ArmStatus


def arm_status(supervisor: Supervisor | None, senses: Senses, held: bool) -> ArmStatus:
    """What the arm side is doing.

    Args:
        supervisor: of the arm; None: the node is not configured.
        senses: what is known of the arm.
        held: whether a hold is latched.
    """
    status, fault = ArmStatus(held=held), senses.fault
    if supervisor is not None:
        status.cause, status.message = int(supervisor.cause), supervisor.message
    if supervisor is None or (fault is not None and fault.cause is Cause.NOT_ACTIVE):
        status.state = ArmStatus.INACTIVE
    elif supervisor.playing is not None:
        status.state = ArmStatus.MOVING
    elif supervisor.stopping:
        status.state = ArmStatus.STOPPING
    elif held:
        status.state = ArmStatus.HELD
        status.cause, status.message = int(Cause.HELD), HELD
    elif fault is not None:
        status.state = ArmStatus.FAULT
        status.cause, status.message = int(fault.cause), str(fault)
    elif supervisor.moves(senses):
        status.state = ArmStatus.FAULT
        status.cause, status.message = int(Cause.NOT_AT_REST), "the arm moves, but plays nothing"
    elif supervisor.awaiting is not None:
        status.state = ArmStatus.AWAITING_APPROVAL
    else:
        status.state = ArmStatus.READY
    return status


class ArmStatusTopic:
    """Publishes the status of an ik_node.

    Args:
        node: the rclpy node.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        self._publisher = node.create_publisher(ArmStatus, "arm_status", LATCHED)
        self._said: ArmStatus | None = None

    def say(self, status: ArmStatus) -> None:
        """Say it, unless it was said last."""
        if self._said is not None:
            status.header = self._said.header  # which tells nothing
        if status != self._said:
            self._said = status
            self.repeat()

    def repeat(self) -> None:
        """Say again what was said last."""
        if self._said is None:
            return
        self._said.header = Header(stamp=self._node.get_clock().now().to_msg())
        self._publisher.publish(self._said)

# SPDX-License-Identifier: Apache-2.0
"""Detection of other nodes that might move an ik_node's arm."""

import time
from typing import Any

from vera_ros.motion.causes import Cause, Reason
from vera_ros.nodes.common.arm_identity import RollCall, double
from vera_ros.nodes.common.conversions import LATCHED_BY_MANY
from vera_ros.nodes.common.lifecycle_node import STEADY
from vera_ros_interfaces.msg import ArmStatus

_ARM_TOPIC = "arm_controller/joint_trajectory"
_LOOK_S = 0.2


class Rivals:
    """Finds nodes that share an ik_node's arm or topics, and logs them.

    Another ik_node counts while it publishes arm_status, since the middleware takes a while to
    notice that one was killed.

    Args:
        node: the rclpy node of the ik_node.
        identity: identity of the ik_node.
        moves: whether the ik_node moves its arm; in a dry run, others may.
    """

    def __init__(self, node: Any, identity: str, *, moves: bool) -> None:
        self._node = node
        self._identity = identity
        self._moves = moves
        self._arms = RollCall()
        self._publishers: list[str] = []
        self._said = ""
        node.create_subscription(ArmStatus, "arm_status", self._on_status, LATCHED_BY_MANY)
        node.create_timer(_LOOK_S, self._look, clock=STEADY)

    def fault(self) -> Reason | None:
        """Return why nothing may be moved; None: this ik_node is alone."""
        others = [arm for arm in self._arms.live(time.monotonic()) if arm != self._identity]
        if others:
            return Reason(Cause.WRONG_ARM, double([self._identity, *others]))
        if self._publishers:
            return Reason(
                Cause.SECOND_PUBLISHER,
                f"{', '.join(self._publishers)} may publish {_ARM_TOPIC} as well, and two that "
                "move one arm contradict each other; stop it, or remap its topic",
            )
        return None

    def _on_status(self, status: ArmStatus) -> None:
        self._arms.record(status.arm, time.monotonic())

    def _look(self) -> None:
        if self._moves:
            own = self._node.get_fully_qualified_name()  # a live double publishes arm_status
            ends = self._node.get_publishers_info_by_topic(_ARM_TOPIC)
            names = {f"{end.node_namespace.rstrip('/')}/{end.node_name}" for end in ends}
            self._publishers = sorted(names - {own})
        said = str(self.fault() or "")
        if said != self._said:
            self._said = said
            if said:  # rclpy allows one severity per call site
                self._node.get_logger().error(said)
            else:
                self._node.get_logger().info("no other node moves this arm any more")

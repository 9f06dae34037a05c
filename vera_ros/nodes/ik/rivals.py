# SPDX-License-Identifier: Apache-2.0
"""Detection of other nodes that might move an ik_node's arm."""

import time
from contextlib import suppress
from typing import Any

from rclpy.node import NodeNameNonExistentError

from vera_ros.motion.causes import Cause, Reason
from vera_ros.nodes.common.arm_identity import RollCall, double
from vera_ros.nodes.common.conversions import LATCHED_BY_MANY
from vera_ros.nodes.common.lifecycle_node import STEADY
from vera_ros.nodes.ik.description import TOPIC
from vera_ros.printable import printable
from vera_ros_interfaces.msg import ArmStatus

_LOOK_S = 0.2

# Of each controller: which output it has, its topic and its action, both in its own namespace.
_ARM = "arm_output", "arm_controller/joint_trajectory", "arm_controller/follow_joint_trajectory"
_GRIPPER = "gripper_output", "gripper_controller/joint_trajectory", "gripper_controller/gripper_cmd"


class Rivals:
    """Finds nodes that share an ik_node's arm or topics, and logs them.

    Another ik_node counts while it publishes arm_status, since the middleware takes a while to
    notice that one was killed.

    Args:
        node: the rclpy node of the ik_node, with its `parameters`; in a dry run, others may move
            the arm.
        identity: identity of the ik_node.
        described: whether robot_description comes by topic.
    """

    def __init__(self, node: Any, identity: str, *, described: bool) -> None:
        self._node = node
        self._identity = identity
        self._described = described
        p = node.parameters
        self._moves = not p["dry_run"]
        controllers = [_ARM, _GRIPPER] if p["gripper_joint"] else [_ARM]
        self._inputs = [_inputs(node, p[output], *names) for output, *names in controllers]
        # Own name: a live double publishes arm_status.
        self._allowed = {node.get_fully_qualified_name(), *p["allowed_publishers"]}
        self._arms = RollCall()
        self._reason: Reason | None = None
        self._said = ""
        node.create_subscription(ArmStatus, "arm_status", self._on_status, LATCHED_BY_MANY)
        node.create_timer(_LOOK_S, self._look, clock=STEADY)

    def fault(self) -> Reason | None:
        """Return why nothing may be moved; None: this ik_node is alone."""
        others = [arm for arm in self._arms.live(time.monotonic()) if arm != self._identity]
        if others:
            return Reason(Cause.WRONG_ARM, double([self._identity, *others]))
        return self._reason

    def _on_status(self, status: ArmStatus) -> None:
        self._arms.record(printable(status.arm), time.monotonic())

    def _look(self) -> None:
        self._reason = self._commanders() or self._describers()
        said = str(self.fault() or "")
        if said != self._said:
            self._said = said
            if said:  # rclpy allows one severity per call site
                self._node.get_logger().error(said)
            else:
                self._node.get_logger().info("no other node moves this arm any more")

    def _commanders(self) -> Reason | None:
        """Return which other nodes can command a controller; None: none can."""
        if not self._moves:
            return None
        words = []
        for topic, action in self._inputs:
            if names := sorted(self._publishers(topic) - self._allowed):
                words.append(f"{', '.join(names)} may publish {topic} as well")
            if names := sorted(self._clients(f"{action}/_action/send_goal") - self._allowed):
                words.append(f"{', '.join(names)} may send goals to {action} as well")
        if not words:
            return None
        return Reason(
            Cause.SECOND_PUBLISHER,
            f"{'; '.join(words)}, and two that move one arm contradict each other; stop it, remap "
            "its topic, or name it in allowed_publishers if it is idle while chunks are played",
        )

    def _describers(self) -> Reason | None:
        """Return which nodes publish robot_description, where several do; None: at most one."""
        names = sorted(self._publishers(TOPIC) - self._allowed) if self._described else []
        if len(names) < 2:
            return None
        return Reason(
            Cause.SECOND_PUBLISHER,
            f"{', '.join(names)} all publish {TOPIC}, so which one describes the arm is not known; "
            "stop the others, or name them in allowed_publishers",
        )

    def _publishers(self, topic: str) -> set[str]:
        ends = self._node.get_publishers_info_by_topic(topic)
        return {_full_name(end.node_name, end.node_namespace) for end in ends}

    def _clients(self, service: str) -> set[str]:
        node, found = self._node, set[str]()
        if not node.count_clients(service):
            return found
        for name, namespace in node.get_node_names_and_namespaces():
            with suppress(NodeNameNonExistentError):  # it has just ended
                clients = node.get_client_names_and_types_by_node(name, namespace)
                if any(service == client for client, _ in clients):
                    found.add(_full_name(name, namespace))
        return found


def _inputs(node: Any, output: str, topic: str, action: str) -> tuple[str, str]:
    """Return the full names of a controller's topic and action; only the `output` is remapped."""
    if output == "topic":
        resolved = node.resolve_topic_name(topic)
        return resolved, f"{resolved.rpartition('/')[0]}/{action.rpartition('/')[2]}"
    resolved = node.resolve_service_name(action)
    return f"{resolved.rpartition('/')[0]}/{topic.rpartition('/')[2]}", resolved


def _full_name(name: str, namespace: str) -> str:
    return f"{namespace.rstrip('/')}/{name}"

# SPDX-License-Identifier: Apache-2.0
"""Detection of other nodes that might move an ik_node's arm."""

import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from vera_ros.motion.causes import Cause, Reason
from vera_ros.nodes.common.arm_identity import RollCall, double
from vera_ros.nodes.common.conversions import LATCHED_BY_MANY
from vera_ros.nodes.common.lifecycle_node import STEADY
from vera_ros.nodes.ik.description import TOPIC
from vera_ros.printable import printable
from vera_ros_interfaces.msg import ArmStatus

_LOOK_S = 0.2
_LEASE_S = 30.0  # until the middleware has forgotten a killed predecessor
_UNKNOWN = "_NODE_NAME_UNKNOWN_"  # of a node that has just started, or of a program without one

_ACTIONS = ("follow_joint_trajectory", "gripper_cmd")
_CALLS = ("_action/send_goal", "_action/cancel_goal")

# Of each controller: which output it has, its topic and its action, both in its own namespace.
_ARM = "arm_output", "arm_controller/joint_trajectory", "arm_controller/follow_joint_trajectory"
_GRIPPER = "gripper_output", "gripper_controller/joint_trajectory", "gripper_controller/gripper_cmd"


class Rivals:
    """Finds nodes that share an ik_node's arm or topics, and logs them.

    Another ik_node counts while it publishes arm_status, since the middleware takes a while to
    notice that one was killed. In a dry run, others may move the arm.

    Args:
        node: the rclpy node of the ik_node, with its `parameters`.
        identity: identity of the ik_node.
        described: whether robot_description comes by topic.
    """

    def __init__(self, node: Any, identity: str, *, described: bool) -> None:
        self._node = node
        self._identity = identity
        p = node.parameters
        singles = [TOPIC] * described + ["robot_fault", *filter(None, [p["robot_state_topic"]])]
        self._singles = [node.resolve_topic_name(name) for name in singles]
        self._moves = not p["dry_run"]
        controllers = [_ARM, _GRIPPER] if p["gripper_joint"] else [_ARM]
        self._inputs = [_inputs(node, p[output], *names) for output, *names in controllers]
        self._outputs = [p[output] for output, *_ in controllers]
        self._own_name = node.get_fully_qualified_name()
        self._allowed = {self._own_name, *p["allowed_publishers"]}
        self._began_s = time.monotonic()
        self._unknown: set[str] = set()  # where one was seen at the last look
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
        unknown, self._unknown = self._unknown, set()
        self._reason = self._commanders(unknown) or self._speakers(unknown)
        said = str(self.fault() or "")
        if said != self._said:
            self._said = said
            if said:  # rclpy allows one severity per call site
                self._node.get_logger().error(said)
            else:
                self._node.get_logger().info("no other node moves this arm any more")

    def _commanders(self, unknown: set[str]) -> Reason | None:
        """Return which other nodes can command a controller; None: none can.

        Args:
            unknown: topics that had a publisher without a name at the last look.
        """
        if not self._moves:
            return None
        words = []
        for (topic, _), output in zip(self._inputs, self._outputs, strict=True):
            if names := self._others(topic, unknown, own=int(output == "topic")):
                words.append(f"{names} may publish {topic} as well")
        for action, clients in self._clients().items():
            if others := sorted(clients - self._allowed):
                words.append(f"{', '.join(others)} may send goals to {action} as well")
        if not words:
            return None
        return Reason(
            Cause.SECOND_PUBLISHER,
            f"{'; '.join(words)}, and two that move one arm contradict each other; stop it, remap "
            "its topic, or name it in allowed_publishers if it is idle while chunks are played",
        )

    def _speakers(self, unknown: set[str]) -> Reason | None:
        """Return which nodes say different things of the robot; None: at most one speaks."""
        for topic in self._singles:
            names = self._others(topic, unknown)
            if ", " in names:
                return Reason(
                    Cause.SECOND_PUBLISHER,
                    f"{names} all publish {topic}, so which one is right is not known; stop the "
                    "others, or name them in allowed_publishers",
                )
        return None

    def _others(self, topic: str, unknown: set[str], own: int = 0) -> str:
        """Return the publishers of a topic that are not allowed to be, in words; empty: none.

        Args:
            topic: its full name.
            unknown: topics that had a publisher without a name at the last look.
            own: how many publishers this node has.
        """
        ends = self._node.get_publishers_info_by_topic(topic)
        count = Counter(_full_name(end.node_name, end.node_namespace) for end in ends)
        others = sorted(count.keys() - self._allowed)
        named = [name for name in others if _UNKNOWN not in name]
        if len(named) < len(others):
            self._unknown.add(topic)
            if topic in unknown:
                named.append("a program without a node name")
        if count[self._own_name] > own and time.monotonic() > self._began_s + _LEASE_S:
            named.append(f"another program that is called {self._own_name}")
        return ", ".join(named)

    def _clients(self) -> dict[str, set[str]]:
        """Return the nodes that can send goals to the controllers or cancel them, by action."""
        found: dict[str, set[str]] = {}
        services = {f"{action}/{call}": action for action in self._actions() for call in _CALLS}
        if not any(map(self._node.count_clients, services)):
            return found
        for name, namespace in self._node.get_node_names_and_namespaces():
            with suppress(RuntimeError):  # it has just ended, or its name is not valid
                clients = self._node.get_client_names_and_types_by_node(name, namespace)
                for action in {services[client] for client, _ in clients if client in services}:
                    found.setdefault(action, set()).add(_full_name(name, namespace))
        return found

    def _actions(self) -> Iterable[str]:
        """Return the full names of the actions that the controllers may have."""
        return {
            action: None
            for _, own in self._inputs
            for action in (own, *(f"{own.rpartition('/')[0]}/{name}" for name in _ACTIONS))
        }


def _inputs(node: Any, output: str, topic: str, action: str) -> tuple[str, str]:
    """Return the full names of a controller's topic and action; only the `output` is remapped."""
    if output == "topic":
        resolved = node.resolve_topic_name(topic)
        return resolved, f"{resolved.rpartition('/')[0]}/{action.rpartition('/')[2]}"
    resolved = node.resolve_service_name(action)
    return f"{resolved.rpartition('/')[0]}/{topic.rpartition('/')[2]}", resolved


def _full_name(name: str, namespace: str) -> str:
    return f"{namespace.rstrip('/')}/{name}"

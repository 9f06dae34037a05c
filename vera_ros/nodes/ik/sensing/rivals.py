# SPDX-License-Identifier: Apache-2.0
"""Detection of other nodes that might move an ik_node's arm."""

import time
from collections import Counter
from contextlib import suppress
from typing import Any

from vera_ros.motion.causes import Cause, Reason
from vera_ros.nodes.common.arm_identity import RollCall, double
from vera_ros.nodes.common.conversions import LATCHED_BY_MANY
from vera_ros.nodes.common.lifecycle_node import STEADY
from vera_ros.nodes.ik.setup.description import TOPIC
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
    notice that one was killed.

    Args:
        node: the rclpy node of the ik_node, with its `parameters`.
        identity: identity of the ik_node.
        described: whether robot_description comes by topic.
    """

    def __init__(self, node: Any, identity: str, *, described: bool) -> None:
        self._logger = node.get_logger()
        self._identity = identity
        self._arms = RollCall()
        self._writers = OtherWriters(node, described=described)
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
        self._reason = self._writers.look()
        said = str(self.fault() or "")
        if said != self._said:
            self._said = said
            if said:  # rclpy allows one severity per call site
                self._logger.error(said)
            else:
                self._logger.info("no other node moves this arm any more")


class OtherWriters:
    """Finds nodes that may command an arm's controllers, or report on the robot, beside the one.

    In a dry run, others may command the controllers.

    Args:
        node: the rclpy node of the ik_node, with its `parameters`.
        described: whether robot_description comes by topic.
    """

    def __init__(self, node: Any, *, described: bool) -> None:
        self._node = node
        p = node.parameters
        self._own_name = node.get_fully_qualified_name()
        self._allowed = {self._own_name, *p["allowed_publishers"]}
        controllers = [_ARM, _GRIPPER] if p["gripper_joint"] else [_ARM]
        inputs = [(p[output], *_inputs(node, p[output], *names)) for output, *names in controllers]
        if p["dry_run"]:
            inputs = []
        # With outputs on topics alone, clients with this node's name are another program's.
        by_action = any(output == "action" for output, *_ in inputs)
        self._clients_allowed = self._allowed - (set() if by_action else {self._own_name})
        # How many publishers this node has of each, once it is configured.
        self._topics = {topic: int(output == "topic") for output, topic, _ in inputs}
        self._services = {
            f"{name}/{call}": name
            for *_, action in inputs
            for name in _siblings(action)
            for call in _CALLS
        }
        reports = [TOPIC] * described + ["robot_fault", *filter(None, [p["robot_state_topic"]])]
        self._reports = [node.resolve_topic_name(name) for name in reports]
        self._began_s = time.monotonic()
        # Topics and services that were used without a name at the last look.
        self._unnamed: set[str] = set()

    def look(self) -> Reason | None:
        """Return which nodes there are, by the middleware's present knowledge; None: none."""
        unnamed: set[str] = set()
        reason = self._commanders(unnamed) or self._reporters(unnamed)
        self._unnamed = unnamed
        return reason

    def _commanders(self, unnamed: set[str]) -> Reason | None:
        words = []
        for topic, own in self._topics.items():
            if names := self._publishers(topic, own, unnamed):
                words.append(f"{', '.join(names)} may publish {topic} as well")
        for action, clients in self._clients(unnamed).items():
            if others := sorted(clients - self._clients_allowed):
                words.append(f"{', '.join(others)} may send goals to {action} as well")
        if not words:
            return None
        return Reason(
            Cause.SECOND_PUBLISHER,
            f"{'; '.join(words)}, and two that move one arm contradict each other; stop it, remap "
            "its topic, or name it in allowed_publishers if it is idle while chunks are played",
        )

    def _reporters(self, unnamed: set[str]) -> Reason | None:
        for topic in self._reports:
            names = self._publishers(topic, 0, unnamed)
            if len(names) > 1:
                return Reason(
                    Cause.SECOND_PUBLISHER,
                    f"{', '.join(names)} all publish {topic}, so which one is right is not known; "
                    "stop the others, or name them in allowed_publishers",
                )
        return None

    def _publishers(self, topic: str, own: int, unnamed: set[str]) -> list[str]:
        """Return the publishers of a topic that are not allowed to be, in words.

        Args:
            topic: its full name.
            own: how many publishers this node has.
            unnamed: the topic is added if it has a publisher without a name.
        """
        ends = self._node.get_publishers_info_by_topic(topic)
        count = Counter(_full_name(end.node_name, end.node_namespace) for end in ends)
        others = sorted(count.keys() - self._allowed)
        named = [name for name in others if _UNKNOWN not in name]
        if len(named) < len(others):
            unnamed.add(topic)
            if topic in self._unnamed:
                named.append("a program without a node name")
        if count[self._own_name] > own and time.monotonic() > self._began_s + _LEASE_S:
            named.append(f"another program that is called {self._own_name}")
        return named

    def _clients(self, unnamed: set[str]) -> dict[str, set[str]]:
        """Return the nodes that can send goals to the controllers or cancel them, by action.

        `unnamed`: services are added that have only clients without a name.
        """
        found: dict[str, set[str]] = {}
        used = {name for name in self._services if self._node.count_clients(name)}
        if not used:
            return found
        for name, namespace in self._node.get_node_names_and_namespaces():
            with suppress(RuntimeError):  # it has just ended, or its name is not valid
                clients = self._node.get_client_names_and_types_by_node(name, namespace)
                for service in used & {client for client, _ in clients}:
                    found.setdefault(self._services[service], set()).add(
                        _full_name(name, namespace)
                    )
        for service in used:
            if self._services[service] not in found:
                unnamed.add(service)
                if service in self._unnamed:
                    found[self._services[service]] = {"a program without a node name"}
        return found


def _inputs(node: Any, output: str, topic: str, action: str) -> tuple[str, str]:
    """Return the full names of a controller's topic and action; only the `output` is remapped."""
    if output == "topic":
        resolved = node.resolve_topic_name(topic)
        return resolved, f"{resolved.rpartition('/')[0]}/{action.rpartition('/')[2]}"
    resolved = node.resolve_service_name(action)
    return f"{resolved.rpartition('/')[0]}/{topic.rpartition('/')[2]}", resolved


def _siblings(action: str) -> set[str]:
    """Return the full names of the actions that the controller with this one may have."""
    return {action, *(f"{action.rpartition('/')[0]}/{name}" for name in _ACTIONS)}


def _full_name(name: str, namespace: str) -> str:
    return f"{namespace.rstrip('/')}/{name}"

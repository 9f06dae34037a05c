# SPDX-License-Identifier: Apache-2.0
"""Observes the running graph for a while: its nodes, topics, messages and controllers."""

import importlib
import time
from collections.abc import Callable
from typing import Any

import rclpy
from rcl_interfaces.srv import GetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from vera_ros.doctor.probes.streams import JointStream, Stream
from vera_ros.doctor.probes.wire import Tell, run
from vera_ros.errors import VeraRosError
from vera_ros.nodes.common.conversions import LATCHED, sensor_qos, stamp_to_ns
from vera_ros.vision.compressed_images import decode
from vera_ros.vision.images import to_rgb

_NODE = "vera_ros_doctor"
_CLOCK = "clock"  # relative: each of two simulations has its own time in its own namespace
# Participants announce themselves every 3 s; one that is not discovered by then counts as absent.
# A longer time limit hints at a slow machine and extends this. It counts from when this process
# became visible to others; topics are listened to for a while even if that was long ago.
_DISCOVERY_S = 4.5
_DISCOVERY = 0.2  # of the time limit, if that is more
_LISTEN_S = 1.0
_FAREWELL_S = 1.0
_LIST_CONTROLLERS = "controller_manager_msgs/srv/ListControllers"


class Observer:
    """Observer of the graph, by means of a node.

    Args:
        asked: the request.
        node: the rclpy node.
        spin: spins the node for a moment.
        on_description: called with the URDF as soon as it arrives.
    """

    def __init__(
        self,
        asked: dict[str, Any],
        node: Any,
        spin: Callable[[], None],
        on_description: Callable[[str], None],
    ) -> None:
        self._asked, self._node, self._spin = asked, node, spin
        self._on_description = on_description
        self._description = node.create_subscription(
            String, "robot_description", lambda message: self._describe(message.data), LATCHED
        )
        self._clock_s: float | None = None
        if asked["clock"]:
            node.create_subscription(Clock, _CLOCK, self._on_clock, sensor_qos("best_effort", 1))
        kind = CompressedImage if asked["compressed"] else Image
        self._views = {
            view: Stream(node, self._now_s, kind, topic, sensor_qos(asked["reliability"]))
            for view, topic in asked["views"].items()
        }
        self._joints = JointStream(node, self._now_s)

    def listen(self, seconds: float, seen_since_s: float) -> float:
        """Listen until everything is known or the time is over; return how long that took, [s].

        Args:
            seconds: how long it may take.
            seen_since_s: when this process became visible to others, monotonic time.
        """
        began_s = time.monotonic()
        discovery_s = max(_DISCOVERY_S, _DISCOVERY * seconds)
        shortest_s = max(_LISTEN_S, seen_since_s + discovery_s - began_s)
        while (waited_s := time.monotonic() - began_s) < seconds:
            self._spin()
            if waited_s > shortest_s and self._knows_all():
                break
        return waited_s

    def facts(self) -> dict[str, Any]:
        """Return the facts about nodes, topics, views, joint states and actions."""
        node, asked = self._node, self._asked
        names = (f"{space.rstrip('/')}/{name}" for name, space in _nodes(node))
        facts: dict[str, Any] = {
            "nodes": sorted(name for name in names if not name.endswith(f"/{_NODE}")),
            "clock": asked["clock"] and bool(node.count_publishers(_CLOCK)),
            "views": {view: self._view(stream) for view, stream in self._views.items()},
            "joints": {**self._stream(self._joints), **self._joints.facts()},
            "actions": _actions(node),
        }
        for fact, topic in asked["topics"].items():
            facts[fact] = self._topic(node.resolve_topic_name(topic))
        for fact, action in asked["actions"].items():
            facts[fact] = node.resolve_topic_name(action)
        return facts

    def controllers(self, deadline_s: float) -> dict[str, Any]:
        """Return what the controller_manager and the arm's controller report."""
        services = dict(self._node.get_service_names_and_types())
        manager = next((n for n, kinds in services.items() if _LIST_CONTROLLERS in kinds), "")
        facts: dict[str, Any] = {"manager": manager, "manager_problem": "", "controllers": []}
        if manager:
            try:
                facts["controllers"] = self._list_controllers(manager, deadline_s)
            except (ImportError, TimeoutError) as error:
                facts["manager_problem"] = str(error)
        facts["arm_parameters"] = {}
        name = self._node.resolve_topic_name(self._asked["arm_controller"])
        service = f"{name.rsplit('/', 1)[0]}/get_parameters"
        if service in services:
            facts["arm_parameters"] = self._parameters(service, deadline_s)
        return facts

    def _knows_all(self) -> bool:
        description = self._description
        if description is not None and self._node.count_publishers(description.topic_name):
            return False
        streams = (*self._views.values(), self._joints)
        return all(stream.enough or not stream.published for stream in streams)

    def _describe(self, urdf: str) -> None:
        self._on_description(urdf)
        self._node.destroy_subscription(self._description)
        self._description = None

    def _list_controllers(self, service: str, deadline_s: float) -> list[dict[str, Any]]:
        srv = importlib.import_module("controller_manager_msgs.srv")
        answer = self._call(srv.ListControllers, service, srv.ListControllers.Request(), deadline_s)
        return [
            {
                "name": controller.name,
                "type": controller.type,
                "state": controller.state,
                "claimed": list(controller.claimed_interfaces),
            }
            for controller in answer.controller
        ]

    def _parameters(self, service: str, deadline_s: float) -> dict[str, Any]:
        """Return those that exist; requested one by one, as a missing one empties the response."""
        values = {}
        for name in self._asked["arm_parameters"]:
            try:
                request = GetParameters.Request(names=[name])
                answer = self._call(GetParameters, service, request, deadline_s)
            except TimeoutError:
                break
            for value in map(rclpy.parameter.parameter_value_to_python, answer.values):
                if value is not None:
                    values[name] = value
        return values

    def _call(self, kind: Any, service: str, request: Any, deadline_s: float) -> Any:
        try:
            client = self._node.create_client(kind, service)
        except RuntimeError as error:  # rclpy's RCLError, in a graph with keys
            raise TimeoutError(f"{service} may not be called with these keys") from error
        self._wait_until(client.service_is_ready, service, deadline_s)
        future = client.call_async(request)
        self._wait_until(future.done, service, deadline_s)
        return future.result()

    def _wait_until(self, condition: Callable[[], bool], service: str, deadline_s: float) -> None:
        while not condition():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{service} does not answer")
            self._spin()

    def _view(self, stream: Stream) -> dict[str, Any]:
        facts = self._stream(stream)
        facts |= {"shape": None, "encoding": "", "size_bytes": 0, "problem": ""}
        message = stream.newest
        if message is not None:
            facts["encoding"] = message.format if self._asked["compressed"] else message.encoding
            facts["size_bytes"] = len(message.data)
            try:
                rgb = decode(message) if self._asked["compressed"] else to_rgb(message)
                facts["shape"] = rgb.shape[:2]
            except VeraRosError as error:
                facts["problem"] = str(error)
        return facts

    def _stream(self, stream: Stream) -> dict[str, Any]:
        return {"topic": self._topic(stream.name), "samples": stream.samples}

    def _topic(self, name: str) -> dict[str, Any]:
        node = self._node
        return {
            "name": name,
            "publishers": _endpoints(node.get_publishers_info_by_topic(name)),
            "subscribers": _endpoints(node.get_subscriptions_info_by_topic(name)),
        }

    def _on_clock(self, message: Clock) -> None:
        self._clock_s = stamp_to_ns(message.clock) * 1e-9

    def _now_s(self) -> float:
        return time.time() if self._clock_s is None else self._clock_s


def _nodes(node: Any) -> list[tuple[str, str]]:
    names: list[tuple[str, str]] = node.get_node_names_and_namespaces()
    return names


def _endpoints(infos: list[Any]) -> list[dict[str, Any]]:
    return [
        {
            "node": f"{info.node_namespace.rstrip('/')}/{info.node_name}",
            "type": info.topic_type,
            "reliable": info.qos_profile.reliability == ReliabilityPolicy.RELIABLE,
            "latched": info.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL,
        }
        for info in infos
        if info.node_name != _NODE
    ]


def _actions(node: Any) -> dict[str, str]:
    """Return name and type of each action with a server, found by its send_goal service."""
    ending = "/_action/send_goal"
    return {
        name.removesuffix(ending): kinds[0].removesuffix("_SendGoal")
        for name, kinds in node.get_service_names_and_types()
        if name.endswith(ending)
    }


def probe(asked: dict[str, Any], tell: Tell, seen_since_s: float) -> Callable[[], None]:
    """Report the `robot_description` as soon as it arrives, and finally the `graph`."""
    deadline_s = time.monotonic() + asked["seconds"] - _FAREWELL_S
    arguments = ["--ros-args", "-r", f"__ns:={asked['namespace']}"]
    for source, target in asked["remappings"]:
        arguments += ["-r", f"{source}:={target}"]

    node = rclpy.create_node(
        _NODE, cli_args=arguments, start_parameter_services=False, enable_rosout=False
    )
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    observer = Observer(
        asked,
        node,
        lambda: executor.spin_once(timeout_sec=0.05),
        lambda urdf: tell("robot_description", urdf),
    )
    listened_s = observer.listen(deadline_s - time.monotonic(), seen_since_s)
    facts = {**observer.facts(), **observer.controllers(deadline_s), "listened_s": listened_s}
    tell("graph", facts)

    def clean_up() -> None:
        node.destroy_node()
        rclpy.shutdown()

    return clean_up


def main() -> None:
    """Begin discovery while the request is yet to come, then answer it."""
    rclpy.init()
    rclpy.create_node(_NODE, start_parameter_services=False, enable_rosout=False)
    seen_since_s = time.monotonic()
    run(lambda asked, tell: probe(asked, tell, seen_since_s))


if __name__ == "__main__":
    main()

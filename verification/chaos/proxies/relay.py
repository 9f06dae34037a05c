# SPDX-License-Identifier: Apache-2.0
"""The relay's process: forwards messages between the system's machines, and injects faults.

`python -m verification.chaos.proxies.relay EMBODIMENT`: its views are those of the embodiment.
Its parameter `fault` takes a fault of views, joints or links in JSON, {"kind": ..., "values":
{...}}, or an empty string for none. A fault of links lasts until the parameter is set again.
"""

import heapq
import json
import math
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import rclpy
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.msg import SetParametersResult
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.conversions import LATCHED, ns_to_stamp, sensor_qos
from vera_ros.nodes.common.lifecycle_node import STEADY
from vera_ros_interfaces.msg import ActionChunk, ArmStatus, ChunkProgress
from verification.chaos.faults.clocks import CONTROLLER, IK, POLICY, Clocks, shift
from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kind import JOINTS, LINKS, VIEWS
from verification.chaos.faults.kinds import find_kind
from verification.chaos.faults.streams import another_arm, delay_s_of, edit_of, shuffle_of
from verification.chaos.faults.strike import Strike
from verification.chaos.proxies.note import write_note
from verification.chaos.wiring import (
    FROM_POLICY,
    JOINT_STATES,
    TO_POLICY,
    TRAJECTORIES,
    images,
    policy_name,
    true_name,
)

_DEPTH = 20
_DELAY_STEP_S = 0.005
_JOINT_STATE_STEP_S = 0.01  # of the second publisher
_RELIABLE = sensor_qos("reliable", _DEPTH)
_TYPES: dict[str, tuple[type[Any], QoSProfile]] = {
    "chunk_progress": (ChunkProgress, _RELIABLE),
    "arm_status": (ArmStatus, LATCHED),
    "tcp_pose": (PoseStamped, _RELIABLE),
    JOINT_STATES: (JointState, _RELIABLE),
}


@dataclass(frozen=True)
class Link:
    """A pair of topics of which the second repeats the first.

    Attributes:
        kind: type of the messages.
        taken_from, topic: names of the subscribed and the published topic.
        qos: of the subscription and the publisher.
        source, sink: machines at the two ends, see `faults.clocks`; empty: their clocks agree.
    """

    kind: type[Any]
    taken_from: str
    topic: str
    qos: QoSProfile = field(default_factory=lambda: _RELIABLE)
    source: str = ""
    sink: str = ""


def _links() -> Iterable[Link]:
    yield Link(JointState, true_name(JOINT_STATES), JOINT_STATES, source=CONTROLLER, sink=IK)
    for topic in TO_POLICY:
        kind, qos = _TYPES[topic]
        of_joints = topic == JOINT_STATES
        yield Link(
            kind,
            true_name(topic) if of_joints else topic,
            policy_name(topic),
            qos,
            CONTROLLER if of_joints else IK,
            POLICY,
        )
    yield Link(ActionChunk, policy_name(FROM_POLICY), FROM_POLICY, source=POLICY, sink=IK)
    for topic in TRAJECTORIES.values():
        yield Link(JointTrajectory, topic, true_name(topic), source=IK, sink=CONTROLLER)


class Stream:
    """Forwards the messages of one link, with the effects of the present fault.

    Args:
        node: the rclpy node.
        link: the topics.
        clocks: of the machines at the link's ends.
    """

    def __init__(self, node: Node, link: Link, clocks: Clocks) -> None:
        self.link = link
        self._clocks = clocks
        self._publisher = node.create_publisher(link.kind, link.topic, link.qos)
        self._in_order = link.kind is JointTrajectory  # no trajectory may overtake a stop
        receive = self._on_trajectory if link.kind is JointTrajectory else self._on_message
        node.create_subscription(link.kind, link.taken_from, receive, link.qos, raw=True)
        self._timer = node.create_timer(_DELAY_STEP_S, self._publish_due, clock=STEADY)
        self._timer.cancel()
        self._held: list[tuple[float, int, bytes]] = []
        self._numbers = count()
        self._strike = Strike()

    def inject(self, fault: Fault) -> None:
        """Apply a fault to this stream until the fault is over."""
        self._shuffle, self._edit = shuffle_of(fault), edit_of(fault)
        self._delay_s = delay_s_of(fault)
        lasts = find_kind(fault.kind).layer == LINKS
        self._strike = Strike(math.inf if lasts else fault.duration_s)
        self._strike.strike()

    def heal(self) -> None:
        """Forward messages unchanged again."""
        self._strike = Strike()

    def _on_trajectory(self, message: bytes, info: Any) -> None:
        """Add the publication time and the uncertainty of the clocks, for the monitor."""
        sent_ns = info["source_timestamp"] or time.time_ns()
        uncertainty_s = self._clocks.uncertainty_s(self.link.source, self.link.sink)
        trajectory = deserialize_message(message, JointTrajectory)
        trajectory.header.frame_id = write_note(sent_ns, uncertainty_s)
        self._on_message(serialize_message(trajectory))

    def _on_message(self, message: bytes) -> None:
        ahead_s = self._clocks.ahead_s(self.link.source, self.link.sink)
        if ahead_s:
            shifted = shift(deserialize_message(message, self.link.kind), ahead_s)
            message = serialize_message(shifted)
        if not self._strike.on:
            self._forward(message, 0.0)
            return
        if self._edit is not None:
            edited = self._edit(deserialize_message(message, self.link.kind))
            message = serialize_message(edited)
        messages = [message] if self._shuffle is None else self._shuffle(message)
        for each in messages:
            self._forward(each, self._delay_s)

    def _forward(self, message: bytes, delay_s: float) -> None:
        due_s = time.monotonic() + delay_s
        if self._in_order and self._held:
            due_s = max(due_s, max(self._held)[0])
        elif not delay_s:
            self._publisher.publish(message)
            return
        heapq.heappush(self._held, (due_s, next(self._numbers), message))
        self._timer.reset()

    def _publish_due(self) -> None:
        while self._held and self._held[0][0] <= time.monotonic():
            self._publisher.publish(heapq.heappop(self._held)[2])
        if not self._held:
            self._timer.cancel()


class SecondPublisher:
    """A second publisher of joint states: an arm with the same joint names at another position.

    It exists as long as its fault lasts.

    Args:
        node: the rclpy node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._message: bytes | None = None
        self._publisher: Any = None
        self._strike = Strike()
        self._timer = node.create_timer(_JOINT_STATE_STEP_S, self._publish, clock=STEADY)
        self._timer.cancel()
        topic, qos = true_name(JOINT_STATES), sensor_qos("best_effort", 1)
        node.create_subscription(JointState, topic, self._on_joints, qos, raw=True)

    def start(self, fault: Fault) -> None:
        """Create the publisher."""
        self._edit = another_arm(fault)
        self._publisher = self._node.create_publisher(JointState, JOINT_STATES, _RELIABLE)
        self._strike = Strike(fault.duration_s)
        self._strike.strike()
        self._timer.reset()

    def stop(self) -> None:
        """Destroy the publisher."""
        self._timer.cancel()
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None

    def _on_joints(self, message: bytes) -> None:
        self._message = message

    def _publish(self) -> None:
        if self._strike.over:
            self.stop()
        elif self._message is not None:
            joints = self._edit(deserialize_message(self._message, JointState))
            joints.header.stamp = ns_to_stamp(time.time_ns())
            self._publisher.publish(joints)


class Relay(Node):
    """Forwards all streams between sensors, policy_node, ik_node and controllers.

    Args:
        embodiment: whose views it forwards.
    """

    def __init__(self, embodiment: str) -> None:
        super().__init__("relay")
        self._clocks = Clocks()
        self._streams = [Stream(self, link, self._clocks) for link in _links()]
        best_effort = sensor_qos("best_effort", _DEPTH)
        self._views = {
            view: Stream(self, Link(Image, true_name(topic), topic, best_effort), self._clocks)
            for view, topic in images(embodiment).items()
        }
        self._second_publisher = SecondPublisher(self)
        self.declare_parameter("fault", "")
        self.add_on_set_parameters_callback(self._on_set)

    def _on_set(self, parameters: list[Any]) -> SetParametersResult:
        try:
            for parameter in parameters:
                self._set_fault(parameter.value)
        except (ConfigurationError, ValueError, TypeError, KeyError) as error:
            return SetParametersResult(
                successful=False, reason=f"the parameter 'fault' is no valid fault: {error}"
            )
        return SetParametersResult(successful=True)

    def _set_fault(self, text: str) -> None:
        """Replace the present fault by one in JSON; an empty text stands for none."""
        for stream in (*self._streams, *self._views.values()):
            stream.heal()
        self._clocks.heal()
        self._second_publisher.stop()
        if not text:
            return
        fault = Fault(0, **json.loads(text))
        layer = find_kind(fault.kind).layer
        if layer not in (VIEWS, JOINTS, LINKS):
            raise ConfigurationError(
                f"'{fault.kind}' is a fault of {layer}; valid is views, joints, links"
            )
        if fault.kind == "second_publisher":
            self._second_publisher.start(fault)
        elif fault.kind == "clock_skew":
            self._clocks.skew(fault)
        else:
            for stream in self._affected_by(fault, layer):
                stream.inject(fault)

    def _affected_by(self, fault: Fault, layer: str) -> list[Stream]:
        if layer == VIEWS:
            views = self._views.items()
            return [stream for view, stream in views if fault.values["view"] in (view, "all")]
        kind = JointState if layer == JOINTS else JointTrajectory
        return [stream for stream in self._streams if stream.link.kind is kind]


def main() -> int:
    """Run the relay until SIGINT or SIGTERM; return the exit code."""
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: signals.append(received))
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    relay = Relay(*sys.argv[1:])
    executor = SingleThreadedExecutor()
    executor.add_node(relay)
    while not signals:
        executor.spin_once(timeout_sec=0.1)
    relay.destroy_node()
    rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

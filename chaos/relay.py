# SPDX-License-Identifier: Apache-2.0
"""The relay's process: passes on what sim_node's sensors say, and spoils it when it is told to.

Its parameter `fault` takes a fault of views or joints, in JSON: {"kind": ..., "values": {...}}.
"""

import heapq
import json
import signal
import time
from itertools import count
from typing import Any

import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, JointState

from chaos.faults import JOINTS, VIEWS, Fault, find_kind
from chaos.streams import delay_s_of, edit_of, shuffle_of
from chaos.strike import Strike
from chaos.wiring import IMAGES, JOINT_STATES, true_name
from vera_ros.errors import ConfigurationError
from vera_ros.nodes.conversions import sensor_qos
from vera_ros.nodes.node import STEADY

_DEPTH = 20
_DELAY_STEP_S = 0.005


class Stream:
    """One topic that is passed on.

    Args:
        node: the rclpy node.
        kind: type of the messages.
        topic: where to.
        qos: of both sides.
    """

    def __init__(self, node: Node, kind: type[Any], topic: str, qos: QoSProfile) -> None:
        self._kind = kind
        self._publisher = node.create_publisher(kind, topic, qos)
        node.create_subscription(kind, true_name(topic), self._on_message, qos, raw=True)
        self._timer = node.create_timer(_DELAY_STEP_S, self._publish_due, clock=STEADY)
        self._timer.cancel()
        self._held: list[tuple[float, int, bytes]] = []
        self._numbers = count()
        self._strike = Strike()

    def spoil(self, fault: Fault) -> None:
        """Do to this stream what the fault says, until it is over."""
        self._shuffle, self._edit = shuffle_of(fault), edit_of(fault)
        self._delay_s = delay_s_of(fault)
        self._strike = Strike(fault.duration_s)
        self._strike.strike()

    def heal(self) -> None:
        """Pass on as it comes."""
        self._strike = Strike()

    def _on_message(self, message: bytes) -> None:
        if not self._strike.on:
            self._publisher.publish(message)
            return
        if self._edit is not None:
            edited = self._edit(deserialize_message(message, self._kind))
            message = serialize_message(edited)
        messages = [message] if self._shuffle is None else self._shuffle(message)
        for one in messages:
            if self._delay_s:
                due_s = time.monotonic() + self._delay_s
                heapq.heappush(self._held, (due_s, next(self._numbers), one))
                self._timer.reset()
            else:
                self._publisher.publish(one)

    def _publish_due(self) -> None:
        while self._held and self._held[0][0] <= time.monotonic():
            self._publisher.publish(heapq.heappop(self._held)[2])
        if not self._held:
            self._timer.cancel()


class Relay(Node):
    """All streams of the sensors."""

    def __init__(self, **options: Any) -> None:
        super().__init__("relay", **options)
        self._joints = Stream(self, JointState, JOINT_STATES, sensor_qos("reliable", _DEPTH))
        self._views = {
            view: Stream(self, Image, topic, sensor_qos("best_effort", _DEPTH))
            for view, topic in IMAGES.items()
        }
        self.declare_parameter("fault", "")
        self.add_on_set_parameters_callback(self._on_set)

    def _on_set(self, parameters: list[Any]) -> SetParametersResult:
        try:
            for parameter in parameters:
                self._let_loose(parameter.value)
        except (ConfigurationError, ValueError, TypeError, KeyError) as error:
            return SetParametersResult(
                successful=False, reason=f"no fault can be made of it: {error}"
            )
        return SetParametersResult(successful=True)

    def _let_loose(self, text: str) -> None:
        """A fault in JSON; empty: none."""
        for stream in (self._joints, *self._views.values()):
            stream.heal()
        if not text:
            return
        fault = Fault(0, **json.loads(text))
        layer = find_kind(fault.kind).layer
        if layer not in (VIEWS, JOINTS):
            raise ConfigurationError(
                f"'{fault.kind}' is a fault of {layer}; valid is views, joints"
            )
        if layer == JOINTS:
            self._joints.spoil(fault)
            return
        for view, stream in self._views.items():
            if fault.values["view"] in (view, "both"):
                stream.spoil(fault)


def main() -> int:
    """Pass on until SIGINT or SIGTERM."""
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: signals.append(received))
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    relay = Relay()
    executor = SingleThreadedExecutor()
    executor.add_node(relay)
    while not signals:
        executor.spin_once(timeout_sec=0.1)
    relay.destroy_node()
    rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

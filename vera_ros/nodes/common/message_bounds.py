# SPDX-License-Identifier: Apache-2.0
"""Limits of the size of received messages, checked before their content is read.

Anyone in the ROS graph may publish. Converting a large message would keep the executor busy, and a
hold would wait.
"""

import inspect
from collections.abc import Callable
from typing import Any

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import String

from vera_ros.printable import printable
from vera_ros_interfaces.msg import ActionChunk

_MOST_BYTES = {
    ActionChunk: 512 << 10,  # 4096 rows
    JointState: 32 << 10,  # hundreds of joints; they come often
    String: 8 << 20,  # robot_description
    CompressedImage: 64 << 20,
    Image: 256 << 20,
}
_OTHERS_BYTES = 256 << 10


def most_bytes(kind: type) -> int:
    """Return the maximum size of a serialized message of a type."""
    return _MOST_BYTES.get(kind, _OTHERS_BYTES)


def read_bounded(node: Any, kind: type, topic: str, data: bytes) -> Any:
    """Return a received message; None: it is too large or not of its type, which is logged.

    Args:
        node: the rclpy node that received it.
        kind: its type.
        topic: the topic's name.
        data: the serialized message.
    """
    if len(data) > most_bytes(kind):
        fault = f"valid is up to {most_bytes(kind)} bytes"
    else:
        try:
            return deserialize_message(data, kind)
        except (RuntimeError, ValueError) as error:  # RMWError, or text that is not UTF-8
            fault = f"it is no {kind.__name__} ({printable(str(error))})"
    node.get_logger().error(
        f"a message of {len(data)} bytes on '{topic}' is ignored: {fault}; find its publisher with "
        "ros2 topic info --verbose",
        throttle_duration_sec=5.0,
    )
    return None


def bounded(
    node: Any, kind: type, topic: str, callback: Callable[[Any], Any]
) -> Callable[[bytes], Any]:
    """Return the callback for serialized messages that passes those of valid size to `callback`."""

    def receive(data: bytes) -> None:
        message = read_bounded(node, kind, topic, data)
        if message is not None:
            callback(message)

    async def receive_and_wait(data: bytes) -> None:
        message = read_bounded(node, kind, topic, data)
        if message is not None:
            await callback(message)

    return receive_and_wait if inspect.iscoroutinefunction(callback) else receive

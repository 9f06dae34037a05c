# SPDX-License-Identifier: Apache-2.0
"""What the graph says of an image topic: publishers, types, QoS, and topics like it."""

import difflib
from collections.abc import Sequence
from typing import Any

from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

_TYPES = {Image: "sensor_msgs/msg/Image", CompressedImage: "sensor_msgs/msg/CompressedImage"}
_SUFFIX = "/compressed"
_MOST_TOPICS = 6


def reliable_share(node: Any, topic: str) -> float | None:
    """Return the share of publishers that offer reliable delivery; None: there is no publisher."""
    ends = node.get_publishers_info_by_topic(topic)
    if not ends:
        return None
    reliable = [e for e in ends if e.qos_profile.reliability is ReliabilityPolicy.RELIABLE]
    return len(reliable) / len(ends)


def describe_publishers(node: Any, topic: str, kind: type, reliable_by: str) -> str:
    """Return why no message arrives on a topic, by the graph, and what to do.

    Args:
        node: the rclpy node.
        topic: full name of the topic that is subscribed to.
        kind: the message class that is subscribed to, Image or CompressedImage.
        reliable_by: the parameter by which reliable delivery is requested; empty: it is not.
    """
    ends = node.get_publishers_info_by_topic(topic)
    wanted = _TYPES[kind]
    if not ends:
        return f"nothing publishes {topic} ({wanted}); {_others(node, topic, wanted)}"
    others = [end for end in ends if end.topic_type != wanted]
    if len(others) == len(ends):
        return (
            f"{topic} is published by {_names(others)} as {others[0].topic_type}, not as {wanted}; "
            f"{_transport(others[0].topic_type)}"
        )
    best_effort = [
        end for end in ends if end.qos_profile.reliability is not ReliabilityPolicy.RELIABLE
    ]
    if reliable_by and len(best_effort) == len(ends):
        auto = "auto or " * (reliable_by == "image_reliability")
        return (
            f"{_names(ends)} offers {topic} with best effort, and {reliable_by} is reliable; "
            f"set it to {auto}best_effort"
        )
    return (
        f"{_names(ends)} publishes {topic}, but nothing arrives; check the camera, and with "
        "large pictures the DDS profile on both sides (docs/how_to/large_pictures.md)"
    )


def _names(ends: Sequence[Any]) -> str:
    return ", ".join(sorted({f"{end.node_namespace.rstrip('/')}/{end.node_name}" for end in ends}))


def _transport(found: str) -> str:
    if found == _TYPES[CompressedImage]:
        return "set image_transport to compressed, and view_topics without /compressed"
    if found == _TYPES[Image]:
        return "set image_transport to raw"
    return "set view_topics to the camera's image topics"


def _others(node: Any, topic: str, wanted: str) -> str:
    """Return which topic may be meant."""
    topics = dict(node.get_topic_names_and_types())
    twice = 2 * _SUFFIX
    if topic.endswith(twice):
        return (
            f"{_SUFFIX} is appended to view_topics where image_transport is compressed: leave it "
            "out of view_topics"
        )
    images = {name: types[0] for name, types in topics.items() if types[0] in _TYPES.values()}
    published = [name for name in images if node.count_publishers(name)]
    if not published:
        return "no image topic is published; start the camera driver"
    plain = topic.removesuffix(_SUFFIX)
    if topic != plain and plain in published and f"{plain}{_SUFFIX}" not in published:
        return f"{plain} is published raw: set image_transport to raw"
    if topic == plain and f"{topic}{_SUFFIX}" in published:
        return f"{topic}{_SUFFIX} is published: set image_transport to compressed"
    fitting = [name for name in published if images[name] == wanted] or published
    near = difflib.get_close_matches(topic, fitting, 1, 0.6)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"{meant}published image topics are {', '.join(sorted(fitting)[:_MOST_TOPICS])}"

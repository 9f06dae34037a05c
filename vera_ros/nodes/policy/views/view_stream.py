# SPDX-License-Identifier: Apache-2.0
"""The stream of pictures of one camera view: subscription, decoding, and bad pictures."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from sensor_msgs.msg import CompressedImage, Image

from vera_ros.errors import ConfigurationError, ImageError, VeraRosError
from vera_ros.nodes.common.conversions import (
    LOSSLESS_DEPTH,
    SENSOR_DEPTH,
    sensor_qos,
    stamp_to_ns,
)
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.common.parameters.qos_overrides import SUBSCRIPTION, overrides, overriding
from vera_ros.nodes.policy.views.image_topics import describe_publishers, reliable_share
from vera_ros.nodes.policy.views.recent_faults import RecentFaults
from vera_ros.nodes.policy.views.stamps import AHEAD_S, Arrivals, Stamp
from vera_ros.vision.compressed_images import decode
from vera_ros.vision.images import RgbImage, to_rgb

_DECODERS: dict[type, Callable[[Any], RgbImage]] = {CompressedImage: decode, Image: to_rgb}
_SILENT_S = 0.8  # without pictures, the graph says more than the last one


class Sink(NamedTuple):
    """What a stream does with pictures.

    Attributes:
        add: keeps a picture (view, stamp [ns], RGB); raises ImageError.
        newest_ns: returns the stamp of the view's newest picture that is kept [ns]; None: none is.
        on_picture: called after each good picture.
        on_fault: called with the reason when too many of the last pictures were bad.
    """

    add: Callable[[str, int, RgbImage], object]
    newest_ns: Callable[[str], int | None]
    on_picture: Callable[[], None]
    on_fault: Callable[[str], None]


class ViewStream:
    """Subscribes to a view, and passes its pictures on; bad ones are dropped and counted.

    Args:
        node: the rclpy node.
        view: the view's key.
        topic: the parameter's topic, without /compressed.
        sink: takes the pictures.

    Attributes:
        topic: full name of the topic that is subscribed to.
        reliable: whether the present subscription requests reliable delivery.
    """

    def __init__(self, node: VeraNode, view: str, topic: str, sink: Sink) -> None:
        p = node.parameters
        compressed = p["image_transport"] == "compressed"
        self._node = node
        self._view = view
        self._sink = sink
        self._kind = CompressedImage if compressed else Image
        self.topic: str = node.resolve_topic_name(f"{topic}/compressed" if compressed else topic)
        self._lockstep = bool(p["lockstep"])
        self._reliability, self._asked_by = _reliability(node, self.topic)
        self._faults = RecentFaults(p["bad_picture_share"])
        self._arrivals = Arrivals()
        self.reliable = self._reliability == "reliable"
        self._subscribe()

    @property
    def bad(self) -> int:
        """Number of bad pictures so far."""
        return self._faults.count

    def _subscribe(self) -> None:
        reliability = "reliable" if self.reliable else "best_effort"
        depth = LOSSLESS_DEPTH if self._lockstep else SENSOR_DEPTH
        self._subscription = self._node.create_subscription(
            self._kind,
            self.topic,
            self._on_image,
            sensor_qos(reliability, depth),
            qos_overriding_options=overriding(self._node, self.topic, SUBSCRIPTION),
        )

    def adapt(self, *, busy: bool) -> None:
        """Request what every publisher offers, where image_reliability is auto.

        A new subscription loses pictures: while `busy`, only one that gets none is replaced.
        """
        if self._reliability != "auto":
            return
        share = reliable_share(self._node, self.topic)
        if share is None or (share == 1.0) == self.reliable:
            return
        if busy and not (self.reliable and share == 0.0):
            return
        reliable = share == 1.0
        self._node.destroy_subscription(self._subscription)
        self.reliable = reliable
        self._subscribe()

    def _on_image(self, message: Any) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        if self._lockstep and stamp_ns == self._sink.newest_ns(self._view):
            return  # while time stands still, the same picture is repeated
        now_ns = self._node.get_clock().now().nanoseconds
        stamp = Stamp(stamp_ns, now_ns, time.monotonic())
        self._arrivals.add(stamp)
        try:
            # One that is ahead would hide all pictures until then; lockstep's clock may lag.
            if stamp.ahead_s > AHEAD_S and not self._lockstep:
                raise ImageError(stamp.fault(self.topic))
            self._sink.add(self._view, stamp_ns, _DECODERS[self._kind](message))
        except VeraRosError as error:
            self._drop(str(error))
        else:
            self._faults.add("")
            self._sink.on_picture()

    def _drop(self, fault: str) -> None:
        self._faults.add(fault)
        self._node.get_logger().error(
            f"picture {self.bad} of view '{self._view}' dropped: {fault}",
            throttle_duration_sec=5.0,
        )
        excess = self._faults.excess()
        if excess:
            self._sink.on_fault(f"view '{self._view}': {excess}")

    def explain(self) -> str:
        """Return why pictures are missing or cannot be used; empty: not known."""
        newest = self._arrivals.newest
        if newest is None or time.monotonic() - newest.arrived_s > _SILENT_S:
            asked_by = self._asked_by if self.reliable else ""
            return describe_publishers(self._node, self.topic, self._kind, asked_by)
        return self._faults.summary() or self._arrivals.describe(self.topic)


def _reliability(node: VeraNode, topic: str) -> tuple[str, str]:
    """Return the reliability to request, or auto, and the name of the parameter that says so.

    Raises:
        ConfigurationError: image_reliability and a QoS override contradict each other.
    """
    general = str(node.parameters["image_reliability"])
    override = overrides(node, topic, SUBSCRIPTION).get("reliability")
    if override is None:
        return general, "image_reliability"
    name = f"qos_overrides.{topic}.{SUBSCRIPTION}.reliability"
    if general not in ("auto", override):
        raise ConfigurationError(
            f"'image_reliability' is {general} and '{name}' is {override}; set image_reliability "
            "to auto, the default, or remove the other one"
        )
    return str(override), name

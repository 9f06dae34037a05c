# SPDX-License-Identifier: Apache-2.0
"""The camera views of policy_node: pictures come in, and a window looks at them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from vera_ros.embodiments import Embodiment
from vera_ros.errors import ConfigurationError, VeraRosError
from vera_ros.nodes.common.conversions import LOSSLESS_DEPTH, sensor_qos, stamp_to_ns
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.images import to_rgb
from vera_ros.vision.window import RollingWindow, SamplingRules
from vera_ros.wire.server_config import ServerConfig

_NEVER_LATE_NS = 2**62  # lockstep: a picture may take any real time to arrive


class PolicyViews:
    """Subscribes to the views and keeps their newest pictures.

    Args:
        node: the rclpy node.
        embodiment: whose views these are.
        on_picture: called when there is one more.
        on_fault: told why a picture cannot be used.

    Attributes:
        buffer: the pictures.

    Raises:
        ConfigurationError: there is not one topic for each view.
    """

    def __init__(
        self,
        node: VeraNode,
        embodiment: Embodiment,
        on_picture: Callable[[], None],
        on_fault: Callable[[str], None],
    ) -> None:
        self._node = node
        self._embodiment = embodiment
        self._on_picture = on_picture
        self._on_fault = on_fault
        self._lockstep = bool(node.parameters["lockstep"])
        views = embodiment.view_keys
        self.buffer = FrameBuffer(views, node.parameters["frame_buffer_size"])
        topics = node.parameters["view_topics"]
        if len(topics) != len(views):
            raise ConfigurationError(
                f"view_topics has {len(topics)} topics; valid is one for each of {list(views)}"
            )
        for view, topic in zip(views, topics, strict=True):
            self._subscribe(view, topic)

    def make_window(self, config: ServerConfig) -> RollingWindow:
        """A window on the pictures that come from now on, as the server wants it."""
        p = self._node.parameters
        rules = SamplingRules(
            period_ns=round(config.control_dt * 1e9),
            max_age_ns=round(p["view_max_age_s"] * 1e9),
            max_skew_ns=round(p["view_max_skew_s"] * 1e9),
            max_delay_ns=_NEVER_LATE_NS if self._lockstep else round(p["view_max_delay_s"] * 1e9),
        )
        # In lockstep, one view's pictures may all be there before the other's first.
        capacity = max(p["frame_buffer_size"], LOSSLESS_DEPTH if self._lockstep else 0)
        # The server's order is the order of concatenation; pictures of before the episode go.
        counts = self.buffer.counts
        self.buffer = FrameBuffer(config.view_keys, capacity)
        self.buffer.counts |= {view: counts[view] for view in config.view_keys}
        height, width = config.image_resolution or self._embodiment.resolution
        return RollingWindow(
            self.buffer,
            config.context_frames,
            (height, width),
            rules,
            widths=config.view_widths,
            crop=p["crop"],
        )

    def _subscribe(self, view: str, topic: str) -> None:
        p = self._node.parameters
        compressed = p["image_transport"] == "compressed"
        self._node.create_subscription(
            CompressedImage if compressed else Image,
            f"{topic}/compressed" if compressed else topic,
            partial(self._on_image, view),
            sensor_qos(p["image_reliability"], LOSSLESS_DEPTH)
            if self._lockstep
            else sensor_qos(p["image_reliability"]),
        )

    def _on_image(self, view: str, message: Any) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        if self._lockstep and stamp_ns == self.buffer.newest_stamp_ns(view):
            return  # while time stands still, the present is shown again and again
        try:
            self.buffer.add(view, stamp_ns, to_rgb(message))
        except VeraRosError as error:
            self._on_fault(f"view '{view}': {error}")
        else:
            self._on_picture()

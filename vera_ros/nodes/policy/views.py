# SPDX-License-Identifier: Apache-2.0
"""The camera views of policy_node: subscriptions, and the frame window on their pictures."""

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
        embodiment: embodiment with the views.
        on_picture: called after each new picture.
        on_fault: called with the reason when a picture cannot be used.

    Attributes:
        buffer: the newest pictures of each view.

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
        """Return a window, as the server requires it, on the pictures that arrive from now on."""
        p = self._node.parameters
        rules = SamplingRules(
            period_ns=round(config.control_dt * 1e9),
            max_age_ns=round(p["view_max_age_s"] * 1e9),
            max_skew_ns=round(p["view_max_skew_s"] * 1e9),
            max_delay_ns=_NEVER_LATE_NS if self._lockstep else round(p["view_max_delay_s"] * 1e9),
        )
        # In lockstep, all pictures of one view may arrive before the first of another.
        capacity = max(p["frame_buffer_size"], LOSSLESS_DEPTH if self._lockstep else 0)
        # The server's order is that of concatenation; pictures from before the episode are dropped.
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
            return  # while time stands still, the same picture is repeated
        try:
            self.buffer.add(view, stamp_ns, to_rgb(message))
        except VeraRosError as error:
            self._on_fault(f"view '{view}': {error}")
        else:
            self._on_picture()

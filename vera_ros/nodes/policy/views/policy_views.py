# SPDX-License-Identifier: Apache-2.0
"""The camera views of policy_node: their streams, and the frame window on their pictures."""

import time
from collections.abc import Callable, Sequence

from vera_ros.embodiments import Embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.conversions import LOSSLESS_DEPTH
from vera_ros.nodes.common.lifecycle_node import STEADY, VeraNode
from vera_ros.nodes.policy.views.view_stream import Sink, ViewStream
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.window import RollingWindow, SamplingRules
from vera_ros.wire.protocol.server_config import ServerConfig

_NEVER_LATE_NS = 2**62  # lockstep: a picture may take any real time to arrive
_GRAPH_S = 1.0  # between looks at the graph: it changes slowly, and costs time


class PolicyViews:
    """Subscribes to the views and keeps their newest pictures (see vera_ros.policy.ports).

    Args:
        node: the rclpy node.
        embodiment: embodiment with the views.
        on_picture: called after each new picture.
        on_fault: called with the reason when too many pictures of a view cannot be used.
        busy: returns whether an episode is under way.

    Attributes:
        buffer: the newest pictures of each view.
        streams: the views' streams, by view key.

    Raises:
        ConfigurationError: there is not one topic for each view.
    """

    def __init__(
        self,
        node: VeraNode,
        embodiment: Embodiment,
        on_picture: Callable[[], None],
        on_fault: Callable[[str], None],
        busy: Callable[[], bool],
    ) -> None:
        self._node = node
        self._embodiment = embodiment
        self._lockstep = bool(node.parameters["lockstep"])
        self._explained: dict[tuple[str, ...], tuple[float, str]] = {}
        views = embodiment.view_keys
        self.buffer = FrameBuffer(views, node.parameters["frame_buffer_size"])
        sink = Sink(self.buffer.add, self.buffer.newest_stamp_ns, on_picture, on_fault)
        self.streams = {
            view: ViewStream(node, view, topic, sink)
            for view, topic in zip(views, _view_topics(node, views), strict=True)
        }

        def adapt() -> None:
            for stream in self.streams.values():
                stream.adapt(busy=busy())

        node.create_timer(_GRAPH_S, adapt, clock=STEADY)

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
        self.buffer.start_anew(config.view_keys, capacity)
        height, width = config.image_resolution or self._embodiment.resolution
        return RollingWindow(
            self.buffer,
            config.context_frames,
            (height, width),
            rules,
            widths=config.view_widths,
            crop=p["crop"],
        )

    def explain(self, views: Sequence[str]) -> str:
        """Return why pictures of these views are missing or unusable; empty: not known."""
        key, now_s = tuple(views), time.monotonic()
        asked_s, text = self._explained.get(key, (-_GRAPH_S, ""))
        if now_s - asked_s >= _GRAPH_S:
            reasons = [self.streams[view].explain() for view in views if view in self.streams]
            text = "; ".join(dict.fromkeys(reason for reason in reasons if reason))
            self._explained[key] = now_s, text
        return text


def _view_topics(node: VeraNode, views: Sequence[str]) -> list[str]:
    topics: list[str] = node.parameters["view_topics"]
    if len(topics) != len(views):
        raise ConfigurationError(
            f"view_topics is {topics}; valid is one topic for each of the views {list(views)}"
        )
    resolved: dict[str, str] = {}
    for view, topic in zip(views, topics, strict=True):
        name = node.resolve_topic_name(topic)
        if name in resolved:
            raise ConfigurationError(
                f"view_topics gives '{name}' for both '{resolved[name]}' and '{view}'; give each "
                "view the topic of its own camera"
            )
        resolved[name] = view
    return topics

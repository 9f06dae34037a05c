# SPDX-License-Identifier: Apache-2.0
"""Recorders of streams of stamped messages."""

import math
import time
from collections.abc import Callable
from typing import Any

from sensor_msgs.msg import JointState

from vera_ros.nodes.common.conversions import sensor_qos, stamp_to_ns

_ENOUGH = 25  # messages that suffice to judge a stream
_ENOUGH_S = 1.5  # or this span of time
_MOST = 400  # messages that are recorded


class Stream:
    """Recorder of a topic: stamps and arrivals of its messages, and the newest one."""

    def __init__(self, node: Any, now_s: Callable[[], float], kind: Any, topic: str, qos: Any):
        self._node, self._now_s = node, now_s
        self.name = node.resolve_topic_name(topic)
        self.samples: list[tuple[float, float, float]] = []
        self.newest: Any = None
        node.create_subscription(kind, topic, self._on_message, qos)

    def _on_message(self, message: Any) -> None:
        self.newest = message
        if len(self.samples) < _MOST:
            stamp_s = stamp_to_ns(message.header.stamp) * 1e-9
            self.samples.append((stamp_s, time.monotonic(), self._now_s()))
        self.add(message)

    def add(self, message: Any) -> None:
        """Record more of a message, in subclasses."""

    @property
    def published(self) -> bool:
        """Whether the topic has publishers."""
        return bool(self._node.count_publishers(self.name))

    @property
    def enough(self) -> bool:
        """Whether the messages that were received suffice to judge the stream."""
        if len(self.samples) < 2:
            return False
        span_s = self.samples[-1][1] - self.samples[0][1]
        return len(self.samples) >= _ENOUGH or span_s >= _ENOUGH_S


class JointStream(Stream):
    """Recorder of the joint states, with the latest values of each joint."""

    def __init__(self, node: Any, now_s: Callable[[], float]) -> None:
        self.names: set[tuple[str, ...]] = set()
        self._positions: dict[str, float] = {}
        self._velocities: dict[str, float] = {}
        self._efforts: dict[str, float] = {}
        self._values = (self._positions, self._velocities, self._efforts)
        super().__init__(node, now_s, JointState, "joint_states", sensor_qos("best_effort"))

    def add(self, message: JointState) -> None:
        """Record names and values of the message's joints."""
        self.names.add(tuple(message.name))
        self._positions |= dict(zip(message.name, message.position, strict=False))
        self._velocities |= dict(zip(message.name, message.velocity, strict=False))
        self._efforts |= dict(zip(message.name, message.effort, strict=False))

    def facts(self) -> dict[str, Any]:
        """Return the facts about the joints."""
        all_names = {name for names in self.names for name in names}
        return {
            "names": sorted(self.names),
            "not_finite": sorted(
                name for name in all_names if not math.isfinite(self._positions.get(name, math.nan))
            ),
            "with_velocity": _numbers(self._velocities),
            "with_effort": _numbers(self._efforts),
            "newest": {
                name: [values.get(name, math.nan) for values in self._values] for name in all_names
            },
        }


def _numbers(values: dict[str, float]) -> list[str]:
    """Return the names whose value is finite."""
    return [name for name, value in values.items() if math.isfinite(value)]

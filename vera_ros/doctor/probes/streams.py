# SPDX-License-Identifier: Apache-2.0
"""Streams of stamped messages, noted as they come."""

import math
import time
from collections.abc import Callable
from typing import Any

from sensor_msgs.msg import JointState

from vera_ros.nodes.common.conversions import sensor_qos, stamp_to_ns

_ENOUGH = 25  # messages of a stream that tell all about it
_ENOUGH_S = 1.5  # or that much time of it
_MOST = 400


class Stream:
    """The messages of a topic, as they come."""

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
        """Note more of a message."""

    @property
    def published(self) -> bool:
        """Whether anything was received."""
        return bool(self._node.count_publishers(self.name))

    @property
    def enough(self) -> bool:
        """Whether what came tells all about it."""
        if len(self.samples) < 2:
            return False
        span_s = self.samples[-1][1] - self.samples[0][1]
        return len(self.samples) >= _ENOUGH or span_s >= _ENOUGH_S


class JointStream(Stream):
    """The joint states."""

    def __init__(self, node: Any, now_s: Callable[[], float]) -> None:
        self.names: set[tuple[str, ...]] = set()
        self._positions: dict[str, float] = {}
        self._velocities: dict[str, float] = {}
        self._efforts: dict[str, float] = {}
        super().__init__(node, now_s, JointState, "joint_states", sensor_qos("best_effort"))

    def add(self, message: JointState) -> None:
        """Note the joints."""
        self.names.add(tuple(message.name))
        self._positions |= dict(zip(message.name, message.position, strict=False))
        self._velocities |= dict(zip(message.name, message.velocity, strict=False))
        self._efforts |= dict(zip(message.name, message.effort, strict=False))

    def facts(self) -> dict[str, Any]:
        """What is told of them."""
        all_names = {name for names in self.names for name in names}
        return {
            "names": sorted(self.names),
            "not_finite": sorted(
                name for name in all_names if not math.isfinite(self._positions.get(name, math.nan))
            ),
            "with_velocity": _numbers(self._velocities),
            "with_effort": _numbers(self._efforts),
        }


def _numbers(values: dict[str, float]) -> list[str]:
    """Those whose value is a number."""
    return [name for name, value in values.items() if math.isfinite(value)]

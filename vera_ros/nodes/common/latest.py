# SPDX-License-Identifier: Apache-2.0
"""Subscriptions that are polled for their newest messages.

A callback for every message of a 100 Hz stream costs an rclpy executor a fifth of a core; most
messages are superseded before they are used.
"""

import time
from typing import Any, Generic, NamedTuple, TypeVar

from rclpy.callback_groups import CallbackGroup

from vera_ros.nodes.common.conversions import sensor_qos
from vera_ros.nodes.common.message_bounds import read_bounded
from vera_ros.nodes.common.parameters.qos_overrides import SUBSCRIPTION, overriding

T = TypeVar("T")


class _NeverWaitedFor(CallbackGroup):
    """Keeps a subscription out of the executor's wait set."""

    def can_execute(self, entity: Any) -> bool:
        return False

    def beginning_execution(self, entity: Any) -> bool:
        return False

    def ending_execution(self, entity: Any) -> None:
        pass


class Taken(NamedTuple, Generic[T]):
    """A message, its time of arrival (steady time [s]), and its publisher's sequence number."""

    message: T
    received_s: float
    sequence: int | None  # None: the middleware does not report it


class Latest(Generic[T]):
    """A subscription that is polled instead of calling back.

    Args:
        node: the rclpy node.
        kind: the message type.
        topic: the topic's name.
        depth: how many of the messages since the last read are kept, unless QoS overrides say.
    """

    def __init__(self, node: Any, kind: type[T], topic: str, depth: int = 1) -> None:
        self._node = node
        self._subscription = node.create_subscription(
            kind,
            topic,
            lambda _: None,
            sensor_qos("best_effort", depth),
            callback_group=_NeverWaitedFor(),
            raw=True,
            qos_overriding_options=overriding(node, topic, SUBSCRIPTION),
        )
        self._group = self._subscription.callback_group
        self._topic = self._subscription.topic_name
        self._depth: int = self._subscription.qos_profile.depth
        self._newest: Taken[T] | None = None

    def read(self) -> Taken[T] | None:
        """Return the newest message; None: none has arrived."""
        self.take()
        return self._newest

    def take(self) -> list[Taken[T]]:
        """Return the messages that arrived since the last read, oldest first."""
        subscription = self._subscription
        messages: list[Taken[T]] = []
        for _ in range(self._depth):  # in a flood, more arrive meanwhile
            with subscription.handle:
                taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
            if taken is None:
                break
            data, info = taken
            message = read_bounded(self._node, subscription.msg_type, self._topic, data)
            if message is None:
                continue
            arrived_ns = info["received_timestamp"] or time.time_ns()
            age_s = max(0.0, (time.time_ns() - arrived_ns) * 1e-9)
            sequence = info.get("publication_sequence_number")
            self._newest = Taken(message, time.monotonic() - age_s, sequence)
            messages.append(self._newest)
        return messages

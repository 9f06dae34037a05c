# SPDX-License-Identifier: Apache-2.0
"""Stands in for the node of a recorder: what is said reaches it without a middleware."""

from collections.abc import Callable
from typing import Any


class Topics:
    """What a recorder subscribes to, to be said to it without a middleware."""

    def __init__(self) -> None:
        self._listeners: dict[type[Any], Callable[[Any], None]] = {}

    def create_subscription(
        self, kind: type[Any], _topic: str, listener: Callable[[Any], None], _qos: object
    ) -> None:
        self._listeners[kind] = listener

    def say(self, *messages: Any) -> None:
        for message in messages:
            self._listeners[type(message)](message)

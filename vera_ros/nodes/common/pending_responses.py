# SPDX-License-Identifier: Apache-2.0
"""Service responses that wait for an event."""

from typing import Any

from rclpy.task import Future


class PendingResponses:
    """Service calls that wait for the same event.

    Args:
        node: the rclpy node whose executor runs the calls.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        self._waiting: list[Future] = []

    def wait(self) -> Future:
        """Return a future for (success, message)."""
        future: Future = Future(executor=self._node.executor)
        self._waiting.append(future)
        return future

    def give(self, success: bool, message: str) -> None:
        """Answer all waiting calls."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            future.set_result((success, message))

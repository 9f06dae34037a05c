# SPDX-License-Identifier: Apache-2.0
"""Services that answer when something has happened."""

from typing import Any

from rclpy.task import Future


class PendingResponses:
    """Those who wait for the same thing to happen.

    Args:
        node: the rclpy node whose executor they wait in.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        self._waiting: list[Future] = []

    def wait(self) -> Future:
        """A future for success and message."""
        future: Future = Future(executor=self._node.executor)
        self._waiting.append(future)
        return future

    def give(self, success: bool, message: str) -> None:
        """Answer all who wait."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            future.set_result((success, message))

# SPDX-License-Identifier: Apache-2.0
"""Runs work that would block a node's executor in a thread of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rclpy.task import Future


class Background:
    """A worker thread of a node that runs its jobs one after the other.

    Args:
        node: the rclpy node; callbacks in its executor may await the futures.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        self._thread = ThreadPoolExecutor(1, "background")
        self._wake = node.create_guard_condition(lambda: None)

    def close(self, *, finish: bool = False) -> None:
        """Accept no more jobs; drop those not yet started, or wait for all (`finish`)."""
        self._thread.shutdown(wait=finish, cancel_futures=not finish)

    def do(self, work: Callable[[], Any]) -> Future:
        """Queue `work()` and return a future for its result or exception."""
        future: Future = Future(executor=self._node.executor)

        def run() -> None:
            try:
                future.set_result(work())
            except Exception as error:
                future.set_exception(error)
            self._wake.trigger()

        self._thread.submit(run)
        return future

# SPDX-License-Identifier: Apache-2.0
"""Work that takes too long for an executor, which has the arm to look after."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rclpy.task import Future


class Background:
    """A thread of a node's own, which does one thing after the other.

    Args:
        node: the rclpy node; callbacks that run in its executor may await what is done.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        self._thread = ThreadPoolExecutor(1, "background")
        self._wake = node.create_guard_condition(lambda: None)

    def close(self) -> None:
        """Begin nothing more, and end once what was begun is done."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def do(self, work: Callable[[], Any]) -> Future:
        """A future for what `work` returns or raises; it is called without arguments."""
        future: Future = Future(executor=self._node.executor)

        def run() -> None:
            try:
                future.set_result(work())
            except Exception as error:
                future.set_exception(error)
            self._wake.trigger()

        self._thread.submit(run)
        return future

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

    def close(self, *, finish: bool = False) -> None:
        """Take nothing more; drop what was not begun, or wait until all is done (`finish`)."""
        self._thread.shutdown(wait=finish, cancel_futures=not finish)

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

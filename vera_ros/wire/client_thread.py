# SPDX-License-Identifier: Apache-2.0
"""The policy client in a thread of its own, for callers that must never wait."""

from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from vera_ros.wire.client import PolicyClient
from vera_ros.wire.loop_thread import LoopThread

T = TypeVar("T")


class ClientThread:
    """Runs calls of a policy client for a thread that does other things.

    The client must not be used by anyone else.
    """

    def __init__(self, client: PolicyClient) -> None:
        self._client = client
        self._thread = LoopThread("policy_client", farewell=client.close)

    def submit(
        self,
        call: Callable[[PolicyClient], Coroutine[Any, Any, T]],
        on_done: "Callable[[Future[T]], None]",
    ) -> "Future[T]":
        """Start a call such as `lambda client: client.infer(request)`; return at once.

        `on_done` gets the finished future, which holds the result, the exception or the fact
        that it was cancelled. It runs in the client's thread, or in the one that cancels, and
        must not block: let it put the future into a queue. `cancel()` on the returned future
        ends the call at once; if it was in flight, the connection is dropped (the server cannot
        be interrupted) before the next call starts, so that a connect may follow directly.

        Raises:
            ConnectionFailedError: this thread was stopped.
        """
        future = self._thread.submit(lambda: call(self._client))
        future.add_done_callback(on_done)
        return future

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Cancel everything and disconnect; return whether that was done within the time."""
        return self._thread.stop(timeout_s)

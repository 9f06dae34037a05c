# SPDX-License-Identifier: Apache-2.0
"""An asyncio event loop in a thread of its own, for callers that must not block."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from vera_ros.errors import ConnectionFailedError

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads until it is stopped.

    Args:
        name: name of the thread.
        farewell: awaited when the loop stops, after every other coroutine was cancelled.
    """

    def __init__(self, name: str, farewell: Callable[[], Awaitable[None]]) -> None:
        self._farewell = farewell
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[], Coroutine[Any, Any, T]]) -> "Future[T]":
        """Start a coroutine; return its future without waiting.

        Raises:
            ConnectionFailedError: the loop was stopped.
        """
        with self._lock:  # else a coroutine submitted during a stop never ran
            if self._stopping:
                raise ConnectionFailedError(
                    f"thread '{self._thread.name}' was stopped; make a new one"
                )
            return asyncio.run_coroutine_threadsafe(call(), self._loop)

    def stop(self, timeout_s: float) -> bool:
        """Cancel everything; return whether the thread ended within the time allowed."""
        with self._lock:
            if not self._stopping:
                self._stopping = True
                self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._finish())
        finally:
            self._loop.close()

    async def _finish(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._farewell()

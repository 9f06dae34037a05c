# SPDX-License-Identifier: Apache-2.0
"""Periodic calls every few ms, in a thread of their own.

A timer of an rclpy executor costs more than a millisecond each time it fires.
"""

import threading
import time
from collections.abc import Callable


class Ticker:
    """Calls `tick` at a fixed rate until stopped; does not make up for late calls.

    Args:
        period_s: time from call to call [s].
        tick: called in the thread.
        on_failure: called with what `tick` raised, after which there are no more calls.
    """

    def __init__(
        self,
        period_s: float,
        tick: Callable[[], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._period_s = period_s
        self._tick = tick
        self._on_failure = on_failure
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until the last call has ended. Must not be called by `tick`."""
        self._halt.set()
        self._thread.join()

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._halt.wait(max(0.0, due_s - time.monotonic())):
            try:
                self._tick()
            except Exception as error:
                self._on_failure(error)
                return
            due_s = max(due_s + self._period_s, time.monotonic())

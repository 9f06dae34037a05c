# SPDX-License-Identifier: Apache-2.0
"""Waiting for conditions with deadlines, while an executor spins."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from vera_ros.bringup.failures import DemoError

_SPIN_S = 0.1


class Waiter:
    """Spins an executor until something has happened.

    Args:
        executor: with the nodes of this process.
        checks: called repeatedly; each raises when waiting is pointless.
    """

    def __init__(self, executor: Any, checks: Sequence[Callable[[], None]]) -> None:
        self._executor = executor
        self._checks = tuple(checks)

    def spin(self, timeout_s: float) -> None:
        """Run a callback that is due; wait at most `timeout_s` for one."""
        self._executor.spin_once(timeout_sec=timeout_s)

    def until(self, missing: Callable[[], str], within_s: float) -> None:
        """Wait until nothing is missing.

        Args:
            missing: returns what is still missing, in words; empty: nothing.
            within_s: time-out, real time [s].

        Raises:
            DemoError: the time is up, or a check raised it.
        """
        deadline_s = time.monotonic() + within_s
        while what := missing():
            for check in self._checks:
                check()
            if time.monotonic() > deadline_s:
                raise DemoError(f"waited {within_s:g} s in vain for {what}")
            self._executor.spin_once(timeout_sec=_SPIN_S)

    def result(self, future: Any, what: str, within_s: float) -> Any:
        """Wait for a future, and return its result.

        Raises:
            DemoError: the time is up, or a check raised it.
        """
        self.until(lambda: "" if future.done() else what, within_s)
        return future.result()

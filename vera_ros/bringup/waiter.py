# SPDX-License-Identifier: Apache-2.0
"""Waiting for conditions, with deadlines, while everything else is kept going."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from vera_ros.bringup.failures import DemoError

_SPIN_S = 0.1


class Waiter:
    """Spins an executor until something has happened.

    Args:
        executor: with the nodes of this process.
        checks: called all the while; each raises when it makes no sense to wait on.
    """

    def __init__(self, executor: Any, checks: Sequence[Callable[[], None]]) -> None:
        self._executor = executor
        self._checks = tuple(checks)

    def spin(self, timeout_s: float) -> None:
        """Let happen what is due, and wait no longer than this for the first of it."""
        self._executor.spin_once(timeout_sec=timeout_s)

    def until(self, missing: Callable[[], str], within_s: float) -> None:
        """Wait until nothing is missing any more.

        Args:
            missing: names what is still waited for; empty: nothing.
            within_s: real time.

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
        """Return a future's result, as soon as it is there.

        Raises:
            DemoError: the time is up, or a check raised it.
        """
        self.until(lambda: "" if future.done() else what, within_s)
        return future.result()

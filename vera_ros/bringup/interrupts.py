# SPDX-License-Identifier: Apache-2.0
"""Termination signals, recorded instead of raised, for an orderly shutdown."""

import signal
from types import FrameType, TracebackType
from typing import Any

from vera_ros.bringup.failures import InterruptedRunError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Within its `with` block, records signals that ask this process to end."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interrupts":
        """Install the handlers."""
        self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restore the handlers from before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise InterruptedRunError if a signal was received."""
        if self.received is not None:
            raise InterruptedRunError(f"stopped by {self.received.name}")

    def _note(self, number: int, _: FrameType | None) -> None:
        self.received = signal.Signals(number)

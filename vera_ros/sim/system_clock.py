# SPDX-License-Identifier: Apache-2.0
"""The system's time of a moment on the steady clock, also after the system's clock was set."""

import time
from collections.abc import Callable

_SET_NS = 10_000_000  # a smaller difference is not worth a jump of the stamps
_INTERRUPTED_S = 1e-3  # between two readings: these do not belong to the same moment


class SystemClock:
    """Converts steady time to the system's time.

    Args:
        steady_s: returns steady time [s].
        system_ns: returns the system's time [ns].
    """

    def __init__(
        self,
        steady_s: Callable[[], float] = time.monotonic,
        system_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._steady_s = steady_s
        self._system_ns = system_ns
        self._offset_ns = system_ns() - round(steady_s() * 1e9)

    def update(self) -> None:
        """Compare the two clocks: if the system's was set, follow it."""
        before_s, system_ns, after_s = self._steady_s(), self._system_ns(), self._steady_s()
        offset_ns = system_ns - round(before_s * 1e9)
        if after_s - before_s < _INTERRUPTED_S and abs(offset_ns - self._offset_ns) > _SET_NS:
            self._offset_ns = offset_ns

    def time_ns(self, steady_s: float) -> int:
        """Return the system's time [ns] at a steady time [s]."""
        return self._offset_ns + round(steady_s * 1e9)

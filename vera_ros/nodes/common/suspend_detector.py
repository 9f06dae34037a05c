# SPDX-License-Identifier: Apache-2.0
"""Detects that this process was suspended: its data is old then, through no fault of others."""

import time

_ASLEEP_S = 0.25


class SuspendDetector:
    """Lets a periodic check skip one round after its process was suspended."""

    def __init__(self) -> None:
        self._last_s = time.monotonic()
        self._slept = False

    def was_suspended(self) -> bool:
        """Return whether the last call was long ago; never twice in a row, so checks go on."""
        now_s = time.monotonic()
        self._slept = now_s - self._last_s > _ASLEEP_S and not self._slept
        self._last_s = now_s
        return self._slept

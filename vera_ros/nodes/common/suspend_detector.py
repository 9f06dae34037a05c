# SPDX-License-Identifier: Apache-2.0
"""Whether this process itself was asleep: what it knows is old then, and no fault of others."""

import time

_ASLEEP_S = 0.25


class SuspendDetector:
    """For what runs many times a second: once after a long sleep, it had better not judge."""

    def __init__(self) -> None:
        self._last_s = time.monotonic()
        self._slept = False

    def was_suspended(self) -> bool:
        """Whether the last call was long ago; never twice in a row, so that judging goes on."""
        now_s = time.monotonic()
        self._slept = now_s - self._last_s > _ASLEEP_S and not self._slept
        self._last_s = now_s
        return self._slept

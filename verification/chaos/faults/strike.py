# SPDX-License-Identifier: Apache-2.0
"""The time span in which an injected fault is active."""

import time
from dataclasses import dataclass


@dataclass
class Strike:
    """The activation of an injected fault. Times are steady [s].

    Attributes:
        duration_s: how long the fault is active.
        struck_s: when it took effect; None: not yet.
    """

    duration_s: float = 0.0
    struck_s: float | None = None

    def strike(self) -> None:
        """Start the fault's active time now."""
        self.struck_s = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the fault took effect and is no longer active."""
        return self.struck_s is not None and time.monotonic() >= self.struck_s + self.duration_s

    @property
    def on(self) -> bool:
        """Whether the fault is active."""
        return self.struck_s is not None and not self.over

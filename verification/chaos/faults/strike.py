# SPDX-License-Identifier: Apache-2.0
"""When a fault took effect and when it was over."""

import time
from dataclasses import dataclass


@dataclass
class Strike:
    """A fault that was let loose. Times are steady [s].

    Attributes:
        duration_s: from its effect to its end.
        struck_s: when it took effect; None: not yet.
    """

    duration_s: float = 0.0
    struck_s: float | None = None

    def strike(self) -> None:
        """It takes effect now."""
        self.struck_s = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether everything is healthy again."""
        return self.struck_s is not None and time.monotonic() >= self.struck_s + self.duration_s

    @property
    def on(self) -> bool:
        """Whether it has taken effect and is not over."""
        return self.struck_s is not None and not self.over

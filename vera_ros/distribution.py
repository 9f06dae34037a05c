# SPDX-License-Identifier: Apache-2.0
"""Summary statistics of measurements."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Distribution:
    """The distribution of a set of measurements.

    Attributes:
        count: number of measurements; without any, the rest is None.
        median: the 50th percentile.
        p90: the 90th percentile.
        p99: the 99th percentile; all percentiles are linearly interpolated.
        max: the largest.
    """

    count: int = 0
    median: float | None = None
    p90: float | None = None
    p99: float | None = None
    max: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Distribution":
        """Return the distribution of these values."""
        if not values:
            return cls()
        return cls(
            len(values),
            float(np.median(values)),
            float(np.percentile(values, 90.0)),
            float(np.percentile(values, 99.0)),
            float(max(values)),
        )

    def __str__(self) -> str:
        if not self.count:
            return "none yet"
        return f"p50 {self.median:.3g}, p90 {self.p90:.3g}, p99 {self.p99:.3g}, of {self.count}"

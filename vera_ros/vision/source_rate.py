# SPDX-License-Identifier: Apache-2.0
"""The rate at which a camera takes pictures, as the stamps of those that arrive show it."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import quantiles

# Share of a camera's pictures that arrive; jitter of its stamps makes it seem smaller.
ARRIVING = 0.75
_WHOLE = 0.3  # of a period
_REGULAR = 0.8


def source_rate_hz(stamps_s: Sequence[float]) -> float:
    """Return the camera's rate by the shorter gaps; 0: not known.

    The shortest tenth holds no lost picture as long as some of them arrive in a row. Then most
    gaps are whole numbers of periods; otherwise the camera itself is irregular.
    """
    gaps_s = [b - a for a, b in pairwise(stamps_s) if b > a]
    if len(gaps_s) < 2:
        return 0.0
    period_s = quantiles(gaps_s, n=10, method="inclusive")[0]
    whole = sum(abs(gap_s / period_s - round(gap_s / period_s)) < _WHOLE for gap_s in gaps_s)
    return 1.0 / period_s if whole >= _REGULAR * len(gaps_s) else 0.0

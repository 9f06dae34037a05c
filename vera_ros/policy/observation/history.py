# SPDX-License-Identifier: Apache-2.0
"""Short history of a measured vector, interpolated at a recent time."""

from collections import deque

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


class History:
    """The last measurements of one vector, by their stamps.

    Args:
        length: number of measurements kept.
        reach_ns: how long after its stamp the newest measurement is still valid.
    """

    def __init__(self, length: int, reach_ns: int) -> None:
        self._kept: deque[tuple[int, Vector]] = deque(maxlen=length)
        self._reach_ns = reach_ns

    def add(self, stamp_ns: int, values: Vector) -> None:
        """Add a measurement, in place of one with the same stamp.

        A stamp that is older than the newest one clears the history.
        """
        if self._kept and stamp_ns == self._kept[-1][0]:
            self._kept.pop()
        elif self._kept and stamp_ns < self._kept[-1][0]:
            self._kept.clear()
        self._kept.append((stamp_ns, values))

    def at(self, time_ns: int) -> Vector | None:
        """Return the vector at a time, interpolated linearly; None: unknown."""
        later: tuple[int, Vector] | None = None
        for stamp_ns, values in reversed(self._kept):
            if stamp_ns > time_ns:
                later = (stamp_ns, values)
                continue
            if later is None:
                return values if time_ns - stamp_ns <= self._reach_ns else None
            share = (time_ns - stamp_ns) / (later[0] - stamp_ns)
            between: Vector = values + share * (later[1] - values)
            return between
        return None

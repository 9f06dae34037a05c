# SPDX-License-Identifier: Apache-2.0
"""The quintic pieces that a controller plays between the points of a trajectory."""

import numpy as np
import numpy.typing as npt

from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.trajectory import Points


class QuinticPieces:
    """The quintic pieces that a controller plays, in s = t / h from 0 to 1 on each.

    Through (q, dq, ddq) at both ends of a piece of length h: c0 to c2 follow from its start, c3 to
    c5 from what remains at its end.

    Attributes:
        points: the points that they connect.
    """

    def __init__(self, points: Points) -> None:
        self.points = points
        q, dq, ddq = points.q, points.dq, points.ddq
        h = np.diff(points.times_s)[:, None]
        c0, c1, c2 = q[:-1], dq[:-1] * h, 0.5 * ddq[:-1] * h**2
        gap = q[1:] - c0 - c1 - c2
        slope_gap = dq[1:] * h - c1 - 2 * c2
        bend_gap = ddq[1:] * h**2 - 2 * c2
        c3 = 10 * gap - 4 * slope_gap + 0.5 * bend_gap
        c4 = -15 * gap + 7 * slope_gap - bend_gap
        c5 = 6 * gap - 3 * slope_gap + 0.5 * bend_gap
        self._h = h
        self._ends_s = points.times_s[1:]
        self._c = np.stack((c0, c1, c2, c3, c4, c5))

    def even(self, count: int, most_s: float) -> tuple[npt.NDArray[np.intp], Vector]:
        """Return piece and s of evenly spaced samples on each piece, both ends included.

        Args:
            count: smallest number of samples on each piece.
            most_s: largest spacing of samples.
        """
        counts = np.maximum(count, np.ceil(self._h[:, 0] / most_s).astype(int) + 1)
        piece = np.repeat(np.arange(len(counts)), counts)
        number = np.arange(len(piece)) - (np.cumsum(counts) - counts)[piece]
        return piece, number / (counts[piece] - 1)

    @property
    def begin_s(self) -> float:
        """Time of the first point [s]."""
        return float(self.points.times_s[0])

    @property
    def end_s(self) -> float:
        """Time of the last point [s]."""
        return float(self._ends_s[-1])

    def state(self, time_s: float) -> tuple[Vector, Vector, Vector]:
        """Return q, dq and ddq at a time, Shape (n,) each; at rest after the end."""
        piece = min(int(np.searchsorted(self._ends_s, time_s)), len(self._ends_s) - 1)
        h = self._h[piece, 0]
        s = np.clip((time_s - self._ends_s[piece] + h) / h, 0.0, 1.0)
        q, dq, ddq, _ = self.at(np.array([piece]), np.array([s]))
        return q[0], dq[0], ddq[0]

    def at(self, piece: npt.NDArray[np.intp], s: Vector) -> tuple[Vector, Vector, Vector, Vector]:
        """Return position, velocity, acceleration and jerk at M samples. Shape (M, n) each."""
        c0, c1, c2, c3, c4, c5 = self._c[:, piece]
        h, s = self._h[piece], s[:, None]
        return (
            c0 + s * (c1 + s * (c2 + s * (c3 + s * (c4 + s * c5)))),
            (c1 + s * (2 * c2 + s * (3 * c3 + s * (4 * c4 + s * 5 * c5)))) / h,
            (2 * c2 + s * (6 * c3 + s * (12 * c4 + s * 20 * c5))) / h**2,
            (6 * c3 + s * (24 * c4 + s * 60 * c5)) / h**3,
        )

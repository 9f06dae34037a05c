# SPDX-License-Identifier: Apache-2.0
"""A joint motion in time: a quintic spline that a controller can play exactly."""

import numpy as np
from scipy.interpolate import BSpline, make_interp_spline

from vera_ros.motion.small_matrices import Vector

Rates = tuple[Vector, Vector]  # velocity and acceleration, Shape (n,) each


class JointSpline:
    """Quintic spline through joint positions, with four continuous derivatives.

    Its pieces lie between the knots, so a controller that interpolates positions, velocities and
    accelerations at the knots with quintic polynomials plays this very curve.
    """

    def __init__(self, times_s: Vector, q: Vector, start: Rates, end: Rates | None = None) -> None:
        """Interpolate `q` (Shape (N, n), [rad]) at `times_s` (Shape (N,), from 0, increasing).

        Args:
            times_s: the knots.
            q: positions there.
            start: velocity and acceleration at the start.
            end: the same at the end; None: at rest.
        """
        still = np.zeros(q.shape[1])
        conditions = ([*enumerate(start, 1)], [*enumerate(end or (still, still), 1)])
        self._set(
            np.asarray(times_s, dtype=float), make_interp_spline(times_s, q, 5, bc_type=conditions)
        )

    def _set(self, times_s: Vector, spline: BSpline) -> None:
        self.times_s = times_s
        self._derivatives = [spline, *(spline.derivative(order) for order in (1, 2, 3))]

    @property
    def duration_s(self) -> float:
        """Time of the last knot [s]."""
        return float(self.times_s[-1])

    def derivative(self, order: int, times_s: Vector | float) -> Vector:
        """The order-th derivative (0 to 3) at times within the motion. Shape (..., n)."""
        return np.asarray(self._derivatives[order](np.clip(times_s, 0.0, self.duration_s)))

    def state(self, time_s: float) -> tuple[Vector, Vector, Vector]:
        """Position, velocity and acceleration at a time. Shape (n,) each."""
        q, dq, ddq = (self.derivative(order, time_s) for order in range(3))
        return q, dq, ddq

    def stretched(self, factor: float) -> "JointSpline":
        """The same path, `factor` times as slow. The start must be at rest."""
        spline = self._derivatives[0]
        slower = JointSpline.__new__(JointSpline)
        slower._set(self.times_s * factor, BSpline(spline.t * factor, spline.c, spline.k))
        return slower

    def dense_times(self, per_piece: int = 8) -> Vector:
        """Every knot and the times that divide each piece evenly. Shape (M,), [s]."""
        fractions = np.arange(per_piece) / per_piece
        pieces = self.times_s[:-1, None] + np.diff(self.times_s)[:, None] * fractions
        return np.append(pieces.ravel(), self.times_s[-1])

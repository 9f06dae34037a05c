# SPDX-License-Identifier: Apache-2.0
"""A joint motion in time: a quintic spline that a controller can play exactly."""

from math import factorial

import numpy as np
from scipy.interpolate import BSpline, PPoly, make_interp_spline

from vera_ros.motion.kinematics.vec3 import Vector

Rates = tuple[Vector, Vector]  # velocity and acceleration, Shape (n,) each

_SHORTEST_S = 5e-4  # between knots: in shorter pieces, rounding dominates


class JointSpline:
    """Quintic spline through joint positions; its first four derivatives are continuous.

    After `turning_off`, only the first two are, at the turn-off. Its pieces lie between the knots,
    so a controller that interpolates positions, velocities and accelerations at the knots with
    quintic polynomials plays this very curve.
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

    def turning_off(self, from_s: float, way: "JointSpline | None", at_s: float) -> "JointSpline":
        """Return the motion from `from_s` to `at_s`, continued by another one.

        Args:
            from_s: time 0 of what is returned.
            way: begins with the position, velocity and acceleration at `at_s`; None: no other one.
            at_s: no earlier than `from_s`.
        """
        kept = self.times_s[(self.times_s > from_s) & (self.times_s < at_s)]
        pieces = [_taylor(self._derivatives[0], np.append(from_s, kept))] if at_s > from_s else []
        begins_s = [np.append(from_s, kept) - from_s] if pieces else []
        if way is not None:
            pieces.append(_taylor(way._derivatives[0], way.times_s[:-1]))
            begins_s.append(way.times_s[:-1] + (at_s - from_s))
        end_s = at_s - from_s + (0.0 if way is None else way.duration_s)
        breaks_s = np.append(np.concatenate(begins_s), end_s)
        inner_s = breaks_s[1:-1]
        apart = (np.diff(breaks_s)[:-1] > _SHORTEST_S) & (end_s - inner_s > _SHORTEST_S)
        times_s = np.concatenate(([0.0], inner_s[apart], [end_s]))
        turned = JointSpline.__new__(JointSpline)
        turned._set(times_s, PPoly(np.concatenate(pieces, axis=1), breaks_s))
        return turned

    def _set(self, times_s: Vector, spline: BSpline | PPoly) -> None:
        self.times_s = times_s
        self._derivatives = [spline, *(spline.derivative(order) for order in (1, 2, 3))]

    @property
    def duration_s(self) -> float:
        """Time of the last knot [s]."""
        return float(self.times_s[-1])

    def derivative(self, order: int, times_s: Vector | float) -> Vector:
        """Return the order-th derivative (0 to 3) at times within the motion. Shape (..., n)."""
        return np.asarray(self._derivatives[order](np.clip(times_s, 0.0, self.duration_s)))

    def state(self, time_s: float) -> tuple[Vector, Vector, Vector]:
        """Return position, velocity and acceleration at a time. Shape (n,) each."""
        q, dq, ddq = (self.derivative(order, time_s) for order in range(3))
        return q, dq, ddq

    def stretched(self, factor: float) -> "JointSpline":
        """Return the same path played `factor` times slower. The start must be at rest."""
        spline = self._derivatives[0]
        slower = JointSpline.__new__(JointSpline)
        slower._set(self.times_s * factor, BSpline(spline.t * factor, spline.c, spline.k))
        return slower

    def dense_times(self, per_piece: int = 8) -> Vector:
        """Return every knot and the times that divide each piece evenly. Shape (M,), [s]."""
        fractions = np.arange(per_piece) / per_piece
        pieces = self.times_s[:-1, None] + np.diff(self.times_s)[:, None] * fractions
        return np.append(pieces.ravel(), self.times_s[-1])


def _taylor(spline: BSpline | PPoly, times_s: Vector) -> Vector:
    """Return the PPoly coefficients of the pieces that begin at these knots. Shape (6, N, n)."""
    return np.stack([spline(times_s, order) / factorial(order) for order in range(5, -1, -1)])

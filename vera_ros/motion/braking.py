# SPDX-License-Identifier: Apache-2.0
"""How an arm in motion comes to rest smoothly."""

import numpy as np

from vera_ros.motion.limits import Limits
from vera_ros.motion.response import Vector

_SHORTEST_S = 0.1
_SAFETY = 0.8  # share of a rate limit that braking uses: the spline through it may overshoot a little


def brake(
    q: Vector, dq: Vector, ddq: Vector, limits: Limits, dt_s: float
) -> tuple[Vector, Vector]:
    """Knots of a smooth stop from a state of motion.

    The velocity falls as the cubic that starts with (dq, ddq) and ends with (0, 0), in the shortest
    time that keeps the acceleration and jerk limits:
    dq(t) = dq (1 - 3 s^2 + 2 s^3) + ddq T (s - 2 s^2 + s^3), s = t / T.

    Args:
        q: position at the start. Shape (n,), [rad].
        dq: velocity at the start. Shape (n,), [rad/s].
        ddq: acceleration at the start. Shape (n,), [rad/s^2].
        limits: the arm's.
        dt_s: spacing of the knots.

    Returns:
        Times after the start (Shape (K,), [s]) and positions (Shape (K, n), [rad]).
    """
    speed = np.abs(dq)
    duration = max(
        _SHORTEST_S,
        float(np.max((1.5 * speed + 0.0) / (_SAFETY * limits.acceleration))),
        float(np.max(np.sqrt(6.0 * speed / (_SAFETY * limits.jerk)))),
        float(np.max(4.0 * np.abs(ddq) / (_SAFETY * limits.jerk))),
    )
    count = int(np.ceil(duration / dt_s))
    T = count * dt_s
    s = (np.arange(1, count + 1) / count)[:, None]
    travelled = dq * T * (s - s**3 + 0.5 * s**4)
    travelled = travelled + ddq * T**2 * (s**2 / 2 - 2 * s**3 / 3 + s**4 / 4)
    return np.arange(1, count + 1) * dt_s, q + travelled

# SPDX-License-Identifier: Apache-2.0
"""Smooth stop of an arm in motion."""

import numpy as np

from vera_ros.motion.kinematics.vec3 import Vector

_SHORTEST_S = 0.1
_SHARE = 0.9  # of a rate limit that braking uses: the spline through the knots may overshoot


def braking_way(dq: Vector, ddq: Vector, duration_s: float, s: Vector) -> Vector:
    """Return how far a joint has come while its velocity falls to 0 in a given time.

    The velocity is the cubic that starts with (dq, ddq) and ends with (0, 0):
    dq(s) = dq (1 - 3 s^2 + 2 s^3) + ddq T (s - 2 s^2 + s^3), s = t / T.

    Args:
        dq: velocity at the start. Shape (n,), [rad/s].
        ddq: acceleration at the start. Shape (n,), [rad/s^2].
        duration_s: T.
        s: shares of it that have passed, 0 to 1. Shape (K,).

    Returns:
        Distances. Shape (K, n), [rad].
    """
    s = s[:, None]
    way = dq * duration_s * (s - s**3 + 0.5 * s**4)
    return np.asarray(way + ddq * duration_s**2 * (s**2 / 2 - 2 * s**3 / 3 + s**4 / 4))


def brake(
    q: Vector, dq: Vector, ddq: Vector, rate_limits: Vector, dt_s: float
) -> tuple[Vector, Vector]:
    """Return the knots of a smooth stop from a state of motion.

    The velocity falls as in `braking_way`, in a time that is known to keep the acceleration and
    jerk limits: the acceleration stays within |ddq| and 1.5 |dq| / T + |ddq| / 3, the jerk within
    6 |dq| / T^2 + 4 |ddq| / T.

    Args:
        q: position at the start. Shape (n,), [rad].
        dq: velocity at the start. Shape (n,), [rad/s].
        ddq: acceleration at the start. Shape (n,), [rad/s^2].
        rate_limits: velocity, acceleration and jerk of each joint. Shape (3, n).
        dt_s: spacing of the knots.

    Returns:
        Times after the start (Shape (K,), [s]) and positions (Shape (K, n), [rad]).
    """
    speed, rate = np.abs(dq), np.abs(ddq)
    most_ddq, most_jerk = _SHARE * rate_limits[1], _SHARE * rate_limits[2]
    left = np.maximum(most_ddq - rate / 3.0, 0.5 * most_ddq)
    for_jerk = (2.0 * rate + np.sqrt(4.0 * rate**2 + 6.0 * speed * most_jerk)) / most_jerk
    duration = max(_SHORTEST_S, float(np.max(1.5 * speed / left)), float(np.max(for_jerk)))
    count = int(np.ceil(duration / dt_s))
    s = np.arange(1, count + 1) / count
    return np.arange(1.0, count + 1) * dt_s, q + braking_way(dq, ddq, count * dt_s, s)

# SPDX-License-Identifier: Apache-2.0
"""Slow search for IK solutions, which decides whether a pose of the comparison is reachable."""

import numpy as np
import pinocchio as pin
from scipy.optimize import least_squares

from verification.rig import Rig, Vector

_STARTS = 6
_SPREAD_RAD = 0.6
_TOLERANCE = 1e-4  # [m, rad]


def has_solution(
    rig: Rig, q: Vector, position: Vector, rotation: Vector, rng: np.random.Generator
) -> bool:
    """Return whether bounded least squares, started at and around `q`, reach the TCP pose.

    The pose is in the base frame: position (3,) [m], rotation (3, 3).
    """
    lower, upper = rig.limits.lower, rig.limits.upper

    def error(posture: Vector) -> Vector:
        at, turned = rig.tcp(posture)
        return np.concatenate((position - at, pin.log3(rotation @ turned.T)))

    for attempt in range(_STARTS):
        guess = q + (attempt > 0) * rng.uniform(-_SPREAD_RAD, _SPREAD_RAD, len(q))
        guess = np.clip(guess, lower + 1e-6, upper - 1e-6)
        found = least_squares(error, guess, bounds=(lower, upper), xtol=1e-12, max_nfev=60)
        if np.abs(found.fun).max() <= _TOLERANCE:
            return True
    return False

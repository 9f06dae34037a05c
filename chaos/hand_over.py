# SPDX-License-Identifier: Apache-2.0
"""Whether a trajectory goes on from what the arm does when it takes over."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import BPoly

from bench.bounds import Bounds, Vector
from bench.played import dense

# A start may differ from the running motion by what rounding does to a spline made anew.
_ROUNDING = (1e-5, 1e-3, 0.1)  # rad, rad/s, rad/s^2
_RATES = ("velocity", "acceleration", "jerk")
_RELATIVE_ROUNDING = 2e-3  # what hides between the gate's samples


@dataclass(frozen=True)
class Motion:
    """How the arm moves, or is to move, at one moment.

    Attributes:
        q, dq, ddq: Shape (n,), [rad, rad/s, rad/s^2].
        source: how this is known: plan, rest or measured.
    """

    q: Vector
    dq: Vector
    ddq: Vector
    source: str = "plan"


def rates_of_first_piece(start: Motion, trajectory: Any) -> Vector:
    """Largest velocity, acceleration and jerk of each joint on the way to the first point.

    Args:
        start: the motion at the trajectory's time 0.
        trajectory: with `times_s`, `q`, `dq` and `ddq`.

    Returns:
        Shape (3, n).
    """
    end = [trajectory.q[0], trajectory.dq[0], trajectory.ddq[0]]
    return _rates(float(trajectory.times_s[0]), [start.q, start.dq, start.ddq], end)


def hand_over_violations(start: Motion, trajectory: Any, bounds: Bounds) -> list[str]:
    """What is wrong with the first piece that a controller plays of a trajectory, in words."""
    duration_s, n = float(trajectory.times_s[0]), len(start.q)
    error = [np.full(n, value) for value in _ROUNDING]
    rounding = _rates(duration_s, error, [np.zeros(n)] * 3)
    found = []
    for name, most, allowed, bound in zip(
        _RATES,
        rates_of_first_piece(start, trajectory),
        rounding,
        (bounds.velocity, bounds.acceleration, bounds.jerk),
        strict=True,
    ):
        over = most - bound * (1 + _RELATIVE_ROUNDING) - allowed
        joint = int(np.argmax(over))
        if not over[joint] <= 0.0:
            found.append(
                f"no continuation of the {start.source}: joint {joint + 1} would need the {name} "
                f"{most[joint]:.3f}, valid is up to {bound[joint]:.3f}"
            )
    return found


def _rates(duration_s: float, start: list[Vector], end: list[Vector]) -> Vector:
    piece = BPoly.from_derivatives([0.0, duration_s], np.stack((start, end)))
    times = dense(piece.x)
    return np.stack([np.abs(piece(times, nu=order)).max(axis=0) for order in (1, 2, 3)])

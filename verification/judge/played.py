# SPDX-License-Identifier: Apache-2.0
"""What a controller plays of a trajectory's points, and how its TCP moves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BPoly

Vector = npt.NDArray[np.float64]

_SAMPLES_PER_PIECE = 16

_recent: list[tuple[Any, BPoly]] = []  # one round asks for the same curves again and again


def played(trajectory: Any) -> BPoly:
    """The quintic pieces through position, velocity and acceleration at every point."""
    for known, curve in _recent:
        if known is trajectory:
            return curve
    times = np.concatenate(([0.0], trajectory.times_s))
    states = np.stack(
        [
            np.vstack((getattr(trajectory, f"start_{name}"), getattr(trajectory, name)))
            for name in ("q", "dq", "ddq")
        ],
        axis=1,
    )
    curve = BPoly.from_derivatives(times, states)
    _recent[:] = [*_recent[-1:], (trajectory, curve)]
    return curve


def state_at(trajectory: Any, time_s: float) -> tuple[Vector, Vector, Vector]:
    """Position, velocity and acceleration of a played trajectory; at rest after its end."""
    if time_s >= trajectory.times_s[-1]:
        still = np.zeros_like(trajectory.q[-1])
        return trajectory.q[-1], still, still
    curve = played(trajectory)
    at = max(time_s, 0.0)
    return curve(at), curve(at, nu=1), curve(at, nu=2)


def dense(knots: Vector) -> Vector:
    """Every knot and the times that divide each piece evenly. Shape (M,), [s]."""
    inner = np.linspace(knots[:-1], knots[1:], _SAMPLES_PER_PIECE, endpoint=False).T.ravel()
    return np.append(inner, knots[-1])


@dataclass(frozen=True)
class TcpPath:
    """Poses of the TCP, evenly `step_s` apart."""

    step_s: float
    positions: Vector
    rotations: Vector

    def linear(self) -> list[float]:
        """Largest speed, acceleration and jerk."""
        return _largest(np.diff(self.positions, axis=0) / self.step_s, self.step_s)

    def angular(self) -> list[float]:
        """The same of the angular velocity, along the axes of the base."""
        relative = self.rotations[1:] @ np.swapaxes(self.rotations[:-1], 1, 2)
        skew = 0.5 * (relative - np.swapaxes(relative, 1, 2))
        sine_axis = skew[:, [2, 0, 1], [1, 2, 0]]
        sine = np.clip(np.linalg.norm(sine_axis, axis=1, keepdims=True), 1e-12, 1.0)
        return _largest(sine_axis * (np.arcsin(sine) / sine) / self.step_s, self.step_s)


def _largest(rate: Vector, h: float) -> list[float]:
    """Largest length of a sampled rate and of its first and second differences over h."""
    return [
        float(np.linalg.norm(np.diff(rate, n=order, axis=0) / h**order, axis=1).max())
        for order in range(3)
    ]

# SPDX-License-Identifier: Apache-2.0
"""Motion that a controller plays for a trajectory's points, and the TCP's rates along it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BPoly

Vector = npt.NDArray[np.float64]

_SAMPLES_PER_PIECE = 16

_recent: list[tuple[Any, BPoly]] = []  # cache: each trajectory is evaluated many times in a row


def played(trajectory: Any) -> BPoly:
    """Return the quintic spline through position, velocity and acceleration at every point."""
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
    """Return q, dq and ddq of a played trajectory at a time after its start; at rest once over."""
    if time_s >= trajectory.times_s[-1]:
        still = np.zeros_like(trajectory.q[-1])
        return trajectory.q[-1], still, still
    curve = played(trajectory)
    at = max(time_s, 0.0)
    return curve(at), curve(at, nu=1), curve(at, nu=2)


def dense(knots: Vector) -> Vector:
    """Return every knot and evenly spaced times within each piece. Shape (M,), [s]."""
    inner = np.linspace(knots[:-1], knots[1:], _SAMPLES_PER_PIECE, endpoint=False).T.ravel()
    return np.append(inner, knots[-1])


@dataclass(frozen=True)
class TcpPath:
    """TCP positions (N, 3) [m] and rotations (N, 3, 3) in the base frame, every `step_s`."""

    step_s: float
    positions: Vector
    rotations: Vector

    def linear(self) -> list[float]:
        """Return the largest speed, acceleration and jerk [m/s, m/s^2, m/s^3]."""
        return _largest(np.diff(self.positions, axis=0) / self.step_s, self.step_s)

    def angular(self) -> list[float]:
        """Return the largest angular speed, acceleration and jerk [rad/s, rad/s^2, rad/s^3]."""
        relative = self.rotations[1:] @ np.swapaxes(self.rotations[:-1], 1, 2)
        skew = 0.5 * (relative - np.swapaxes(relative, 1, 2))
        sine_axis = skew[:, [2, 0, 1], [1, 2, 0]]
        sine = np.clip(np.linalg.norm(sine_axis, axis=1, keepdims=True), 1e-12, 1.0)
        return _largest(sine_axis * (np.arcsin(sine) / sine) / self.step_s, self.step_s)


def _largest(rate: Vector, h: float) -> list[float]:
    """Return the largest norm of a sampled rate and of its first two derivatives, step `h` [s]."""
    return [
        float(np.linalg.norm(np.diff(rate, n=order, axis=0) / h**order, axis=1).max())
        for order in range(3)
    ]

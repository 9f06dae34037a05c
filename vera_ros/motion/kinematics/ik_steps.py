# SPDX-License-Identifier: Apache-2.0
"""Inverse kinematics: Levenberg-Marquardt steps within bounds, near a posture.

The damping follows T. Sugihara, "Solvability-unconcerned inverse kinematics by the
Levenberg-Marquardt method", IEEE Transactions on Robotics, 2011: lambda = |e|^2 / 2 + a constant.
In the task's null space, joints are drawn to the posture: with v = gain (posture - q),
step = J^T (J J^T + lambda I)^-1 (e - J v) + v.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vera_ros.motion.kinematics.chain import Chain, forward_kinematics, point_jacobian
from vera_ros.motion.kinematics.jit import compiled
from vera_ros.motion.kinematics.vec3 import (
    Vector,
    cholesky,
    cholesky_solve,
    copy,
    norm,
    store,
    times,
    triple,
)

SOLVED, LIMITED, UNREACHABLE = range(3)  # plain integers, for compiled code


class IkSettings(NamedTuple):
    """Settings of an IkSolver, for compiled code."""

    position_tolerance_m: float
    rotation_tolerance_rad: float
    max_iterations: int
    damping: float
    posture_gain: float


@compiled
def follow(
    chain: Chain,
    settings: IkSettings,
    rotations: Vector,
    positions: Vector,
    path: Vector,
    lead: Vector,
    max_step: Vector,
    lower: Vector,
    upper: Vector,
) -> tuple[int, float, float, int]:
    """Fill `path` after its first row; return solved rows, worst errors [m, rad], and verdict."""
    n = path.shape[1]
    low, high, guess = np.empty(n), np.empty(n), np.empty(n)
    worst_m = worst_rad = 0.0
    for row in range(1, len(path)):
        before = path[row - 1]
        for j in range(n):
            low[j] = min(max(lower[j], before[j] - max_step[j]), upper[j])
            high[j] = max(min(upper[j], before[j] + max_step[j]), lower[j])
            guess[j] = before[j] + lead[row, j]
            path[row, j] = guess[j]
        error_m, error_rad, verdict, _ = solve(
            chain, settings, rotations[row], positions[row], path[row], guess, low, high
        )
        if verdict != SOLVED:
            return row, worst_m, worst_rad, verdict
        worst_m, worst_rad = max(worst_m, error_m), max(worst_rad, error_rad)
    return len(path), worst_m, worst_rad, SOLVED


@compiled
def solve(
    chain: Chain,
    settings: IkSettings,
    rotation: Vector,
    position: Vector,
    q: Vector,
    posture: Vector,
    lower: Vector,
    upper: Vector,
) -> tuple[float, float, int, int]:
    """Solve for one pose, q in place; return errors left [m, rad], verdict, and number of steps."""
    n = len(q)
    rotations, positions, axes = np.empty((n + 1, 3, 3)), np.empty((n + 1, 3)), np.empty((n, 3))
    J, error, step = np.empty((6, n)), np.empty(6), np.empty(n)
    held = np.zeros(n, dtype=np.bool_)
    best, best_q, iterations = np.inf, q.copy(), 0
    for j in range(n):
        q[j] = min(max(q[j], lower[j]), upper[j])
    while True:
        forward_kinematics(chain, q, rotations, positions, axes)
        for r in range(3):
            error[r] = position[r] - positions[n, r]
        _rotation_between(rotations[n], rotation, error[3:])
        left_m, left_rad = norm(triple(error)), norm(triple(error[3:]))
        solved = left_m <= settings.position_tolerance_m
        solved = solved and left_rad <= settings.rotation_tolerance_rad
        square = left_m**2 + left_rad**2
        if solved or square < best:
            best, best_m, best_rad = square, left_m, left_rad
            copy(q, best_q)
        if solved or iterations == settings.max_iterations:
            break
        iterations += 1
        point_jacobian(positions, axes, chain.turns, J)
        damping = 0.5 * square + settings.damping
        _step(J, error, q, posture, settings.posture_gain, damping, lower, upper, held, step)
        for j in range(n):
            q[j] = min(max(q[j] + step[j], lower[j]), upper[j])
    copy(best_q, q)
    if solved:
        return best_m, best_rad, SOLVED, iterations
    verdict = UNREACHABLE
    for j in range(n):
        if held[j]:
            verdict = LIMITED
    return best_m, best_rad, verdict, iterations


@compiled
def _step(
    J: Vector,
    error: Vector,
    q: Vector,
    posture: Vector,
    posture_gain: float,
    damping: float,
    lower: Vector,
    upper: Vector,
    held: npt.NDArray[np.bool_],
    step: Vector,
) -> None:
    """Compute one damped step; joints at a bound that would go beyond it are held."""
    n = len(q)
    A, y = np.empty((6, 6)), np.empty(6)
    for j in range(n):
        held[j] = False
    for _ in range(n + 1):
        for j in range(n):
            step[j] = 0.0 if held[j] else posture_gain * (posture[j] - q[j])
        for r in range(6):
            y[r] = error[r]
            for j in range(n):
                y[r] -= J[r, j] * step[j]
            for c in range(r + 1):
                A[r, c] = damping if r == c else 0.0
                for j in range(n):
                    if not held[j]:
                        A[r, c] += J[r, j] * J[c, j]
        cholesky(A)
        cholesky_solve(A, y)
        leaving = False
        for j in range(n):
            if held[j]:
                continue
            for r in range(6):
                step[j] += J[r, j] * y[r]
            if (q[j] <= lower[j] and step[j] < 0.0) or (q[j] >= upper[j] and step[j] > 0.0):
                held[j] = leaving = True
        if not leaving:
            break
    for j in range(n):
        if held[j]:
            step[j] = 0.0


@compiled
def _rotation_between(R: Vector, goal: Vector, rotation: Vector) -> None:
    """Compute the axis-angle vector of goal R^T, base frame. `rotation`: Shape (3,), [rad]."""
    S = np.empty((3, 3))
    for r in range(3):
        for c in range(3):
            S[r, c] = goal[r, 0] * R[c, 0] + goal[r, 1] * R[c, 1] + goal[r, 2] * R[c, 2]
    half = (0.5 * (S[2, 1] - S[1, 2]), 0.5 * (S[0, 2] - S[2, 0]), 0.5 * (S[1, 0] - S[0, 1]))
    sine = norm(half)
    cosine = 0.5 * (S[0, 0] + S[1, 1] + S[2, 2] - 1.0)
    angle = np.arctan2(sine, cosine)
    if sine > 1e-6:
        half = times(angle / sine, half)
    elif cosine < 0.0:  # half a turn: the axis is the largest column of S + 1
        c = 0
        for j in range(1, 3):
            if S[j, j] > S[c, c]:
                c = j
        S[c, c] += 1.0
        axis = (S[0, c], S[1, c], S[2, c])
        half = times(angle / norm(axis), axis)
    store(half, rotation)

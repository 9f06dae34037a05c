# SPDX-License-Identifier: Apache-2.0
"""Inverse kinematics: Levenberg-Marquardt steps within bounds, near a posture.

The damping follows T. Sugihara, "Solvability-unconcerned inverse kinematics by the
Levenberg-Marquardt method", IEEE Transactions on Robotics, 2011: lambda = |e|^2 / 2 + a constant.
What the task leaves free draws the joints to the posture: with v = gain (posture - q),
step = J^T (J J^T + lambda I)^-1 (e - J v) + v.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pinocchio as pin

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.chain import Chain, place, point_jacobian
from vera_ros.motion.kinematics.jit import compiled
from vera_ros.motion.kinematics.vec3 import (
    Vector,
    cholesky,
    cholesky_solve,
    copy,
    length,
    store,
    times,
    triple,
)


class Verdict(Enum):
    """How a solution ended."""

    SOLVED = "solved"
    LIMITED = "limited"  # a joint's limit, or how far it may go in one step, keeps it from there
    UNREACHABLE = "unreachable"


_VERDICTS = tuple(Verdict)
_SOLVED, _LIMITED, _UNREACHABLE = range(3)  # their places there: compiled code knows no enumeration


class _Settings(NamedTuple):
    position_tolerance_m: float
    rotation_tolerance_rad: float
    max_iterations: int
    damping: float
    posture_gain: float


@dataclass(frozen=True)
class IkSolution:
    """Joint positions that bring the TCP as near to the target as they got.

    Attributes:
        q: Shape (n,), [rad].
        position_error_m: distance left.
        rotation_error_rad: angle left.
        verdict: solved, or why not.
        iterations: steps taken.
    """

    q: Vector
    position_error_m: float
    rotation_error_rad: float
    verdict: Verdict
    iterations: int


@dataclass(frozen=True)
class IkPath:
    """Joint positions that follow a path of the TCP, up to the first pose that is not solved.

    Attributes:
        q: Shape (K, n), [rad]; K is N, or one more than the solved poses.
        position_error_m: worst distance left, of the solved poses.
        rotation_error_rad: worst angle left, of the solved poses.
        verdict: of the last pose.
    """

    q: Vector
    position_error_m: float
    rotation_error_rad: float
    verdict: Verdict


class IkSolver:
    """Solves poses of one arm's TCP, warm-started."""

    def __init__(
        self,
        chain: Chain,
        lower: Vector,
        upper: Vector,
        *,
        position_tolerance_m: float = 1e-6,
        rotation_tolerance_rad: float = 1e-5,
        max_iterations: int = 30,
        damping: float = 1e-7,
        posture_gain: float = 0.5,
    ) -> None:
        """Solve for joint positions from `lower` to `upper` (Shape (n,), [rad]).

        Raises:
            ConfigurationError: the limits do not fit the chain.
        """
        n = len(chain.axes)
        if lower.shape != (n,) or upper.shape != (n,) or not (lower < upper).all():
            raise ConfigurationError(
                f"joint limits {lower.tolist()} to {upper.tolist()} are not valid; valid are {n} "
                "numbers each, the lower ones first"
            )
        self._chain = chain
        self._lower = lower.astype(float)
        self._upper = upper.astype(float)
        self._settings = _Settings(
            position_tolerance_m, rotation_tolerance_rad, max_iterations, damping, posture_gain
        )

    def solve(self, target: pin.SE3, q: Vector, max_step: Vector | None = None) -> IkSolution:
        """Bring the TCP to `target` (base frame), starting from `q` and staying near it.

        Args:
            target: pose of the TCP.
            q: Shape (n,), [rad].
            max_step: how far each joint may go from `q`; None: anywhere. Shape (n,), [rad].
        """
        lower, upper = self._lower, self._upper
        if max_step is not None:
            lower, upper = np.maximum(lower, q - max_step), np.minimum(upper, q + max_step)
            lower, upper = np.minimum(lower, upper), np.maximum(lower, upper)
        solution = np.array(q, float)
        position_error, rotation_error, verdict, iterations = _solve(
            self._chain,
            self._settings,
            np.ascontiguousarray(target.rotation),
            np.ascontiguousarray(target.translation),
            solution,
            solution.copy(),
            lower,
            upper,
        )
        return IkSolution(solution, position_error, rotation_error, _VERDICTS[verdict], iterations)

    def follow(
        self,
        rotations: Vector,
        positions: Vector,
        q: Vector,
        lead: Vector,
        max_step: Vector | None = None,
    ) -> IkPath:
        """Follow a path of the TCP from `q` on, until a pose cannot be solved.

        Args:
            rotations: of the TCP, base frame. Shape (N, 3, 3).
            positions: of the TCP, base frame. Shape (N, 3), [m].
            q: joint positions at the first pose. Shape (n,), [rad].
            lead: how the joints are expected to move from pose to pose: warm start, and where the
                path leaves the choice. Shape (N, n), [rad]; the first row does not count.
            max_step: how far each joint may go from pose to pose; None: anywhere. Shape (n,),
                [rad].
        """
        path = np.empty((len(positions), len(q)))
        path[0] = q
        step = np.full(len(q), np.inf) if max_step is None else max_step
        solved, position_error, rotation_error, verdict = _follow(
            self._chain,
            self._settings,
            np.ascontiguousarray(rotations),
            np.ascontiguousarray(positions),
            path,
            lead,
            step,
            np.minimum(self._lower, q),  # a start outside is let in, not thrown in
            np.maximum(self._upper, q),
        )
        return IkPath(
            path[: min(solved + 1, len(path))], position_error, rotation_error, _VERDICTS[verdict]
        )


@compiled
def _follow(
    chain: Chain,
    settings: _Settings,
    rotations: Vector,
    positions: Vector,
    path: Vector,
    lead: Vector,
    max_step: Vector,
    lower: Vector,
    upper: Vector,
) -> tuple[int, float, float, int]:
    """Fill `path` from its first row on; return the solved rows, the worst errors, the verdict."""
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
        error_m, error_rad, verdict, _ = _solve(
            chain, settings, rotations[row], positions[row], path[row], guess, low, high
        )
        if verdict != _SOLVED:
            return row, worst_m, worst_rad, verdict
        worst_m, worst_rad = max(worst_m, error_m), max(worst_rad, error_rad)
    return len(path), worst_m, worst_rad, _SOLVED


@compiled
def _solve(
    chain: Chain,
    settings: _Settings,
    rotation: Vector,
    position: Vector,
    q: Vector,
    posture: Vector,
    lower: Vector,
    upper: Vector,
) -> tuple[float, float, int, int]:
    """Solve for one pose, q in place; return what is left [m, rad], the verdict and the steps."""
    n = len(q)
    rotations, positions, axes = np.empty((n + 1, 3, 3)), np.empty((n + 1, 3)), np.empty((n, 3))
    J, error, step = np.empty((6, n)), np.empty(6), np.empty(n)
    held = np.zeros(n, dtype=np.bool_)
    best, best_q, iterations = np.inf, q.copy(), 0
    for j in range(n):
        q[j] = min(max(q[j], lower[j]), upper[j])
    while True:
        place(chain, q, rotations, positions, axes)
        for r in range(3):
            error[r] = position[r] - positions[n, r]
        _rotation_between(rotations[n], rotation, error[3:])
        left_m, left_rad = length(triple(error)), length(triple(error[3:]))
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
        return best_m, best_rad, _SOLVED, iterations
    verdict = _UNREACHABLE
    for j in range(n):
        if held[j]:
            verdict = _LIMITED
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
    """One damped step; joints that stand at a bound and would leave it are held."""
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
    """Axis-angle vector of goal R^T, base frame. `rotation`: Shape (3,), [rad]."""
    S = np.empty((3, 3))
    for r in range(3):
        for c in range(3):
            S[r, c] = goal[r, 0] * R[c, 0] + goal[r, 1] * R[c, 1] + goal[r, 2] * R[c, 2]
    half = (0.5 * (S[2, 1] - S[1, 2]), 0.5 * (S[0, 2] - S[2, 0]), 0.5 * (S[1, 0] - S[0, 1]))
    sine = length(half)
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
        half = times(angle / length(axis), axis)
    store(half, rotation)

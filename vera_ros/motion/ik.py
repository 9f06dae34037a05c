# SPDX-License-Identifier: Apache-2.0
"""Inverse kinematics: Levenberg-Marquardt steps within the joint limits.

The damping follows T. Sugihara, "Solvability-unconcerned inverse kinematics by the
Levenberg-Marquardt method", IEEE Transactions on Robotics, 2011: lambda = |e|^2 / 2 + a constant.
"""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pinocchio as pin

from vera_ros.errors import ConfigurationError
from vera_ros.motion.arm_model import ArmModel
from vera_ros.motion.response import Vector


class Verdict(Enum):
    """How a solution ended."""

    SOLVED = "solved"
    LIMITED = "limited"  # joint limits keep the arm from the target
    UNREACHABLE = "unreachable"


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


class IkSolver:
    """Solves one pose at a time, warm-started."""

    def __init__(
        self,
        arm: ArmModel,
        *,
        position_tolerance_m: float = 1e-5,
        rotation_tolerance_rad: float = 1e-4,
        max_iterations: int = 30,
        damping: float = 1e-6,
        limit_margin_rad: float = 0.0,
    ) -> None:
        self._arm = arm
        self._position_tolerance = position_tolerance_m
        self._rotation_tolerance = rotation_tolerance_rad
        self._max_iterations = max_iterations
        self._damping = damping
        self._lower = arm.lower + limit_margin_rad
        self._upper = arm.upper - limit_margin_rad
        if not (limit_margin_rad >= 0 and (self._lower < self._upper).all()):
            raise ConfigurationError(
                f"limit_margin_rad is {limit_margin_rad}; valid is 0 to half of the smallest joint "
                f"range, {(arm.upper - arm.lower).min() / 2:.3f} rad"
            )

    def solve(self, target: pin.SE3, q: Vector) -> IkSolution:
        """Bring the TCP to `target` (base frame), starting from `q` (Shape (n,), [rad])."""
        q = np.minimum(np.maximum(q, self._lower), self._upper)
        error = self._error(target, q)
        best_q, best = q, error
        at_limit = np.zeros(len(q), dtype=bool)
        iterations = 0
        while not self._within_tolerance(error) and iterations < self._max_iterations:
            iterations += 1
            step, at_limit = self._step(q, error)
            q = np.minimum(np.maximum(q + step, self._lower), self._upper)
            error = self._error(target, q)
            if self._within_tolerance(error) or error @ error < best @ best:
                best_q, best = q, error
        if self._within_tolerance(best):
            verdict = Verdict.SOLVED
        else:
            verdict = Verdict.LIMITED if at_limit.any() else Verdict.UNREACHABLE
        return IkSolution(best_q, *_sizes(best), verdict, iterations)

    def _step(self, q: Vector, error: Vector) -> tuple[Vector, np.ndarray]:
        """One damped step; joints that stand at a limit and would leave it stay put."""
        J = self._arm.jacobian(q)
        damping = 0.5 * float(error @ error) + self._damping
        held = np.zeros(len(q), dtype=bool)
        for _ in range(len(q)):
            Jf = np.where(held, 0.0, J)
            step = Jf.T @ np.linalg.solve(Jf @ Jf.T + damping * np.eye(6), error)
            leaving = ((q <= self._lower) & (step < 0)) | ((q >= self._upper) & (step > 0))
            if not (leaving & ~held).any():
                break
            held |= leaving
        return step, held

    def _error(self, target: pin.SE3, q: Vector) -> Vector:
        pose = self._arm.tcp_pose(q)
        error = np.empty(6)
        error[:3] = target.translation - pose.translation
        error[3:] = pin.log3(target.rotation @ pose.rotation.T)
        return error

    def _within_tolerance(self, error: Vector) -> bool:
        position, rotation = _sizes(error)
        return position <= self._position_tolerance and rotation <= self._rotation_tolerance


def _sizes(error: Vector) -> tuple[float, float]:
    """Lengths of the translation and the rotation of a pose error [m, rad]."""
    x, y, z, a, b, c = error.tolist()
    return math.hypot(x, y, z), math.hypot(a, b, c)

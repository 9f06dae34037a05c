# SPDX-License-Identifier: Apache-2.0
"""Inverse kinematics: poses of the TCP in, joint positions out."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import pinocchio as pin

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.chain import Chain
from vera_ros.motion.kinematics.ik_steps import IkSettings, follow, solve
from vera_ros.motion.kinematics.vec3 import Vector


class Verdict(Enum):
    """Outcome of a solution."""

    SOLVED = "solved"
    LIMITED = "limited"  # a joint's limit, or its largest step, prevents a solution
    UNREACHABLE = "unreachable"


_VERDICTS = tuple(Verdict)  # in the order of SOLVED, LIMITED and UNREACHABLE


@dataclass(frozen=True)
class IkSolution:
    """Joint positions that bring the TCP to the target, or as near as the solver got.

    Attributes:
        q: joint positions. Shape (n,), [rad].
        position_error_m: remaining distance.
        rotation_error_rad: remaining angle.
        verdict: solved, or why not.
        iterations: number of steps taken.
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
        q: joint positions, Shape (K, n), [rad]; K is N, or one more than the solved poses.
        position_error_m: largest remaining distance of the solved poses.
        rotation_error_rad: largest remaining angle of the solved poses.
        verdict: outcome of the last pose.
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
        self._settings = IkSettings(
            position_tolerance_m, rotation_tolerance_rad, max_iterations, damping, posture_gain
        )

    def solve(self, target: pin.SE3, q: Vector, max_step: Vector | None = None) -> IkSolution:
        """Bring the TCP to `target` (base frame), starting from `q` and staying near it.

        Args:
            target: pose of the TCP.
            q: initial joint positions. Shape (n,), [rad].
            max_step: how far each joint may go from `q`; None: anywhere. Shape (n,), [rad].
        """
        lower, upper = self._lower, self._upper
        if max_step is not None:
            lower, upper = np.maximum(lower, q - max_step), np.minimum(upper, q + max_step)
            lower, upper = np.minimum(lower, upper), np.maximum(lower, upper)
        solution = np.array(q, float)
        position_error, rotation_error, verdict, iterations = solve(
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
            lead: expected joint motion from pose to pose: the warm start, and the posture that
                redundancy is used for. Shape (N, n), [rad]; the first row is ignored.
            max_step: how far each joint may go from pose to pose; None: anywhere. Shape (n,),
                [rad].
        """
        path = np.empty((len(positions), len(q)))
        path[0] = q
        step = np.full(len(q), np.inf) if max_step is None else max_step
        solved, position_error, rotation_error, verdict = follow(
            self._chain,
            self._settings,
            np.ascontiguousarray(rotations),
            np.ascontiguousarray(positions),
            path,
            lead,
            step,
            np.minimum(self._lower, q),  # a start outside may come in gradually
            np.maximum(self._upper, q),
        )
        return IkPath(
            path[: min(solved + 1, len(path))], position_error, rotation_error, _VERDICTS[verdict]
        )

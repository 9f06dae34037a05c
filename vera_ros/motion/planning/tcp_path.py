# SPDX-License-Identifier: Apache-2.0
"""Joint positions along a path of the TCP, as far as the arm can go."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vera_ros.errors import ConfigurationError
from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.ik_solver import IkSolver, Verdict
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.joint_path import JointPath, Obstacles, blocked, first_cut, outside
from vera_ros.motion.planning.plan import Offset
from vera_ros.motion.planning.start import Start
from vera_ros.motion.response.model import TcpResponse

_POSITION_INSET_RAD = 2e-3
_FASTEST = 5.0  # multiple of a joint's velocity limit that is allowed before time scaling
_SAME_POSTURE_RAD = 0.3  # of the arm and its model: farther apart, they are different arms
_SLOWEST = 0.1  # share of its speed that a path keeps near a singular posture


@dataclass(frozen=True)
class SingularityBounds:
    """Thresholds on the condition number of the TCP's Jacobian (rows in m and rad per rad).

    The reference motions of the mimicgen policy reach 59; their 99th percentile is 47.

    Attributes:
        slow: above it, a motion towards a singularity is slowed.
        stop: above it, no motion leads towards a singularity; leaving one is always allowed.
    """

    slow: float
    stop: float

    def __post_init__(self) -> None:
        if not 1.0 <= self.slow < self.stop:
            raise ConfigurationError(
                f"singularity_slow {self.slow} must be 1 or more, and below singularity_stop "
                f"{self.stop}"
            )


class PathFinder:
    """Finds joint positions along TCP paths for one arm.

    Args:
        arm: kinematics of the arm.
        limits: joint ranges, rates and workspace.
        singularity: how near it may come to a singular posture.
        obstacles: what it keeps away from; None: no obstacles are checked.
    """

    def __init__(
        self,
        arm: ArmModel,
        limits: Limits,
        singularity: SingularityBounds,
        obstacles: Obstacles | None = None,
    ) -> None:
        self._arm = arm
        self._limits = limits
        self._singularity = singularity
        self._obstacles = obstacles
        self._ik = IkSolver(
            arm.chain, limits.lower + _POSITION_INSET_RAD, limits.upper - _POSITION_INSET_RAD
        )

    def follow(self, response: TcpResponse, start: Start, actions: Vector) -> JointPath:
        """Follow the TCP path of a response to pose deltas (see Paths)."""
        offset = start.offset or self._offset(response, start.q)
        position, rotation, joints = response.position, response.rotation, response.q
        if start.fresh and not actions.any():
            # The modelled arm creeps towards its posture; with zero deltas it is to stand still.
            position = np.broadcast_to(position[0], position.shape)
            rotation = np.broadcast_to(rotation[0], rotation.shape)
            joints = None
        path = self.find(
            position + offset.shift, rotation @ offset.turn, response.times_s, start.q, joints
        )
        return replace(path, offset=offset)

    def travel_m(self, actions: Vector, q: Vector) -> float:
        """Return the length of the commanded translations (see Paths)."""
        return float(np.linalg.norm(actions[:, :3], axis=1).sum())

    def find(
        self,
        positions: Vector,
        rotations: Vector,
        times_s: Vector,
        q: Vector,
        lead: Vector | None,
    ) -> JointPath:
        """Follow a path of the TCP from `q` on.

        Args:
            positions: of the TCP, base frame. Shape (N, 3), [m].
            rotations: of the TCP, base frame. Shape (N, 3, 3).
            times_s: of the poses, evenly spaced. Shape (N,), [s].
            q: joint positions at the first pose. Shape (n,), [rad].
            lead: joint motion of the modelled arm along the same path, which the arm follows if it
                is that one, by its number of joints and its posture; None: no arm is modelled.
                Shape (N, m), [rad].
        """
        steps = np.zeros((len(positions), len(q)))
        same = lead is not None and lead.shape == steps.shape
        if lead is not None and same and np.abs(lead[0] - q).max() < _SAME_POSTURE_RAD:
            steps[1:] = np.diff(lead, axis=0)
        fastest = _FASTEST * self._limits.rates.joints[0] * times_s[1]
        path = self._ik.follow(rotations, positions, q, steps, fastest)
        cuts = [outside(self._limits, positions, rotations)]
        solved = len(path.q)
        if path.verdict is not Verdict.SOLVED:
            solved -= 1
            cuts.append((solved, _unsolved(path.verdict, positions[solved])))
        conditions = self._conditions(path.q[:solved])
        cuts.append(self._singular(conditions))
        cuts.append(blocked(self._obstacles, path.q[:solved]))
        length, cut = first_cut(cuts, len(positions))
        return JointPath(
            path.q[:length],
            path.position_error_m,
            path.rotation_error_rad,
            self._slow(conditions[:length]),
            cut,
        )

    def _offset(self, response: TcpResponse, q: Vector) -> Offset:
        """Return the offset of this arm's TCP from the modelled one, at joint positions `q`."""
        pose = self._arm.tcp_pose(q)
        return Offset(
            pose.translation - response.position[0], response.rotation[0].T @ pose.rotation
        )

    def _conditions(self, q: Vector) -> Vector:
        """Return the condition number of the Jacobian at each row."""
        J = self._arm.jacobians(q)
        squares = np.linalg.eigvalsh(J @ J.transpose(0, 2, 1))  # of the singular values
        smallest = np.maximum(squares[:, 0], 1e-12)
        return np.asarray(np.sqrt(squares[:, -1] / smallest))

    def _singular(self, conditions: Vector) -> tuple[int, Reason] | None:
        worst = np.maximum(self._singularity.stop, conditions[0] * (1 + 1e-6))
        beyond = np.flatnonzero(conditions > worst)
        if not beyond.size:
            return None
        first = int(beyond[0])
        return first, Reason(
            Cause.SINGULAR,
            f"the motion leads into a singular posture: the Jacobian's condition number would be "
            f"{conditions[first]:.0f}; valid is up to {self._singularity.stop:g}",
        )

    def _slow(self, conditions: Vector) -> Vector | None:
        bounds = self._singularity
        slow = (bounds.stop - conditions) / (bounds.stop - bounds.slow)
        deeper = np.diff(conditions, append=conditions[-1:]) > 0
        slow = np.where(deeper, np.clip(slow, _SLOWEST, 1.0), 1.0)
        return slow if (slow < 1.0).any() else None


def _unsolved(verdict: Verdict, position: Vector) -> Reason:
    why = "a joint's limit is in the way" if verdict is Verdict.LIMITED else "it is out of reach"
    return Reason(Cause.UNREACHABLE, f"the TCP cannot go to {_rounded(position)} m: {why}")


def _rounded(position: Sequence[float] | Vector) -> list[float]:
    return [round(float(value), 3) for value in position]

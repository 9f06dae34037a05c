# SPDX-License-Identifier: Apache-2.0
"""Joint paths of responses, as far as the arm may go; those of joint actions need no IK."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.plan import Offset
from vera_ros.motion.planning.start import Start

WORKSPACE_INSET_M = 2e-3  # a plan stays this far inside, so that the gate's checks agree

Cut = tuple[int, Reason]  # the first row that is not reached, and why


@dataclass(frozen=True)
class JointPath:
    """Joint positions of a response, one row per sample, up to where the arm can go.

    Attributes:
        q: Shape (K, n), [rad or m].
        position_error_m: worst distance left by the inverse kinematics.
        rotation_error_rad: worst angle left.
        slow: factor on the speed at each row, below 1 near a singular posture; None: 1 throughout.
            Shape (K,).
        cut: why it ends before the last sample; None: it does not.
        offset: of this arm's TCP from the modelled one; None: no TCP is modelled.
    """

    q: Vector
    position_error_m: float = 0.0
    rotation_error_rad: float = 0.0
    slow: Vector | None = None
    cut: Reason | None = None
    offset: Offset | None = None


class Obstacles(Protocol):
    """Obstacles that the arm must keep away from."""

    def first_too_close(self, q: Vector) -> tuple[int, object] | None:
        """Return the first sample of a motion (Shape (N, n), [rad or m]) too near, and to what."""
        ...


class Paths(Protocol):
    """Finds the joint path of a response, for one arm."""

    def follow(self, response: Any, start: Start, actions: Vector) -> JointPath:
        """Follow the response of the arm's model to `actions` from `start` on."""
        ...

    def travel_m(self, actions: Vector, q: Vector) -> float:
        """Return the length of the way that actions lead the TCP, if there is one [m].

        Args:
            actions: H of them.
            q: joint positions at the start, and when each action is complete. Shape (H + 1, n).
        """
        ...


class JointPaths:
    """Takes the joint path of a response as it is, as far as the arm may go.

    Args:
        arm: kinematics of the arm.
        limits: joint ranges and workspace.
        obstacles: what it keeps away from; None: no obstacles are checked.
    """

    def __init__(self, arm: ArmModel, limits: Limits, obstacles: Obstacles | None = None) -> None:
        self._arm = arm
        self._limits = limits
        self._obstacles = obstacles

    def follow(self, response: Any, start: Start, actions: Vector) -> JointPath:
        """Check the joint motion of a response (see Paths).

        An arm in motion is off the response that it played by what splines through the same points
        differ: over the first action, that is made up for.
        """
        x = np.minimum(np.arange(len(response.q)) / response.step_ends[0], 1.0)[:, None]
        left = 1.0 - 10.0 * x**3 + 15.0 * x**4 - 6.0 * x**5
        q = response.q + (start.q - response.q[0]) * left
        cuts = [self._beyond(q), *self._outside(q), blocked(self._obstacles, q)]
        length, cut = first_cut(cuts, len(q))
        return JointPath(q[:length], cut=cut)

    def travel_m(self, actions: Vector, q: Vector) -> float:
        """Return the way of the TCP from action to action; of several tips, 0 (see Paths)."""
        if len(self._arm.tips) > 1:
            return 0.0
        ways = np.diff(self._arm.tcp_positions(q), axis=0)
        return float(np.linalg.norm(ways, axis=1).sum())

    def _beyond(self, q: Vector) -> Cut | None:
        excess = np.maximum(self._limits.lower - q, q - self._limits.upper)
        rows = np.flatnonzero((excess > np.maximum(excess[0], 0.0) + 1e-9).any(axis=1))
        if not rows.size:
            return None
        first = int(rows[0])
        j = int(np.argmax(excess[first]))
        lower, upper = self._limits.lower[j], self._limits.upper[j]
        return first, Reason(
            Cause.LIMIT_EXCEEDED,
            f"joint '{self._arm.joint_names[j]}' would go to {q[first, j]:.4f} "
            f"{self._arm.unit(j)}; valid is {lower:.4f} to {upper:.4f} {self._arm.unit(j)}",
        )

    def _outside(self, q: Vector) -> list[Cut | None]:
        several = len(self._arm.tips) > 1
        return [
            outside(self._limits, *tip.poses(q), tip.frame if several else "the TCP")
            for tip in self._arm.tips
        ]


def outside(
    limits: Limits, positions: Vector, rotations: Vector, tip: str = "the TCP"
) -> Cut | None:
    """Return where a path of a tip leaves the workspace farther than it begins outside.

    Args:
        limits: with the workspace.
        positions: of the tip, base frame. Shape (N, 3), [m].
        rotations: of the tip, base frame. Shape (N, 3, 3).
        tip: what to call it.
    """
    depth = limits.depth_outside(positions, rotations, WORKSPACE_INSET_M)
    rows = np.flatnonzero(depth > depth[0] + 1e-9)
    if not rows.size:
        return None
    first = int(rows[0])
    where = limits.leaves(positions[first], rotations[first], tip)
    return first, Reason(Cause.OUTSIDE_WORKSPACE, where)


def blocked(obstacles: Obstacles | None, q: Vector) -> Cut | None:
    """Return where a joint path (Shape (N, n), [rad or m]) comes too near to an obstacle."""
    found = obstacles.first_too_close(q) if obstacles is not None else None
    if found is None:
        return None
    first, what = found
    return first, Reason(Cause.COLLISION, f"the arm would come too near: {what}")


def first_cut(cuts: Sequence[Cut | None], rows: int) -> tuple[int, Reason | None]:
    """Return the number of rows before the first cut, and its reason; without one, all `rows`."""
    return min(
        (cut for cut in cuts if cut is not None), key=lambda cut: cut[0], default=(rows, None)
    )

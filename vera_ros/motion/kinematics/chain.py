# SPDX-License-Identifier: Apache-2.0
"""A serial chain of joints as plain arrays, and its kinematics, compiled.

Conventions as in pinocchio: a joint's placement is that of its frame in the frame of the joint
before it, at position zero; the first joint's is in the base frame; the TCP's is in the last
joint's frame. All results are in the base frame.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pinocchio as pin

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.jit import compiled
from vera_ros.motion.kinematics.vec3 import (
    Vector,
    copy,
    copy_matrix,
    cross,
    minus,
    multiply,
    plus,
    rotate,
    rotate_about,
    store,
    times,
    triple,
)


class Chain(NamedTuple):
    """A serial chain of n joints, and the TCP.

    Attributes:
        rotations: of each joint's placement, and of the TCP's. Shape (n + 1, 3, 3).
        offsets: of each joint's placement, and of the TCP's. Shape (n + 1, 3), [m].
        axes: of each joint, unit length, in its own frame. Shape (n, 3).
        turns: true for a revolute joint, false for a prismatic one. Shape (n,).
    """

    rotations: Vector
    offsets: Vector
    axes: Vector
    turns: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        model: pin.Model,
        tcp: int,
        base_to_world: pin.SE3 | None = None,
        *,
        joints: Sequence[int] | None = None,
    ) -> "Chain":
        """Build the chain of joints of a pinocchio model that follow each other.

        Args:
            model: joints of one degree of freedom.
            tcp: id of the TCP's frame, which the last joint carries.
            base_to_world: placement of the base frame; None: the model's world.
            joints: ids of the n joints, each carried by the one before; None: all.

        Raises:
            ConfigurationError: a joint is neither revolute nor prismatic.
        """
        ids = range(1, model.njoints) if joints is None else joints
        placements = [*(model.jointPlacements[j] for j in ids), model.frames[tcp].placement]
        if base_to_world is not None:
            placements[0] = base_to_world.actInv(placements[0])
        motions = [_motion_of(model.joints[j], str(model.names[j])) for j in ids]
        return cls(
            rotations=np.array([placement.rotation for placement in placements]),
            offsets=np.array([placement.translation for placement in placements]),
            axes=np.array([axis for axis, _ in motions]),
            turns=np.array([turns for _, turns in motions]),
        )


def _motion_of(joint: pin.JointModel, name: str) -> tuple[Vector, bool]:
    data = joint.createData()
    joint.calc(data, np.zeros(joint.nq))
    linear, angular = np.split(np.asarray(data.S).ravel(), 2)
    for axis, turns in ((angular, True), (linear, False)):
        other = linear if turns else angular
        if np.isclose(np.linalg.norm(axis), 1.0) and not other.any():
            return axis, turns
    raise ConfigurationError(
        f"joint '{name}' is a {joint.shortname()}; valid are revolute and prismatic joints"
    )


@compiled
def forward_kinematics(
    chain: Chain, q: Vector, rotations: Vector, positions: Vector, axes: Vector
) -> None:
    """Compute forward kinematics.

    Args:
        chain: the arm.
        q: joint positions. Shape (n,), [rad or m].
        rotations: receives the orientations of joint frames and TCP. Shape (n + 1, 3, 3).
        positions: receives their positions. Shape (n + 1, 3), [m].
        axes: receives the joints' axes. Shape (n, 3).
    """
    n = len(q)
    R, p = rotations, positions
    copy_matrix(chain.rotations[0], R[0])
    copy(chain.offsets[0], p[0])
    for j in range(n):
        axis = rotate(R[j], triple(chain.axes[j]))
        if chain.turns[j]:
            rotate_about(R[j], chain.axes[j], q[j])
        else:
            store(plus(triple(p[j]), times(q[j], axis)), p[j])
        multiply(R[j], chain.rotations[j + 1], R[j + 1])
        offset = rotate(R[j], triple(chain.offsets[j + 1]))
        store(axis, axes[j])
        store(plus(triple(p[j]), offset), p[j + 1])


@compiled
def point_jacobian(
    positions: Vector, axes: Vector, turns: npt.NDArray[np.bool_], J: Vector
) -> None:
    """Compute the TCP's Jacobian, linear part first, from forward kinematics. `J`: Shape (6, n)."""
    n = len(axes)
    tcp = triple(positions[n])
    for j in range(n):
        axis = triple(axes[j])
        linear = cross(axis, minus(tcp, triple(positions[j]))) if turns[j] else axis
        for r in range(3):
            J[r, j] = linear[r]
            J[r + 3, j] = axis[r] if turns[j] else 0.0


@compiled
def tcp_motion(
    chain: Chain, motion: Vector, positions: Vector, rotations: Vector, rates: Vector
) -> None:
    """Compute the TCP's poses and their rates for samples of a joint motion.

    With w, a and z the angular velocity, acceleration and jerk of a link, and r a vector fixed in
    it: r' = w x r, r'' = a x r + w x r', r''' = z x r + 2 a x r' + w x r''.

    Args:
        chain: the arm.
        motion: positions, velocities, accelerations and jerks of the joints. Shape (4, N, n).
        positions: receives the TCP's positions. Shape (N, 3), [m].
        rotations: receives its orientations. Shape (N, 3, 3).
        rates: receives velocity, acceleration and jerk of its translation, then of its rotation.
            Shape (3, N, 6), [m/s^k, rad/s^k].
    """
    n = motion.shape[2]
    R, p, axes = np.empty((n + 1, 3, 3)), np.empty((n + 1, 3)), np.empty((n, 3))
    for sample in range(motion.shape[1]):
        forward_kinematics(chain, motion[0, sample], R, p, axes)
        w, a, z = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
        v1, v2, v3 = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
        for j in range(n):
            axis, r = triple(axes[j]), minus(triple(p[j + 1]), triple(p[j]))
            # The displacement of a prismatic joint is counted at that joint itself.
            if j + 1 < n and not chain.turns[j + 1]:
                r = minus(r, times(motion[0, sample, j + 1], triple(axes[j + 1])))
            d1, d2, d3 = motion[1, sample, j], motion[2, sample, j], motion[3, sample, j]
            axis1 = cross(w, axis)
            axis2 = plus(cross(a, axis), cross(w, axis1))
            second = plus(times(d2, axis), times(d1, axis1))
            third = plus(times(d3, axis), plus(times(2.0 * d2, axis1), times(d1, axis2)))
            if chain.turns[j]:
                w, a, z = plus(w, times(d1, axis)), plus(a, second), plus(z, third)
            else:
                axis3 = plus(cross(z, axis), plus(times(2.0, cross(a, axis1)), cross(w, axis2)))
                d0 = motion[0, sample, j]
                v1 = plus(v1, plus(times(d1, axis), times(d0, axis1)))
                v2 = plus(v2, plus(second, plus(times(d1, axis1), times(d0, axis2))))
                third = plus(third, plus(times(d2, axis1), times(2.0 * d1, axis2)))
                v3 = plus(v3, plus(third, times(d0, axis3)))
            r1 = cross(w, r)
            r2 = plus(cross(a, r), cross(w, r1))
            r3 = plus(cross(z, r), plus(times(2.0, cross(a, r1)), cross(w, r2)))
            v1, v2, v3 = plus(v1, r1), plus(v2, r2), plus(v3, r3)
        copy_matrix(R[n], rotations[sample])
        for i in range(3):
            positions[sample, i] = p[n, i]
            rates[0, sample, i], rates[0, sample, i + 3] = v1[i], w[i]
            rates[1, sample, i], rates[1, sample, i + 3] = v2[i], a[i]
            rates[2, sample, i], rates[2, sample, i + 3] = v3[i], z[i]


@compiled
def tcp_poses(chain: Chain, q: Vector, positions: Vector, rotations: Vector) -> None:
    """Compute the TCP's poses for joint positions.

    Args:
        chain: the arm.
        q: joint positions. Shape (N, n), [rad or m].
        positions: receives the TCP's positions. Shape (N, 3), [m].
        rotations: receives its orientations. Shape (N, 3, 3).
    """
    n = q.shape[1]
    R, p, axes = np.empty((n + 1, 3, 3)), np.empty((n + 1, 3)), np.empty((n, 3))
    for sample in range(len(q)):
        forward_kinematics(chain, q[sample], R, p, axes)
        copy(p[n], positions[sample])
        copy_matrix(R[n], rotations[sample])


@compiled
def jacobians(chain: Chain, q: Vector, J: Vector) -> None:
    """Compute TCP Jacobians (Shape (N, 6, n)) for joint positions (Shape (N, n), [rad or m])."""
    n = q.shape[1]
    R, p, axes = np.empty((n + 1, 3, 3)), np.empty((n + 1, 3)), np.empty((n, 3))
    for sample in range(len(q)):
        forward_kinematics(chain, q[sample], R, p, axes)
        point_jacobian(p, axes, chain.turns, J[sample])

# SPDX-License-Identifier: Apache-2.0
"""The training environment's arm and its controller as plain arrays, for compiled loops."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vera_ros.motion.kinematics.chain import Chain
from vera_ros.motion.kinematics.vec3 import Vector


class Plant(NamedTuple):
    """The training environment's arm and its controller; n joints, b bodies.

    Attributes:
        chain: kinematics to the controlled point.
        mass: of each joint's link, with all that it carries rigidly. Shape (n,), [kg].
        com: its centre of mass, in the joint's frame. Shape (n, 3), [m].
        inertia: about that centre, axes of the joint's frame. Shape (n, 3, 3), [kg m^2].
        armature: rotor inertia. Shape (n,), [kg m^2].
        damping: viscous. Shape (n,), [Nm s/rad].
        friction_loss: dry. Shape (n,), [Nm].
        friction_softness: of the dry friction, as inverse inertia. Shape (n,), [1/(kg m^2)].
        torque_limit: Shape (n,), [Nm].
        posture: null-space target. Shape (n,), [rad].
        kp: task-space stiffness [1/s^2].
        null_space_kp: posture stiffness [1/s^2].
        body_link: index of the joint that carries each body. Shape (b,).
        body_com: centre of mass, in that joint's frame. Shape (b, 3), [m].
        body_axes: orientation of its principal axes. Shape (b, 3, 3).
        body_drag: quadratic drag about and along these axes. Shape (b, 6), [Nm s^2, N s^2/m^2].
        body_viscosity: linear drag about and along these axes. Shape (b, 2), [Nm s, N s/m].
    """

    chain: Chain
    mass: Vector
    com: Vector
    inertia: Vector
    armature: Vector
    damping: Vector
    friction_loss: Vector
    friction_softness: Vector
    torque_limit: Vector
    posture: Vector
    kp: float
    null_space_kp: float
    body_link: npt.NDArray[np.int64]
    body_com: Vector
    body_axes: Vector
    body_drag: Vector
    body_viscosity: Vector


class Workspace(NamedTuple):
    """Work arrays that a step writes to, allocated once per roll-out."""

    rotations: Vector
    positions: Vector
    axes: Vector
    J: Vector
    M: Vector
    M_inverse: Vector
    bias: Vector
    drag: Vector

    @classmethod
    def of(cls, n: int) -> "Workspace":
        """Allocate the arrays for n joints."""
        return cls(
            np.empty((n + 1, 3, 3)),
            np.empty((n + 1, 3)),
            np.empty((n, 3)),
            np.empty((6, n)),
            np.empty((n, n)),
            np.empty((n, n)),
            np.empty(n),
            np.empty(n),
        )

# SPDX-License-Identifier: Apache-2.0
"""The training environment's arm and controller gains, as its configuration file describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pinocchio as pin

from vera_ros.motion.kinematics.chain import Chain
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.response.osc_law import FRICTION_SOFTNESS
from vera_ros.motion.response.osc_plant import Plant
from vera_ros.motion.yaml_values import boolean, number, numbers, section


@dataclass(frozen=True)
class OscModel:
    """A rigid-body arm under operational-space control.

    Attributes:
        arm: pinocchio model, with its armature.
        tcp: id of the TCP's frame in `arm`.
        plant: the same arm and its controller as arrays.
        physics_step_s: the environment's integration step.
        zero_rotation_keeps_goal: a rotation command of exactly zero keeps the last rotation goal.
    """

    arm: pin.Model
    tcp: int
    plant: Plant
    physics_step_s: float
    zero_rotation_keeps_goal: bool

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "OscModel":
        """Build the model that a configuration file describes.

        Raises:
            KeyError: a value is missing.
            TypeError, ValueError: a value is invalid; the message says which.
        """
        arm, tcp = _build_arm(content)
        n = arm.nq

        def per_joint(name: str, lowest: float = 0.0) -> Vector:
            values = numbers(content, name, n)
            if not (values >= lowest).all():
                raise ValueError(f"{name} must be {lowest:g} or more, not {values.tolist()}")
            return values

        arm.armature = per_joint("armature")
        mass = _mass_matrix(arm)
        if not np.linalg.eigvalsh(mass).min() > 0:
            raise ValueError("the mass matrix is not positive definite; check bodies and armature")
        gains = section(content, "gains")
        bodies = sorted(content["bodies"], key=lambda body: body["link"])  # as air_drag needs
        plant = Plant(
            chain=Chain.of(arm, tcp),
            mass=np.array([inertia.mass for inertia in list(arm.inertias)[1:]]),
            com=np.array([inertia.lever for inertia in list(arm.inertias)[1:]]),
            inertia=np.array([inertia.inertia for inertia in list(arm.inertias)[1:]]),
            armature=arm.armature.copy(),
            damping=per_joint("damping"),
            friction_loss=per_joint("friction_loss"),
            friction_softness=FRICTION_SOFTNESS * np.diag(np.linalg.inv(mass)).copy(),
            torque_limit=per_joint("torque_limit", 1e-3),
            posture=numbers(content, "posture", n),
            kp=number(gains, "kp", 1e-3, 1e5),
            null_space_kp=number(gains, "null_space_kp", 1e-3, 1e5),
            body_link=np.array([body["link"] - 1 for body in bodies]),
            body_com=np.array([numbers(body, "com", 3) for body in bodies]),
            body_axes=np.array([_rotation(body) for body in bodies]),
            **_drag(section(content, "air"), bodies),
        )
        return cls(
            arm=arm,
            tcp=tcp,
            plant=plant,
            physics_step_s=number(content, "physics_step_s", 1e-4, 0.02),
            zero_rotation_keeps_goal=boolean(content, "zero_rotation_keeps_goal"),
        )


def _build_arm(content: Mapping[str, Any]) -> tuple[pin.Model, int]:
    arm = pin.Model()
    joint = 0
    for name, placement in enumerate(content["joints"], start=1):
        joint = arm.addJoint(joint, pin.JointModelRZ(), _transform(placement), f"joint{name}")
    for body in content["bodies"]:
        link, mass = body["link"], number(body, "mass", 1e-6, 1e3)
        # pinocchio does not check the index: it would write out of bounds.
        if not isinstance(link, int) or not 1 <= link <= arm.nq:
            raise ValueError(f"link of a body is {link}; valid is 1 to {arm.nq}")
        rotation, diagonal = _rotation(body), numbers(body, "inertia", 3)
        # No principal moment of inertia is larger than the sum of the other two.
        if not (diagonal > 0).all() or 2 * diagonal.max() > diagonal.sum() * (1 + 1e-9):
            raise ValueError(
                f"inertia of a body of link {link} is {diagonal.tolist()}; valid are three numbers "
                "above zero, none larger than the sum of the others"
            )
        inertia = rotation @ np.diag(diagonal) @ rotation.T
        arm.appendBodyToJoint(
            link, pin.Inertia(mass, numbers(body, "com", 3), inertia), pin.SE3.Identity()
        )
    empty = [name for name, of in zip(arm.names, arm.inertias, strict=True) if not of.mass > 0]
    if arm.nq == 0 or empty[1:]:
        raise ValueError(f"there must be joints, each with at least one body; without: {empty[1:]}")
    frame = pin.Frame("tcp", joint, 0, _transform(content["tcp"]), pin.FrameType.OP_FRAME)
    return arm, arm.addFrame(frame)


def _mass_matrix(arm: pin.Model) -> Vector:
    upper = np.triu(pin.crba(arm, arm.createData(), pin.neutral(arm)))
    return np.asarray(upper + np.triu(upper, 1).T)


def _drag(air: Mapping[str, Any], bodies: list[dict[str, Any]]) -> dict[str, Vector]:
    """Return drag coefficients of the bodies' equivalent inertia boxes, as MuJoCo models them."""
    density = number(air, "density", 0.0, 1e3)
    viscosity = number(air, "viscosity", 0.0, 1.0)
    drag, viscous = np.empty((len(bodies), 6)), np.empty((len(bodies), 2))
    for body, of_drag, of_viscosity in zip(bodies, drag, viscous, strict=True):
        x, y, z = numbers(body, "inertia", 3)
        sides = np.sqrt(np.maximum((y + z - x, x + z - y, x + y - z), 0.0) * 6.0 / body["mass"])
        a, b, c = sides
        of_drag[:3] = density / 64 * sides * (b**4 + c**4, a**4 + c**4, a**4 + b**4)
        of_drag[3:] = density / 2 * np.array((b * c, a * c, a * b))
        diameter = sides.mean()
        of_viscosity[:] = np.pi * viscosity * np.array((diameter**3, 3 * diameter))
    return {"body_drag": drag, "body_viscosity": viscous}


def _transform(placement: Mapping[str, Any]) -> pin.SE3:
    return pin.SE3(_rotation(placement), numbers(placement, "xyz", 3))


def _rotation(placement: Mapping[str, Any]) -> Vector:
    rpy = numbers(placement, "rpy", 3) if "rpy" in placement else np.zeros(3)
    return np.asarray(pin.rpy.rpyToMatrix(rpy))

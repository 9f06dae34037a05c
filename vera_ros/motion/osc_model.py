# SPDX-License-Identifier: Apache-2.0
"""The training environment's arm and controller gains, as its configuration file describes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pinocchio as pin
import yaml

from vera_ros.errors import ConfigurationError

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OscModel:
    """A rigid-body arm under operational-space control.

    Attributes:
        arm: pinocchio model, with its armature.
        tcp: id of the TCP's frame in `arm`.
        kp: task-space stiffness, all axes [1/s^2].
        null_space_kp: posture stiffness [1/s^2].
        posture: null-space target. Shape (n,), [rad].
        torque_limit: Shape (n,), [Nm].
        damping: viscous joint damping. Shape (n,), [Nm s/rad].
        friction_loss: dry joint friction. Shape (n,), [Nm].
        zero_rotation_keeps_goal: a rotation command of exactly zero keeps the last rotation goal.
    """

    arm: pin.Model
    tcp: int
    kp: float
    null_space_kp: float
    posture: Vector
    torque_limit: Vector
    damping: Vector
    friction_loss: Vector
    zero_rotation_keeps_goal: bool

    @classmethod
    def load(cls, path: Path) -> "OscModel":
        """Read the model from a YAML file.

        Raises:
            ConfigurationError: the file does not describe such a model; the message says why.
        """
        try:
            content = yaml.safe_load(path.read_text())
            return cls._from_content(content)
        except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ConfigurationError(
                f"the response model {path} cannot be used: {reason}; "
                "compare it with config/osc_pose_panda.yaml of this package"
            ) from error

    @classmethod
    def _from_content(cls, content: dict[str, Any]) -> "OscModel":
        arm, tcp = _build_arm(content)

        def per_joint(name: str) -> Vector:
            return _numbers(content, name, arm.nq)

        arm.armature = per_joint("armature")
        mass = pin.crba(arm, arm.createData(), pin.neutral(arm))
        if np.linalg.eigvalsh(np.triu(mass) + np.triu(mass, 1).T).min() <= 0:
            raise ValueError("the mass matrix is not positive definite; check bodies and armature")
        gains = {name: float(content["gains"][name]) for name in ("kp", "null_space_kp")}
        for name, value in gains.items():
            if not 0 < value < 1e5:
                raise ValueError(f"gain {name} is {value}; valid is 0 to 1e5, above zero")
        torque_limit = per_joint("torque_limit")
        if (torque_limit <= 0).any():
            raise ValueError(f"torque_limit must be above zero, not {torque_limit.tolist()}")
        for name in ("damping", "friction_loss"):
            if (per_joint(name) < 0).any():
                raise ValueError(f"{name} must not be negative, not {content[name]}")
        keeps_goal = content["zero_rotation_keeps_goal"]
        if not isinstance(keeps_goal, bool):
            raise ValueError(f"zero_rotation_keeps_goal must be true or false, not {keeps_goal!r}")
        return cls(
            arm=arm,
            tcp=tcp,
            posture=per_joint("posture"),
            torque_limit=torque_limit,
            damping=per_joint("damping"),
            friction_loss=per_joint("friction_loss"),
            zero_rotation_keeps_goal=keeps_goal,
            **gains,
        )


def _build_arm(content: dict[str, Any]) -> tuple[pin.Model, int]:
    arm = pin.Model()
    joint = 0
    for number, placement in enumerate(content["joints"], start=1):
        joint = arm.addJoint(joint, pin.JointModelRZ(), _transform(placement), f"joint{number}")
    for body in content["bodies"]:
        link, mass = body["link"], float(body["mass"])
        # pinocchio does not check the index: it would write beyond its memory.
        if not isinstance(link, int) or not 1 <= link <= arm.nq:
            raise ValueError(f"link of a body is {link}; valid is 1 to {arm.nq}")
        if not 0 < mass < np.inf:
            raise ValueError(f"mass of a body of link {link} is {mass}; valid is above zero")
        rotation = _rotation(body) if "rpy" in body else np.eye(3)
        inertia = rotation @ np.diag(_numbers(body, "inertia", 3)) @ rotation.T
        arm.appendBodyToJoint(
            link, pin.Inertia(mass, _numbers(body, "com", 3), inertia), pin.SE3.Identity()
        )
    frame = pin.Frame("tcp", joint, 0, _transform(content["tcp"]), pin.FrameType.OP_FRAME)
    return arm, arm.addFrame(frame)


def _transform(placement: dict[str, Any]) -> pin.SE3:
    return pin.SE3(_rotation(placement), _numbers(placement, "xyz", 3))


def _rotation(placement: dict[str, Any]) -> Vector:
    return np.asarray(pin.rpy.rpyToMatrix(_numbers(placement, "rpy", 3)))


def _numbers(content: dict[str, Any], name: str, count: int) -> Vector:
    values = np.asarray(content[name], dtype=float)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise ValueError(f"{name} must be {count} finite numbers, not {content[name]}")
    return values

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
            raise ConfigurationError(
                f"the response model {path} cannot be used: {type(error).__name__}: {error}; "
                "compare it with config/osc_pose_panda.yaml of this package"
            ) from error

    @classmethod
    def _from_content(cls, content: dict[str, Any]) -> "OscModel":
        arm, tcp = _build_arm(content)

        def per_joint(name: str, *, positive: bool = False) -> Vector:
            values = np.asarray(content[name], dtype=float)
            if values.shape != (arm.nq,) or not np.isfinite(values).all():
                raise ValueError(f"{name} must be {arm.nq} finite numbers, not {content[name]}")
            if positive and (values <= 0).any():
                raise ValueError(f"{name} must be above zero, not {content[name]}")
            return values

        arm.armature = per_joint("armature")
        mass = pin.crba(arm, arm.createData(), pin.neutral(arm))
        if np.linalg.eigvalsh(np.triu(mass) + np.triu(mass, 1).T).min() <= 0:
            raise ValueError("the mass matrix is not positive definite; check bodies and armature")
        gains = {name: float(content["gains"][name]) for name in ("kp", "null_space_kp")}
        for name, value in gains.items():
            if not 0 < value < 1e5:
                raise ValueError(f"gain {name} is {value}; valid is 0 to 1e5, above zero")
        return cls(
            arm=arm,
            tcp=tcp,
            posture=per_joint("posture"),
            torque_limit=per_joint("torque_limit", positive=True),
            damping=per_joint("damping"),
            friction_loss=per_joint("friction_loss"),
            zero_rotation_keeps_goal=bool(content["zero_rotation_keeps_goal"]),
            **gains,
        )


def _build_arm(content: dict[str, Any]) -> tuple[pin.Model, int]:
    arm = pin.Model()
    joint = 0
    for number, placement in enumerate(content["joints"], start=1):
        joint = arm.addJoint(joint, pin.JointModelRZ(), _transform(placement), f"joint{number}")
    for body in content["bodies"]:
        rotation = pin.rpy.rpyToMatrix(np.asarray(body.get("rpy", [0.0, 0.0, 0.0]), dtype=float))
        inertia = rotation @ np.diag(np.asarray(body["inertia"], dtype=float)) @ rotation.T
        centre = np.asarray(body["com"], dtype=float)
        arm.appendBodyToJoint(
            int(body["link"]),
            pin.Inertia(float(body["mass"]), centre, inertia),
            pin.SE3.Identity(),
        )
    frame = pin.Frame("tcp", joint, 0, _transform(content["tcp"]), pin.FrameType.OP_FRAME)
    return arm, arm.addFrame(frame)


def _transform(placement: dict[str, Any]) -> pin.SE3:
    rotation = pin.rpy.rpyToMatrix(np.asarray(placement["rpy"], dtype=float))
    return pin.SE3(rotation, np.asarray(placement["xyz"], dtype=float))

# SPDX-License-Identifier: Apache-2.0
"""Where a gripper's joints are, open and closed, by the URDF and one commanded joint."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pinocchio as pin

from vera_ros.motion.kinematics.urdf_joints import joints
from vera_ros.motion.kinematics.vec3 import Vector


@dataclass(frozen=True)
class FingerPosture:
    """Positions of the gripper's joints at both ends of its travel, by their names [m or rad].

    A joint that is in neither is at its upper limit when open if it slides, else at zero.
    """

    closed: Mapping[str, float] = field(default_factory=dict)
    opened: Mapping[str, float] = field(default_factory=dict)


UNKNOWN = FingerPosture()


def finger_posture(urdf: str, joint: str, opened: float, closed: float) -> FingerPosture:
    """Return where the commanded joint and those that mimic it are, open and closed.

    What slides is taken at the ends of its range, since a hand may be opened further than it is
    commanded; what turns at these positions.

    Args:
        urdf: a valid URDF.
        joint: the commanded joint; without one of that name, nothing is known.
        opened: its position when open [m or rad].
        closed: its position when closed.
    """
    ends: tuple[dict[str, float], dict[str, float]] = ({}, {})
    mimics = read_mimics(urdf)
    for each in joints(urdf):
        name, limit = str(each.get("name")), each.find("limit")
        master, ratio, offset = mimics.get(name, (name, 1.0, 0.0))
        if master != joint:
            continue
        for of, position in zip(ends, (closed, opened), strict=True):
            of[name] = ratio * position + offset
        if each.get("type") == "prismatic" and limit is not None:
            low, high = float(limit.get("lower", 0)), float(limit.get("upper", 0))
            upwards = ends[1][name] > ends[0][name]
            ends[0][name], ends[1][name] = (low, high) if upwards else (high, low)
    return FingerPosture(*ends)


def read_mimics(urdf: str) -> dict[str, tuple[str, float, float]]:
    """Return the joints of a URDF that mimic another one: its name, the ratio and the offset."""
    return {
        str(joint.get("name")): (
            str(mimic.get("joint")),
            float(mimic.get("multiplier", 1)),
            float(mimic.get("offset", 0)),
        )
        for joint in joints(urdf)
        if (mimic := joint.find("mimic")) is not None
    }


def set_position(model: pin.Model, joint: int, position: float, q: Vector) -> None:
    """Set a joint's position in the configuration of a model; continuous joints have two values."""
    index = model.joints[joint].idx_q
    if model.joints[joint].nq == 2:
        q[index : index + 2] = np.cos(position), np.sin(position)
    elif model.joints[joint].nq == 1:
        q[index] = position

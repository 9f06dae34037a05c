# SPDX-License-Identifier: Apache-2.0
"""The packaged arms, as their parameter files describe them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from vera_ros.bringup.graph_options import find_arm, packaged_arms
from vera_ros.motion.kinematics.arm_identity import ArmIdentity
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.continuous_joints import with_ranges
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.resources import share_path
from vera_ros.robots.stacking.arms.description import describe_arm

ARMS = packaged_arms()
TCP_FRAME = "panda_grip_site"


@dataclass(frozen=True)
class ArmFile:
    """What an arm file gives to the nodes.

    Attributes:
        sim: parameters of sim_node.
        ik: parameters of ik_node.
    """

    sim: dict[str, Any]
    ik: dict[str, Any]

    @property
    def joint_names(self) -> list[str]:
        """The arm's joints, base to tip."""
        return list(self.ik["joint_names"])

    @property
    def start_q(self) -> Vector:
        """Where it starts. Shape (n,), [rad]."""
        return np.array(self.ik["start_posture"])

    @property
    def limits(self) -> Path:
        """The file of its rate limits."""
        return share_path("config", self.ik["limits"])

    @property
    def urdf(self) -> str:
        """The URDF with the hand."""
        return describe_arm(self.sim)

    @property
    def model(self) -> ArmModel:
        """Kinematics with the TCP between the fingers, of the bounded URDF."""
        return ArmModel(self.bounded_urdf, self.joint_names, TCP_FRAME)

    @property
    def bounded_urdf(self) -> str:
        """The URDF in which continuous joints have the ranges of the limits file."""
        own = ArmIdentity.load(self.limits)
        return with_ranges(self.urdf, self.joint_names, own.lower, own.upper, own.velocity)


@cache
def read_arm(name: str) -> ArmFile:
    """Return what the file of a packaged arm gives."""
    content = yaml.safe_load(find_arm(name).read_text())
    blocks = {key: value["ros__parameters"] for key, value in content.items()}
    common = blocks["/**"]
    return ArmFile(common | blocks["/**/sim_node"], common | blocks["/**/ik_node"])

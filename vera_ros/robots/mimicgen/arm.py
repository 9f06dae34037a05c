# SPDX-License-Identifier: Apache-2.0
"""How the reference policy moves the mimicgen arm: OSC_POSE actions, which a damped arm answers."""

from dataclasses import dataclass

import numpy as np

from vera_ros.embodiments import find_embodiment
from vera_ros.robots.mimicgen import ROBOT
from vera_ros.robots.pinhole import Array, Pose
from vera_ros.robots.stacking.policy.arm import Arm
from vera_ros.robots.stacking.policy.response import Response, answer


@dataclass(frozen=True)
class MimicgenArm(Arm):
    """Commands are actions as they are, and the end effector is the TCP (see Arm).

    Attributes:
        translation_drift: of the motion of one action, the part that is still to come one, two, ...
            steps later.
        rotation_drift: the same for the rotation.
    """

    translation_drift: tuple[float, ...] = ()
    rotation_drift: tuple[float, ...] = ()

    def tcp_of(self, eef: Pose) -> Pose:
        """Return the TCP of an end-effector pose."""
        return eef

    def encode(self, commands: Array, tcp: Pose, gripper: Array) -> Array:
        """Return the actions of a chunk of commands."""
        return commands

    def look_ahead(self, tcp: Pose, past: Array, pending: Array) -> Pose:
        """Return where the TCP comes to rest after the pending actions."""
        total: Array = pending[:, :6].sum(axis=0)
        drifts = zip(self.translation_drift, self.rotation_drift, strict=True)
        for row, (translation, rotation) in zip(past[::-1, :6], drifts, strict=False):
            total = total + row * np.repeat([translation, rotation], 3)
        return answer(tcp, total, self.response)

    def gripper_of(self, actions: Array, before: float) -> Array:
        """Return the gripper command of each action."""
        return actions[:, 6]


ARM = MimicgenArm(
    embodiment=find_embodiment("mimicgen"),
    cameras=ROBOT.cameras,
    response=Response(
        unit_m=0.05,
        unit_rad=0.5,
        translation_gain=(0.255, 0.253, 0.265),
        rotation_gain=0.195,
        start=(0.6,),
        stop=(0.6, 0.25),
    ),
    context_frames=21,
    translation_drift=(0.52, 0.20, 0.13, 0.09, 0.06, 0.04),
    rotation_drift=(0.90, 0.72, 0.55, 0.42, 0.30, 0.20),
)

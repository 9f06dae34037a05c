# SPDX-License-Identifier: Apache-2.0
"""What the columns of chunk messages mean to the arm of an ik_node."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vera_ros.embodiments import ActionSpace, Embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.picture_axes import picture_axes
from vera_ros.motion.kinematics.vec3 import Vector

OF_JOINTS = (ActionSpace.JOINT_DELTA, ActionSpace.JOINT_POSITION)
_PERPENDICULAR = 1e-6


@dataclass(frozen=True)
class ActionColumns:
    """The columns of a chunk message, and the actions that they become.

    These are pose deltas, or displacements or targets of the joints: see ChunkRequest.

    Attributes:
        space: the action space of messages.
        count: number of their columns.
        of_joints: whether the actions are those of joints.
        per_px: what a pixel of the picture is in each column of the actions, for planar messages;
            None: their columns are those of the actions. Shape (2, C), [m].
    """

    space: ActionSpace
    count: int
    of_joints: bool = False
    per_px: Vector | None = None

    def actions(self, rows: Vector, control_dt_s: float) -> Vector:
        """Return the actions of a message's rows (Shape (H, count)). Shape (H, C)."""
        return rows if self.per_px is None else control_dt_s * rows @ self.per_px


def space_of(p: dict[str, Any], embodiment: Embodiment) -> ActionSpace:
    """Return the action space of messages: the parameter's, else the embodiment's."""
    return ActionSpace[p["action_space"].upper()] if p["action_space"] else embodiment.action_space


def action_columns(p: dict[str, Any], embodiment: Embodiment, arm: ArmModel) -> ActionColumns:
    """Return what the parameters and the arm make of the embodiment's actions.

    Raises:
        ConfigurationError: the arm cannot execute such actions.
    """
    space = space_of(p, embodiment)
    if space is ActionSpace.PLANAR:
        return _planar(p, arm)
    if space is ActionSpace.EEF_DELTA:
        _ = arm.tcp  # raises unless the joints are one chain
        return ActionColumns(space, 6)
    columns = embodiment.action_dim - embodiment.has_gripper
    if embodiment.action_space in OF_JOINTS and columns != arm.n:
        raise ConfigurationError(
            f"joint_names has {arm.n} joints, and actions of {embodiment.name} have {columns} "
            "columns; valid is one joint for each column, in their order"
        )
    return ActionColumns(space, arm.n, of_joints=True)


def _planar(p: dict[str, Any], arm: ArmModel) -> ActionColumns:
    """Return the columns of velocities in a picture [px/s].

    A robot of two joints that slide moves these; any other arm moves its TCP, at constant height.
    """
    axes = picture_axes(p["picture_x"], p["picture_y"])
    per_px = p["pixel_m"] * axes
    if arm.n != 2 or arm.turns.any():
        _ = arm.tcp  # raises unless the joints are one chain
        return ActionColumns(ActionSpace.PLANAR, 2, per_px=np.hstack((per_px, np.zeros((2, 3)))))
    slides = arm.jacobians(np.zeros((1, 2)))[0, :3]  # directions of the joints, in its columns
    per_joint = np.linalg.pinv(slides)
    if not np.allclose(slides @ per_joint @ axes.T, axes.T, atol=_PERPENDICULAR):
        raise ConfigurationError(
            f"parameters 'picture_x' {p['picture_x']} and 'picture_y' {p['picture_y']} do not lie "
            f"in the plane in which {list(arm.joint_names)} slide, along {slides.T.tolist()}; "
            "valid are two directions in it"
        )
    return ActionColumns(ActionSpace.PLANAR, 2, of_joints=True, per_px=per_px @ per_joint.T)

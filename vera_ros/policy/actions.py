# SPDX-License-Identifier: Apache-2.0
"""Decodes action chunks: scale, range and gripper, per embodiment."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vera_ros.embodiments import ActionSpace, Embodiment
from vera_ros.errors import MotionError

_GRIPPER_CLOSE_THRESHOLD = 0.5  # of the raw value: above closes


@dataclass(frozen=True)
class ActionConvention:
    """How the server encodes its actions.

    Attributes:
        columns: number of columns of a row, D.
        gripper_column: index of the gripper's column; None when there is none.
        already_metric: apply the numbers as they are.
        abs_scale: factor of each column when they are not metric; empty or D numbers.
    """

    columns: int
    gripper_column: int | None
    already_metric: bool = True
    abs_scale: tuple[float, ...] = ()


@dataclass(frozen=True)
class DecodedActions:
    """A chunk decoded into commands for the arm side.

    Attributes:
        poses: commanded deltas or targets, one row per action. Shape (H, C), [m, rad].
        gripper: whether to close, per row. Shape (H,), bool; None when there is no gripper.
        clipped_rows: rows that had to be clipped to the policy's action range.
    """

    poses: npt.NDArray[np.float64]
    gripper: npt.NDArray[np.bool_] | None
    clipped_rows: int


def interpret_actions(
    actions: npt.NDArray[np.floating], embodiment: Embodiment, convention: ActionConvention
) -> DecodedActions:
    """Decode the server's actions into commands. `actions`: Shape (H, D), in the server's units.

    Raises:
        MotionError: a shape is wrong, or a value is not finite.
    """
    actions = np.asarray(actions, dtype=float)
    if actions.ndim != 2 or actions.shape[0] == 0 or actions.shape[1] != convention.columns:
        raise MotionError(
            f"the server's actions have shape {actions.shape}; valid is at least one row of "
            f"{convention.columns} columns for {embodiment.name}"
        )
    bad = np.flatnonzero(~np.isfinite(actions).all(axis=1))
    if bad.size:
        raise MotionError(
            f"row {bad[0]} of the server's actions is not finite: {actions[bad[0]].tolist()}; "
            "this chunk is not played"
        )
    gripper = None
    poses = actions
    if convention.gripper_column is not None:
        gripper = actions[:, convention.gripper_column] > _GRIPPER_CLOSE_THRESHOLD
        poses = np.delete(actions, convention.gripper_column, axis=1)
    if embodiment.action_space is ActionSpace.EEF_DELTA and poses.shape[1] != 6:
        raise MotionError(
            f"{poses.shape[1]} pose columns cannot be an end-effector delta; valid is 6 "
            "(translation and axis-angle rotation)"
        )
    if embodiment.server_scales and not convention.already_metric and convention.abs_scale:
        scale = np.asarray(convention.abs_scale)
        if scale.shape != (convention.columns,):
            raise MotionError(
                f"the server's action_abs_scale has {len(scale)} numbers; valid is none or "
                f"{convention.columns}, one per column"
            )
        if convention.gripper_column is not None:
            scale = np.delete(scale, convention.gripper_column)
        poses = poses * scale
    clipped_rows = 0
    if embodiment.action_limit is not None:
        clipped = np.clip(poses, -embodiment.action_limit, embodiment.action_limit)
        clipped_rows = int((clipped != poses).any(axis=1).sum())
        poses = clipped
    if embodiment.action_scale is not None:
        poses = poses * np.asarray(embodiment.action_scale)
    return DecodedActions(np.asarray(poses, dtype=np.float64), gripper, clipped_rows)

# SPDX-License-Identifier: Apache-2.0
"""Kinematics for tests that move the simulated arm to a place."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vera_ros.robots.stacking.scene import GRIP_SITE, load_model
from vera_ros.sim.gl import mujoco

Array = NDArray[np.float64]
# The grip site's axes when the gripper points straight down, fingers apart along the world's y.
DOWN = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])


class Kinematics:
    """Forward and inverse kinematics of the scene's own arm, in the world's frame."""

    def __init__(self) -> None:
        self._model: Any = load_model()
        self._data: Any = mujoco.MjData(self._model)

    def grip(self, q: Array) -> tuple[Array, Array]:
        """Return position (3,) and rotation (3, 3) of the grip site."""
        self._data.qpos[:7] = q
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        site = self._data.site(GRIP_SITE)
        return site.xpos.copy(), site.xmat.reshape(3, 3).copy()

    def solve(self, q: Array, position: Array, yaw_rad: float = 0.0) -> Array:
        """Return joint positions near q whose gripper points down at the position."""
        c, s = np.cos(yaw_rad), np.sin(yaw_rad)
        goal = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ DOWN
        q = q.copy()
        jacobian = np.zeros((6, self._model.nv))
        for _ in range(100):
            at, axes = self.grip(q)
            turn = 0.5 * np.cross(axes.T, goal.T).sum(axis=0)
            mujoco.mj_jacSite(
                self._model,
                self._data,
                jacobian[:3],
                jacobian[3:],
                self._model.site(GRIP_SITE).id,
            )
            error = np.concatenate([position - at, turn])
            q += np.linalg.pinv(jacobian[:, :7]) @ error
            if np.abs(error).max() < 1e-9:
                return q
        raise AssertionError(f"no posture found for {position}, {yaw_rad}; error {error}")


@pytest.fixture(scope="session")
def kinematics() -> Kinematics:
    return Kinematics()

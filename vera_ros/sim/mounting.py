# SPDX-License-Identifier: Apache-2.0
"""Mounts cameras in MuJoCo scenes. Quaternions are (w, x, y, z), as MuJoCo's."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vera_ros.sim.cameras import Camera
from vera_ros.sim.gl import mujoco

_HALF_TURN = (0.0, 1.0, 0.0, 0.0)  # MuJoCo's cameras look along -z with y up


def mount_camera(scene: Any, camera: Camera, frame: str) -> None:
    """Fix a camera to a frame of a scene; it is called as its topics are.

    Args:
        scene: a `mujoco.MjSpec`.
        camera: whose pose is in that frame.
        frame: a body or a site.
    """
    body = scene.body(frame)
    position, quaternion = np.array(camera.position_m), np.roll(camera.orientation_xyzw, 1)
    if body is None:
        site = scene.site(frame)
        body, turn = site.parent, site.quat
        position, quaternion = site.pos + _turned(position, turn), _product(turn, quaternion)
    body.add_camera(
        name=camera.topic,
        pos=position,
        quat=_product(quaternion, _HALF_TURN),
        fovy=camera.fov_y_deg,
    )


def _product(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Return the product of two quaternions."""
    product = np.empty(4)
    mujoco.mju_mulQuat(product, np.asarray(first, float), np.asarray(second, float))
    return product


def _turned(vector: NDArray[np.float64], quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    turned = np.empty(3)
    mujoco.mju_rotVecQuat(turned, vector, quaternion)
    return turned

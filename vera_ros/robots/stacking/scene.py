# SPDX-License-Identifier: Apache-2.0
"""The stacking scene (description/mjcf/stack.xml): its model, names and dimensions."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vera_ros.resources import share_path
from vera_ros.robots.stacking import frames
from vera_ros.robots.stacking.arms.in_scene import replace_panda
from vera_ros.robots.stacking.arms.simulated_arm import PANDA, SimulatedArm
from vera_ros.robots.stacking.tables import DARK_WOOD
from vera_ros.sim.cameras import Camera
from vera_ros.sim.gl import mujoco

ARM_JOINTS = PANDA.joint_names
FINGER_JOINTS = ("panda_finger_joint1", "panda_finger_joint2")
HAND_BODIES = ("panda_hand", "panda_leftfinger", "panda_rightfinger")
BASE, GRIP_SITE = frames.BASE, frames.GRIP_SITE

RED_CUBE = "red_cube"
GREEN_CUBE = "green_cube"
CUBE_HALF_SIZE_M = {RED_CUBE: 0.02, GREEN_CUBE: 0.025}
TABLE_TOP_Z_M = 0.8

START_FINGER_M = 0.020833
FINGER_OPEN_M = 0.04


def load_model(
    cameras: Iterable[Camera] = (), table: str = DARK_WOOD, arm: SimulatedArm = PANDA
) -> Any:
    """Return the compiled scene, a `mujoco.MjModel`.

    Args:
        cameras: that it gets, fixed to BASE or to GRIP_SITE; in the model they have the names of
            their topics.
        table: the table top, one of TABLES.
        arm: the arm that stacks.

    Raises:
        ConfigurationError: the arm cannot be simulated.
    """
    scene = mujoco.MjSpec.from_file(str(share_path("description", "mjcf", "stack.xml")))
    scene.texture("table").file = f"{table}.png"
    if arm.urdf:
        replace_panda(scene, arm)
    for camera in cameras:
        _add_camera(scene, camera, arm.base)
    return scene.compile()


def _add_camera(scene: Any, camera: Camera, base: str) -> None:
    body = scene.body(base if camera.frame == BASE else camera.frame)
    position, quaternion = np.array(camera.position_m), np.roll(camera.orientation_xyzw, 1)
    if body is None:
        site = scene.site(camera.frame)
        body, turn = site.parent, site.quat
        position, quaternion = site.pos + _turned(position, turn), _product(turn, quaternion)
    # MuJoCo's cameras look along -z with y up.
    half_turn = np.array([0.0, 1.0, 0.0, 0.0])
    body.add_camera(
        name=camera.topic,
        pos=position,
        quat=_product(quaternion, half_turn),
        fovy=camera.fov_y_deg,
    )


def _product(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Return the product of two quaternions (w, x, y, z)."""
    product = np.empty(4)
    mujoco.mju_mulQuat(product, np.asarray(first, float), np.asarray(second, float))
    return product


def _turned(vector: NDArray[np.float64], quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    turned = np.empty(3)
    mujoco.mju_rotVecQuat(turned, vector, quaternion)
    return turned

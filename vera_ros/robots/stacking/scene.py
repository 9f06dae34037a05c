# SPDX-License-Identifier: Apache-2.0
"""The stacking scene (description/mjcf/stack.xml): its model, names and dimensions."""

from collections.abc import Iterable
from typing import Any

from vera_ros.resources import share_path
from vera_ros.robots.stacking import frames
from vera_ros.robots.stacking.arms.in_scene import replace_hand, replace_panda
from vera_ros.robots.stacking.arms.simulated_arm import PANDA, SimulatedArm
from vera_ros.robots.stacking.hands import PANDA_HAND
from vera_ros.robots.stacking.tables import DARK_WOOD
from vera_ros.sim.cameras import Camera
from vera_ros.sim.gl import mujoco
from vera_ros.sim.mounting import mount_camera

ARM_JOINTS = PANDA.joint_names
BASE, GRIP_SITE = frames.BASE, frames.GRIP_SITE

RED_CUBE = "red_cube"
GREEN_CUBE = "green_cube"
CUBE_HALF_SIZE_M = {RED_CUBE: 0.02, GREEN_CUBE: 0.025}
TABLE_TOP_Z_M = 0.8


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
    elif arm.hand != PANDA_HAND:
        replace_hand(scene, arm.hand)
    for camera in cameras:
        mount_camera(scene, camera, arm.base if camera.frame == BASE else camera.frame)
    return scene.compile()

# SPDX-License-Identifier: Apache-2.0
"""The stacking scene (description/mjcf/stack.xml): its model, names and dimensions."""

from typing import Any

import numpy as np

from vera_ros.resources import share_path
from vera_ros.sim.gl import mujoco
from vera_ros.sim.tables import DARK_WOOD

ARM_JOINTS = tuple(f"panda_joint{i}" for i in range(1, 8))
FINGER_JOINTS = ("panda_finger_joint1", "panda_finger_joint2")
HAND_BODIES = ("panda_hand", "panda_leftfinger", "panda_rightfinger")
BASE = "panda_link0"
GRIP_SITE = "panda_grip_site"

RED_CUBE = "red_cube"
GREEN_CUBE = "green_cube"
CUBE_HALF_SIZE_M = {RED_CUBE: 0.02, GREEN_CUBE: 0.025}
TABLE_TOP_Z_M = 0.8

# The policy's view keys and the cameras that take them.
VIEW_CAMERAS = {
    "agentview_image": "agentview",
    "robot0_eye_in_hand_image": "robot0_eye_in_hand",
}

# Where robosuite's Panda starts an episode.
START_POSTURE_RAD = np.array([0, np.pi / 16, 0, -5 * np.pi / 6, 0, np.pi - 0.2, np.pi / 4])
START_FINGER_M = 0.020833
FINGER_OPEN_M = 0.04


def load_model(table: str = DARK_WOOD) -> Any:
    """Return the compiled scene, a `mujoco.MjModel`. `table`: one of TABLES."""
    scene = mujoco.MjSpec.from_file(str(share_path("description", "mjcf", "stack.xml")))
    scene.texture("table").file = f"{table}.png"
    return scene.compile()

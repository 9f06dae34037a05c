# SPDX-License-Identifier: Apache-2.0
"""droid: a Panda with a 2F-85 stacks cubes, seen by three cameras; deltas of its flange."""

from typing import TYPE_CHECKING

from vera_ros.robots.stacking.frames import BASE, GRIP_SITE
from vera_ros.robots.stacking.hands import ROBOTIQ_2F_85
from vera_ros.robots.stacking.robot import stacking_robot
from vera_ros.sim.cameras import Camera

if TYPE_CHECKING:
    from vera_ros.robots.stacking.policy.arm import Arm


def _arm() -> "Arm":
    from vera_ros.robots.droid.arm import ARM

    return ARM


CAMERAS = {
    # At the left and the right of the table as the robot sees it, towards the table's middle.
    "varied_1": Camera(
        topic="varied_1",
        frame=BASE,
        position_m=(0.8, 0.46, 0.46),
        orientation_xyzw=(0.234642, 0.891995, -0.373667, -0.098294),
        fov_y_deg=40.0,
    ),
    "varied_2": Camera(
        topic="varied_2",
        frame=BASE,
        position_m=(0.8, -0.46, 0.46),
        orientation_xyzw=(0.891995, 0.234642, -0.098294, -0.373667),
        fov_y_deg=40.0,
    ),
    "hand": Camera(
        topic="hand",
        frame=GRIP_SITE,
        position_m=(0.0, 0.05, -0.097),
        orientation_xyzw=(0.0, 0.0, 1.0, 0.0),
        fov_y_deg=75.0,
    ),
}

ROBOT = stacking_robot("droid", "droid_panda.yaml", CAMERAS, _arm, ROBOTIQ_2F_85)

# SPDX-License-Identifier: Apache-2.0
"""mimicgen: a Panda stacks cubes, seen from the front and from its hand; OSC_POSE actions."""

from typing import TYPE_CHECKING

from vera_ros.robots.stacking.frames import BASE, GRIP_SITE
from vera_ros.robots.stacking.robot import stacking_robot
from vera_ros.sim.cameras import Camera

if TYPE_CHECKING:
    from vera_ros.robots.stacking.policy.arm import Arm


def _arm() -> "Arm":
    from vera_ros.robots.mimicgen.arm import ARM

    return ARM


# Those of the training environment.
CAMERAS = {
    "agentview_image": Camera(
        topic="agentview",
        frame=BASE,
        position_m=(1.06, 0.0, 0.438),
        orientation_xyzw=(0.65309797, 0.65309797, -0.27104066, -0.27104066),
        fov_y_deg=45.0,
    ),
    "robot0_eye_in_hand_image": Camera(
        topic="robot0_eye_in_hand",
        frame=GRIP_SITE,
        position_m=(0.0, 0.05, -0.097),
        orientation_xyzw=(0.0, 0.0, 1.0, 0.0),
        fov_y_deg=75.0,
    ),
}

ROBOT = stacking_robot("mimicgen", "mimicgen_panda.yaml", CAMERAS, _arm)

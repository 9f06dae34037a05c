# SPDX-License-Identifier: Apache-2.0
"""mimicgen: a Panda stacks cubes, seen from the front and from its hand; OSC_POSE actions."""

from vera_ros.robots.robot import Robot
from vera_ros.robots.stacking.frames import BASE, GRIP_SITE
from vera_ros.robots.stacking.prompts import PROMPT, VERA_PROMPT
from vera_ros.robots.stacking.simulator import TASK, make_simulator
from vera_ros.sim.cameras import Camera
from vera_ros.wire.hosted_policy import HostedPolicy


def make_policy(*, looks_ahead: bool = True) -> HostedPolicy:
    """Return the stacking policy for this arm (see PolicyMaker)."""
    from vera_ros.robots.mimicgen.arm import ARM
    from vera_ros.robots.stacking.policy.stack_policy import StackPolicy

    return StackPolicy(ARM, looks_ahead=looks_ahead)


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

ROBOT = Robot(
    config="mimicgen_panda.yaml",
    prompts=(PROMPT,),
    vera_prompt=VERA_PROMPT,
    task=TASK,
    make_policy=make_policy,
    simulator=make_simulator("mimicgen", CAMERAS),
    cameras=CAMERAS,
)

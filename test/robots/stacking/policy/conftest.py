# SPDX-License-Identifier: Apache-2.0
"""The stacking policy with the mimicgen arm, in front of drawn cubes."""

from collections.abc import Callable

import numpy as np
import pytest

from vera_ros.resources import share_path
from vera_ros.robots.mimicgen.arm import ARM as MIMICGEN
from vera_ros.robots.pinhole import Pose
from vera_ros.robots.stacking.policy.arm import Arm
from vera_ros.robots.stacking.policy.grasps import hand_pose
from vera_ros.robots.stacking.policy.scene_config import SceneConfig, load_scene_config

from .studio import Studio, ToyWorld


@pytest.fixture(scope="session")
def scene() -> SceneConfig:
    return load_scene_config(share_path("config", "reference_policy.yaml"))


@pytest.fixture(scope="session")
def arm() -> Arm:
    return MIMICGEN


@pytest.fixture(scope="session")
def studio(arm: Arm, scene: SceneConfig) -> Studio:
    return Studio(arm, scene)


@pytest.fixture(scope="session")
def start_tcp(scene: SceneConfig) -> Pose:
    """The TCP at the start of an episode."""
    motion = scene.motion
    return hand_pose(np.array(motion.look_position_m), motion.nominal_yaw_rad)


@pytest.fixture(scope="session")
def toy(studio: Studio, start_tcp: Pose) -> Callable[..., ToyWorld]:
    """Make a world: where the red cube is, and in which direction and how far off the green one."""

    def make(red: tuple[float, float, float], angle: float, distance: float) -> ToyWorld:
        x, y = red[0] + distance * np.cos(angle), red[1] + distance * np.sin(angle)
        return ToyWorld(studio, start_tcp, studio.carried(*red), studio.support(x, y, angle))

    return make

# SPDX-License-Identifier: Apache-2.0
"""What pending actions lead to, and a grasp of what is not there."""

import numpy as np
import pytest

from vera_ros.robots.pinhole import Pose
from vera_ros.robots.stacking.policy.arm import Arm
from vera_ros.robots.stacking.policy.cubes import Cube, Located
from vera_ros.robots.stacking.policy.grasps import hand_pose
from vera_ros.robots.stacking.policy.response import CLOSE, OPEN
from vera_ros.robots.stacking.policy.scene_config import SceneConfig
from vera_ros.robots.stacking.policy.stacking import Phase, Sighting, Stacker
from vera_ros.robots.stacking.policy.stations import Stations


@pytest.fixture
def sighting(scene: SceneConfig, start_tcp: Pose) -> Sighting:
    return Sighting(start_tcp, 0.03, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("past", "pending", "gap_m"),
    [
        ([CLOSE] * 8, [CLOSE] * 3, 0.03),  # closed long ago: what is measured counts
        ([CLOSE] * 2, [CLOSE] * 8, 0.04),  # still closing: with luck around the cube
        ([OPEN] * 9, [OPEN, CLOSE], 0.04),
        ([CLOSE] * 9, [OPEN] * 4, 0.065),  # will be open
        ([CLOSE] * 9, [OPEN] * 2, 0.03),  # not yet
        ([CLOSE, OPEN, OPEN], [OPEN, OPEN], 0.065),
        ([CLOSE] * 8, [], 0.03),
    ],
)
def test_the_gripper_is_foreseen_as_far_as_it_can_be(
    scene: SceneConfig,
    sighting: Sighting,
    past: list[float],
    pending: list[float],
    gap_m: float,
) -> None:
    ahead = sighting.ahead(sighting.tcp, np.array(past), np.array(pending), scene)
    assert ahead.gap_m == pytest.approx(gap_m)


@pytest.mark.parametrize("above_m", [-0.02, 0.0, 0.05])
def test_a_hand_that_closed_on_nothing_goes_to_look_again(
    arm: Arm, scene: SceneConfig, above_m: float
) -> None:
    """It closed there again and again, as the cube still seemed to be there."""
    height_m = Stations(scene).clear_z + above_m
    position = np.array([0.5, 0.0, height_m])
    seemingly = Located(Cube(position, 0.0, scene.cubes.carried.half_size_m))
    support = np.array([0.5, 0.15, scene.table_z_m + scene.cubes.support.half_size_m])
    there = Located(Cube(support, 0.0, scene.cubes.support.half_size_m))
    tcp = hand_pose(position, scene.motion.nominal_yaw_rad)
    stacker = Stacker(arm, scene)
    decision, _ = stacker.next_chunk(Sighting(tcp, 0.08, seemingly, there), 10)
    assert decision.phase is Phase.GRASP
    closed = Sighting(tcp, 0.0, seemingly, there)
    chunks = [stacker.next_chunk(closed, 10) for _ in range(3)]  # it may close in two of them
    decision, chunk = next(each for each in chunks if each[0].phase is not Phase.GRASP)
    assert "nothing in hand" in decision.note
    assert chunk.commands[0, 2] > 0.0
    assert np.all(chunk.commands[:, 6] == OPEN)

# SPDX-License-Identifier: Apache-2.0
"""Where the hand goes, and which side of a cube it takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.robots.stacking.policy.cubes import Cube
from vera_ros.robots.stacking.policy.grasps import hand_pose, hand_yaw
from vera_ros.robots.stacking.policy.scene_config import SceneConfig
from vera_ros.robots.stacking.policy.stations import Stations, at_height

TURN = np.pi / 2


@pytest.fixture(scope="module")
def stations(scene: SceneConfig) -> Stations:
    return Stations(scene)


@given(
    yaw_rad=st.floats(-0.15, 0.7),
    direction_rad=st.floats(-np.pi, np.pi),
    off_mm=st.tuples(st.floats(-8.0, 8.0), st.floats(-8.0, 8.0)),
    share=st.floats(0.0, 0.8),
)
def test_a_hand_that_has_come_down_keeps_its_side(
    stations: Stations,
    yaw_rad: float,
    direction_rad: float,
    off_mm: tuple[float, float],
    share: float,
) -> None:
    """Whatever the pictures say of the other cube now: it would sweep it away."""
    cube = Cube(np.array([0.5, 0.0, stations.rest_z]), yaw_rad, 0.02)
    beside = 0.064 * np.array([np.cos(direction_rad), np.sin(direction_rad), 0.0])
    other = Cube(cube.position + beside, 0.3, 0.025)
    for yaw in (yaw_rad + TURN, yaw_rad):
        hover, grasp = stations.grasp(hand_pose(cube.position, yaw), cube, None)
        down = hover.position + (grasp.position - hover.position) * (0.2 + share)
        now = hand_pose(down + np.array([*off_mm, 0.0]) * 1e-3, yaw)
        for target in stations.grasp(now, cube, other):
            assert hand_yaw(target) == pytest.approx(yaw, abs=1e-6)


def test_a_hand_above_turns_to_the_side_that_is_free(stations: Stations) -> None:
    cube = Cube(np.array([0.5, 0.0, stations.rest_z]), 0.0, 0.02)
    other = Cube(cube.position + np.array([0.0, 0.064, 0.0]), 0.0, 0.025)
    above = at_height(cube.position, stations.rest_z + 0.1)
    _, grasp = stations.grasp(hand_pose(above, TURN), cube, other)
    assert abs(hand_yaw(grasp)) == pytest.approx(0.0, abs=1e-6)

# SPDX-License-Identifier: Apache-2.0
"""The truth about the tower, condition by condition."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from vera_ros.robots.stacking.hands import PANDA_HAND
from vera_ros.robots.stacking.scene import GREEN_CUBE, RED_CUBE
from vera_ros.robots.stacking.task import StackTask
from vera_ros.robots.stacking.world import World

if TYPE_CHECKING:
    from test.robots.stacking.conftest import Kinematics

GREEN = np.array([0.05, 0.1, 0.825])
STACKED = np.array([0.05, 0.1, 0.87])
STILL = np.zeros(7)


@pytest.fixture
def world() -> World:
    world = World(seed=0)
    world.place_cube(GREEN_CUBE, GREEN)
    return world


def settle(world: World, duration_s: float = 0.4) -> None:
    q = world.arm().q
    for _ in range(round(duration_s / world.step_s)):
        world.step(q, STILL, PANDA_HAND.start)


def unmet(world: World) -> set[str]:
    return {name for name, holds in StackTask(world).conditions().items() if not holds}


def test_a_tower_succeeds(world: World) -> None:
    world.place_cube(RED_CUBE, STACKED, yaw_rad=0.7)
    settle(world)
    assert unmet(world) == set()
    assert StackTask(world).succeeded()


@pytest.mark.parametrize("seed", range(5))
def test_no_episode_starts_with_success(seed: int) -> None:
    world = World(seed)
    settle(world)
    assert not StackTask(world).succeeded()


def test_side_by_side_is_no_tower(world: World) -> None:
    world.place_cube(RED_CUBE, [0.05, 0.055, 0.82])
    settle(world)
    assert {"red is at stacked height", "red is above green"} <= unmet(world)


def test_green_on_red_is_no_tower(world: World) -> None:
    world.place_cube(RED_CUBE, [0.05, 0.1, 0.82])
    world.place_cube(GREEN_CUBE, [0.05, 0.1, 0.865])
    settle(world)
    assert unmet(world) == {"red is at stacked height"}


def test_a_cube_in_the_air_touches_nothing(world: World) -> None:
    world.place_cube(RED_CUBE, STACKED + np.array([0, 0, 0.004]))
    assert unmet(world) == {"cubes touch"}


def test_a_moving_tower_has_not_succeeded_yet(world: World) -> None:
    world.place_cube(RED_CUBE, STACKED)
    settle(world)
    world.push_cube(RED_CUBE, [0.03, 0, 0])
    assert unmet(world) == {"cubes rest"}


def test_the_gripper_must_let_go_and_retreat(world: World, kinematics: "Kinematics") -> None:
    world.place_cube(RED_CUBE, STACKED)
    start = world.arm().q
    goal = kinematics.solve(start, STACKED)
    for share in np.linspace(0, 1, 1000):
        world.step(start + share * (goal - start), STILL, 0.04)
        world.place_cube(RED_CUBE, STACKED)
        world.place_cube(GREEN_CUBE, GREEN)
    for _ in range(400):
        world.step(goal, STILL, 0.0)
    assert {"hand is off the cubes", "gripper has retreated"} <= unmet(world)

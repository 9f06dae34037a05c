# SPDX-License-Identifier: Apache-2.0
"""A picture shows where pusher and block are, to a few pixels, and says so where it does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.robots.pusht.geometry import GOAL, Array
from vera_ros.robots.pusht.localisation import Sighting, locate
from vera_ros.robots.pusht.world import PushTWorld
from vera_ros.sim.sabotage import Sabotage

from .scenes import scenes

TOLERANCE_PX, TOLERANCE_RAD = 3.0, 0.03


@pytest.fixture(scope="module")
def world() -> PushTWorld:
    return PushTWorld()


def check(seen: Sighting | str, pusher: Array, block: Array) -> None:
    assert isinstance(seen, Sighting), seen
    assert np.linalg.norm(seen.pusher - pusher) < TOLERANCE_PX
    assert np.linalg.norm(seen.block[:2] - block[:2]) < TOLERANCE_PX
    turn = (seen.block[2] - block[2] + np.pi) % (2 * np.pi) - np.pi
    assert abs(turn) < TOLERANCE_RAD


@settings(max_examples=25, deadline=None)
@given(scene=scenes)
def test_pusher_and_block_are_found(world: PushTWorld, scene: tuple[Array, Array]) -> None:
    world.place(*scene)
    check(locate(world.picture()), *scene)


@settings(max_examples=10, deadline=None)
@given(scene=scenes, seed=st.integers(0, 100))
def test_a_textured_floor_and_noise_do_no_harm(
    world: PushTWorld, scene: tuple[Array, Array], seed: int
) -> None:
    """VERA's pictures have a floor of many greys."""
    world.place(*scene)
    picture, rng = world.picture().astype(float), np.random.default_rng(seed)
    picture[(picture == 255).all(axis=2)] = 215.0
    picture += rng.normal(0.0, 8.0, (*picture.shape[:2], 1)) + rng.normal(0.0, 2.0, picture.shape)
    check(locate(picture.clip(0, 255).astype(np.uint8)), *scene)


def test_a_block_on_its_goal_is_found(world: PushTWorld) -> None:
    pusher = np.array([60.0, 60.0])
    world.place(pusher, GOAL)
    check(locate(world.picture()), pusher, GOAL)


@pytest.mark.parametrize(
    ("sabotage", "reason"), [("blank", "block's colour"), ("bgr", "colour is not in the picture")]
)
def test_a_picture_without_them_says_so(world: PushTWorld, sabotage: str, reason: str) -> None:
    world.reset(0)
    picture = Sabotage(sabotage).spoil({"image": world.picture()}, 0)["image"]
    said = locate(picture)
    assert isinstance(said, str)
    assert reason in said


corners = st.tuples(*[st.integers(0, 251)] * 2)
colours = st.sampled_from([(143, 163, 184), (65, 105, 225), (144, 238, 144), (255, 255, 255)])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(corners, st.integers(1, 90), st.integers(1, 90), colours), max_size=8))
def test_no_picture_is_too_strange(
    boxes: list[tuple[tuple[int, int], int, int, tuple[int, int, int]]],
) -> None:
    picture = np.full((252, 252, 3), 255, np.uint8)
    for (row, column), height, width, colour in boxes:
        picture[row : row + height, column : column + width] = colour
    seen = locate(picture)
    assert seen if isinstance(seen, str) else np.isfinite([*seen.pusher, *seen.block]).all()


def test_another_shape_of_its_colour_is_no_block(world: PushTWorld) -> None:
    world.place(np.array([60.0, 60.0]), GOAL)
    picture = world.picture()
    picture[150:200, 150:200] = picture[165, 126] = [142, 163, 183]
    picture[:140, 80:] = 255
    assert locate(picture) == "what has the block's colour does not have its shape"

# SPDX-License-Identifier: Apache-2.0
"""A ball is found where it is, or not at all."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.robots.allegro import ROBOT
from vera_ros.robots.allegro.hand import CAMERAS, COLOURS
from vera_ros.robots.allegro.scene import ball_name
from vera_ros.robots.allegro.sight import find_ball, spot_in
from vera_ros.robots.allegro.world import HandWorld
from vera_ros.robots.robot import Look
from vera_ros.sim.simulation import Renderer

WORLD = HandWorld()


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with ROBOT.simulator.open_renderer(Look(128)) as opened:
        yield opened


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_balls_are_found_to_two_millimetres(renderer: Renderer, seed: int) -> None:
    WORLD.reset(seed)
    pictures = renderer.render(WORLD.snapshot())
    for colour in COLOURS:
        found = find_ball(pictures, CAMERAS, colour)
        truth = WORLD.truth().objects[ball_name(colour)].position
        assert not isinstance(found, str)
        assert np.linalg.norm(found - truth) < 2e-3


def test_one_view_is_not_enough(renderer: Renderer) -> None:
    WORLD.reset(0)
    picture = renderer.render(WORLD.snapshot())["camera_0"]
    found = find_ball({"camera_0": picture}, CAMERAS, "red")
    assert found == "the red ball is seen in 1 views; it takes two"


def test_views_that_contradict_each_other_are_not_believed(renderer: Renderer) -> None:
    WORLD.reset(0)
    pictures = renderer.render(WORLD.snapshot())
    shown = [*pictures.values()]
    swapped = dict(zip(pictures, shown[1:] + shown[:1], strict=True))
    assert isinstance(find_ball(swapped, CAMERAS, "red"), str)


def test_an_empty_picture_shows_nothing() -> None:
    assert spot_in(np.zeros((128, 128, 3), np.uint8), CAMERAS["camera_0"], "red") is None

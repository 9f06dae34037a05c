# SPDX-License-Identifier: Apache-2.0
"""The simulated hand: it follows, feels its balls, and moves the one that matters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.errors import MotionError
from vera_ros.robots.allegro.finger import Finger
from vera_ros.robots.allegro.hand import BALL_RADIUS_M, COLOURS, FINGER, TIP_RADIUS_M
from vera_ros.robots.allegro.placement import draw_placement
from vera_ros.robots.allegro.scene import ball_name
from vera_ros.robots.allegro.world import START_RAD, HandWorld

ZERO = np.zeros(16)
CENTRES_M = BALL_RADIUS_M + TIP_RADIUS_M


@pytest.fixture(scope="module")
def world() -> HandWorld:
    return HandWorld()


def ball(world: HandWorld, colour: str) -> np.ndarray:
    return world.truth().objects[ball_name(colour)].position


def go(world: HandWorld, q: np.ndarray, seconds: float) -> None:
    """Move there evenly, and rest for a moment."""
    start = world.joints().q
    steps = round(seconds / world.step_s)
    for i in range(steps):
        world.step(start + (q - start) * (i + 1) / steps, ZERO, ZERO)
    for _ in range(round(0.2 / world.step_s)):
        world.step(q, ZERO, ZERO)


def posture(target: np.ndarray, beyond_m: float) -> np.ndarray:
    """Return the hand whose index finger points at a place, this far from it."""
    finger = Finger().reach(target, beyond_m)
    assert finger is not None
    return np.concatenate((finger, START_RAD[FINGER.stop :]))


def touching(target: np.ndarray) -> np.ndarray:
    return posture(target, CENTRES_M - 0.0015)


def ready(target: np.ndarray) -> np.ndarray:
    return posture(target, CENTRES_M + 0.02)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_balls_are_apart_and_in_reach(seed: int) -> None:
    placed, finger = draw_placement(seed), Finger()
    assert COLOURS[placed.named] == COLOURS[seed % 2]
    assert np.linalg.norm(placed.first - placed.then) > 0.04
    for centre in (placed.first, placed.then):
        assert np.linalg.norm(placed.other - centre) > 2 * CENTRES_M - 0.01
        assert finger.reach(centre, CENTRES_M) is not None


def test_a_scene_is_that_of_its_seed(world: HandWorld) -> None:
    world.reset(5)
    before = world.snapshot()
    go(world, START_RAD + 0.1, 0.1)
    world.reset(6)
    assert np.abs(world.snapshot() - before).max() > 0.01
    world.reset(5)
    np.testing.assert_array_equal(world.snapshot(), before)


def test_the_named_ball_moves_with_the_hand_and_the_other_stays(world: HandWorld) -> None:
    for seed, named, other in ((0, "red", "blue"), (1, "blue", "red")):
        world.reset(seed)
        placed = draw_placement(seed)
        for _ in range(100):
            world.step(START_RAD, ZERO, ZERO)
        np.testing.assert_allclose(ball(world, named), placed.first)
        go(world, START_RAD + 0.05, 0.1)
        np.testing.assert_allclose(ball(world, named), placed.then)
        np.testing.assert_allclose(ball(world, other), placed.other)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_touch_that_rests_is_a_success(world: HandWorld, seed: int) -> None:
    world.reset(seed)
    target = draw_placement(seed).then
    turned = START_RAD.copy()
    turned[0] = ready(target)[0]
    go(world, turned, 0.3)
    assert not world.truth().success
    go(world, ready(target), 0.5)
    assert not world.truth().success
    go(world, touching(target), 0.3)
    assert world.truth().success
    assert np.abs(world.joints().effort).max() < 0.35  # half of what the motors can


def test_after_a_touch_of_the_other_ball_nothing_counts(world: HandWorld) -> None:
    world.reset(0)
    placed = draw_placement(0)
    for target in (placed.other, placed.then):
        turned = world.joints().q
        turned[1:4] = START_RAD[1:4]
        go(world, turned, 0.5)
        turned[0] = ready(target)[0]
        go(world, turned, 0.3)
        go(world, ready(target), 0.5)
        go(world, touching(target), 0.3)
    assert not world.truth().success
    world.reset(0)
    assert not world.truth().success


def test_commands_that_are_not_finite_are_refused(world: HandWorld) -> None:
    world.reset(0)
    with pytest.raises(MotionError, match="must be finite"):
        world.step(np.full(16, np.nan), ZERO, ZERO)

# SPDX-License-Identifier: Apache-2.0
"""The world: repeatable, driven by velocities or positions, and seen as upstream shows it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.errors import MotionError
from vera_ros.robots.pusht.geometry import GOAL, Array
from vera_ros.robots.pusht.world import PICTURE_PX, SPEED_LIMIT_PX_S, STEP_S, PushTWorld
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.trajectory import TrajectoryPoints

velocities = st.tuples(*[st.floats(-700, 700)] * 2).map(np.array)


def test_a_seed_repeats_an_episode_bit_for_bit() -> None:
    world = PushTWorld(seed=3)
    ends = []
    for seed in (3, 4, 3):
        world.reset(seed)
        for _ in range(100):
            world.step_to(world.block[:2])
        ends.append(np.concatenate((world.pusher, world.block)))
    np.testing.assert_array_equal(ends[0], ends[2])
    assert not np.array_equal(ends[0], ends[1])


def test_time_never_goes_back() -> None:
    world = PushTWorld()
    world.step(np.zeros(2))
    world.reset(1)
    assert world.time_s == STEP_S


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_an_episode_starts_at_rest_within_the_walls(seed: int) -> None:
    world = PushTWorld(seed)
    assert (world.pusher > 5).all()
    assert (world.pusher < 506).all()
    np.testing.assert_array_equal(world.pusher_velocity, 0.0)


@settings(deadline=None)
@given(velocities)
def test_the_pusher_moves_as_commanded_within_its_speed_limit(velocity: Array) -> None:
    world = PushTWorld()
    world.place(np.array([256.0, 256.0]), np.array([100.0, 100.0, 0.0]))
    world.step(velocity)
    allowed = np.clip(velocity, -SPEED_LIMIT_PX_S, SPEED_LIMIT_PX_S)
    np.testing.assert_allclose(world.pusher_velocity, allowed)
    np.testing.assert_allclose(world.pusher, 256.0 + allowed * STEP_S)


def test_the_pusher_can_follow_a_joint_trajectory() -> None:
    """As two prismatic joints whose controller runs once in each step."""
    world = PushTWorld()
    start, end = np.array([400.0, 60.0]), np.array([460.0, 100.0])
    world.place(start, GOAL)
    joints = ("x", "y")
    follower = TrajectoryFollower(joints, start, period_s=STEP_S)
    rest = [np.zeros(2)]
    follower.accept(joints, TrajectoryPoints([0.5], [end], rest, rest), 0, 0)
    for step in range(60):
        setpoint = follower.update(round(step * STEP_S * 1e9), world.pusher, world.pusher_velocity)
        world.step_to(setpoint.q)
        np.testing.assert_allclose(world.pusher, setpoint.q, atol=1e-9)
    np.testing.assert_allclose(world.pusher, end, atol=1e-9)


def test_the_block_moves_only_while_it_is_pushed() -> None:
    world = PushTWorld()
    world.place(np.array([200.0, 340.0]), np.array([256.0, 256.0, 0.0]))

    def push(velocity: tuple[float, float], steps: int) -> Array:
        for _ in range(steps):
            world.step(np.array(velocity))
        return world.block

    before = world.block
    np.testing.assert_array_equal(push((0.0, 0.0), 10), before)
    pushed = push((100.0, 0.0), 60)
    assert pushed[0] > before[0] + 5
    assert abs(pushed[2]) > 0.05
    left = push((-100.0, 0.0), 10)
    np.testing.assert_allclose(left, pushed, atol=0.5)
    np.testing.assert_allclose(push((-100.0, 0.0), 10), left, atol=1e-6)


@pytest.mark.parametrize("velocity", [(np.nan, 0.0), (0.0, np.inf)])
def test_a_velocity_that_is_not_finite_is_refused(velocity: tuple[float, float]) -> None:
    world = PushTWorld()
    before = world.pusher
    with pytest.raises(MotionError, match="two finite numbers"):
        world.step(np.array(velocity))
    np.testing.assert_array_equal(world.pusher, before)
    assert world.time_s == 0.0


def test_the_picture_shows_the_scene_from_above() -> None:
    world = PushTWorld()
    world.place(np.array([100.0, 400.0]), np.array([400.0, 100.0, 0.0]))
    world.step_to(np.array([100.0, 400.0]))
    picture = world.picture()
    assert picture.shape == (PICTURE_PX, PICTURE_PX, 3)
    assert picture.dtype == np.uint8

    def colour(x: float, y: float) -> list[int]:
        shown: list[int] = picture[int(y / 512 * PICTURE_PX), int(x / 512 * PICTURE_PX)].tolist()
        return shown

    assert colour(100, 400) == [78, 126, 255]
    assert colour(400, 115) == [143, 163, 184]
    assert colour(256, 272) == [144, 238, 144]
    assert colour(480, 480) == [255, 255, 255]

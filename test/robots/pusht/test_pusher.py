# SPDX-License-Identifier: Apache-2.0
"""PushT's world as a robot: metres and pixels agree, and so do truth and pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.urdf_joints import root_link
from vera_ros.robots.pusht import ROBOT
from vera_ros.robots.pusht.geometry import GOAL
from vera_ros.robots.pusht.localisation import locate
from vera_ros.robots.pusht.plane import CAMERA, FRAME, JOINTS, VIEW
from vera_ros.robots.pusht.pusher import PusherRenderer, PusherWorld
from vera_ros.robots.pusht.world import SPEED_LIMIT_PX_S, PushTWorld
from vera_ros.robots.stacking.frames import PANDA_JOINTS

ZERO = np.zeros(2)
seeds = st.integers(0, 10_000)


@settings(max_examples=10, deadline=None)
@given(seeds, st.floats(5e-4, 2e-3), st.floats(-1, 1), st.floats(-1, 1))
def test_scale_and_origin_change_nothing_but_the_numbers(
    seed: int, pixel_m: float, x_m: float, y_m: float
) -> None:
    origin_m = np.array([x_m, y_m])
    world, scaled = PusherWorld(seed), PusherWorld(seed, pixel_m, (x_m, y_m))
    target_px = world.snapshot()[:2] + np.array([20.0, -10.0])
    for _ in range(10):
        world.step(target_px * 1e-3, ZERO, ZERO)
        scaled.step(origin_m + target_px * pixel_m, ZERO, ZERO)
    np.testing.assert_allclose(scaled.snapshot(), world.snapshot(), atol=1e-6)
    moved = (scaled.joints().q - origin_m) / pixel_m
    np.testing.assert_allclose(moved, target_px, atol=1e-6)


def test_the_pusher_goes_where_it_is_told_as_fast_as_it_may() -> None:
    world = PusherWorld(0)
    start = world.joints().q
    world.step(start + 1.0, ZERO, ZERO)
    np.testing.assert_allclose(world.joints().q - start, SPEED_LIMIT_PX_S * 1e-5, atol=1e-9)


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_the_picture_is_that_of_the_world(seed: int) -> None:
    world, renderer = PusherWorld(seed), PusherRenderer(252)
    seen = locate(renderer.render(world.snapshot())[VIEW])
    assert not isinstance(seen, str)
    np.testing.assert_allclose(seen.pusher, world.snapshot()[:2], atol=3.0)
    block = world.truth().objects["block"]
    np.testing.assert_allclose(seen.block[:2] * 1e-3, block.position[:2], atol=4e-3)


def test_a_picture_shows_no_trace_of_the_one_before() -> None:
    renderer, snapshots = PusherRenderer(252), [PusherWorld(s).snapshot() for s in (0, 1)]
    first = renderer.render(snapshots[0])[VIEW]
    renderer.render(snapshots[1])
    np.testing.assert_array_equal(renderer.render(snapshots[0])[VIEW], first)


def test_the_camera_sees_the_whole_square() -> None:
    intrinsics = PusherRenderer(252).intrinsics(VIEW)
    height_m = -CAMERA.position_m[2]
    assert 252 / intrinsics.fx * height_m == pytest.approx(0.512, rel=1e-3)


def test_success_is_the_goal_covered() -> None:
    world = PushTWorld(0)
    world.place(np.array([40.0, 40.0]), GOAL)
    robot = PusherWorld(0)
    assert not robot.truth().success
    robot._world.place(np.array([40.0, 40.0]), GOAL)
    assert robot.truth().success


def test_the_description_has_its_joints() -> None:
    urdf = ROBOT.simulator.describe({})
    for name in JOINTS:
        assert f'"{name}"' in urdf
    assert root_link(urdf) == FRAME


def test_an_arm_that_pushes_is_described_or_refused() -> None:
    describe = ROBOT.simulator.describe
    panda = {"joint_names": PANDA_JOINTS}
    assert '"panda_grip_site"' in describe(panda)
    with pytest.raises(ConfigurationError, match="no joint"):
        describe({"arm_description": "ur5e.urdf", "joint_names": JOINTS})

# SPDX-License-Identifier: Apache-2.0
"""The world: repeatable, well tracked, able to grasp, and open to disturbances."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from vera_ros.errors import ConfigurationError, MotionError
from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.hands import PANDA_HAND
from vera_ros.robots.stacking.world import World
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.trajectory import TrajectoryPoints

if TYPE_CHECKING:
    from test.robots.stacking.conftest import Kinematics

Array = NDArray[np.float64]
STILL = np.zeros(7)

OPEN_M = 0.04


def hold(world: World, duration_s: float, finger_m: float = PANDA_HAND.start) -> None:
    q = world.arm().q
    for _ in range(round(duration_s / world.step_s)):
        world.step(q, STILL, finger_m)


def move(world: World, q: Array, duration_s: float, finger_m: float) -> list[tuple[Array, Array]]:
    """Move the arm to q; return the commanded and the measured joints after each step."""
    state = world.arm()
    follower = TrajectoryFollower(scene.ARM_JOINTS, state.q, period_s=world.step_s)
    rest = [STILL]
    points = TrajectoryPoints([duration_s], [q], rest, rest)
    follower.accept(scene.ARM_JOINTS, points, 0, round(world.time_s * 1e9))
    track = []
    for _ in range(round(duration_s / world.step_s)):
        state = world.arm()
        setpoint = follower.update(round(world.time_s * 1e9), state.q, state.dq)
        world.step(setpoint.q, setpoint.dq, finger_m)
        track.append((setpoint.q, world.arm().q))
    return track


def test_a_seed_repeats_an_episode_bit_for_bit() -> None:
    world = World(seed=3)
    episodes = []
    for seed in (3, 4, 3):
        world.reset(seed)
        hold(world, 0.2, finger_m=0.0)
        episodes.append(world.snapshot())
    np.testing.assert_array_equal(episodes[0], episodes[2])
    assert not np.array_equal(episodes[0], episodes[1])


def test_time_never_goes_back() -> None:
    world = World()
    hold(world, 0.1)
    before_s = world.time_s
    world.reset(1)
    assert world.time_s == before_s == pytest.approx(0.1)


def test_an_episode_starts_at_rest_with_the_cubes_on_the_table() -> None:
    world = World(seed=5)
    start = {cube: world.pose(cube).position for cube in scene.CUBE_HALF_SIZE_M}
    for cube, half_size in scene.CUBE_HALF_SIZE_M.items():
        assert start[cube][2] == pytest.approx(scene.TABLE_TOP_Z_M + half_size)
    np.testing.assert_allclose(world.fingers().q, PANDA_HAND.start)
    hold(world, 0.5)
    for cube, position in start.items():
        np.testing.assert_allclose(world.pose(cube).position, position, atol=1e-3)


def test_a_smooth_reach_is_tracked_within_millimetres(kinematics: "Kinematics") -> None:
    world = World(seed=0)
    start, _ = kinematics.grip(world.arm().q)
    goal = kinematics.solve(world.arm().q, start + np.array([0.12, 0.12, -0.12]))
    track = move(world, goal, 1.6, PANDA_HAND.start)
    errors = [
        np.linalg.norm(kinematics.grip(commanded)[0] - kinematics.grip(measured)[0])
        for commanded, measured in track
    ]
    assert max(errors) < 5e-3
    hold(world, 1.0)
    np.testing.assert_allclose(world.arm().q, goal, atol=1e-3)


def test_a_held_arm_stands_still_and_its_effort_carries_it() -> None:
    world = World(seed=0)
    q = world.arm().q
    hold(world, 1.0)
    np.testing.assert_allclose(world.arm().q, q, atol=1e-4)
    assert abs(world.arm().effort[1]) > 10
    assert (np.abs(world.arm().effort) <= [87, 87, 87, 87, 12, 12, 12]).all()


def test_the_gripper_closes_as_a_ramp() -> None:
    world = World(seed=0)
    hold(world, 1.0, finger_m=OPEN_M)
    left, right = world.fingers().q
    assert left == pytest.approx(right, abs=1e-4)
    assert left == pytest.approx(OPEN_M, abs=1e-3)
    hold(world, 0.2, finger_m=0.0)
    assert 0.015 < world.fingers().q.min() < 0.035
    hold(world, 0.6, finger_m=0.0)
    assert world.fingers().q.max() < 2e-3


@pytest.mark.parametrize("seed", range(3))
def test_a_scripted_grasp_lifts_the_cube(seed: int, kinematics: "Kinematics") -> None:
    world = World(seed)
    world.place_cube(scene.GREEN_CUBE, [0.15, 0.15, 0.825])
    cube = world.pose(scene.RED_CUBE)
    yaw_rad = 2 * np.arctan2(cube.quaternion[2], cube.quaternion[3])
    yaw_rad = (yaw_rad + np.pi / 4) % (np.pi / 2) - np.pi / 4
    hover = kinematics.solve(world.arm().q, cube.position + np.array([0, 0, 0.1]), yaw_rad)
    grasp = kinematics.solve(hover, cube.position, yaw_rad)
    move(world, hover, 1.5, OPEN_M)
    move(world, grasp, 1.0, OPEN_M)
    hold(world, 0.6, finger_m=0.0)
    assert world.in_contact(scene.RED_CUBE, ("panda_leftfinger",))
    assert world.in_contact(scene.RED_CUBE, ("panda_rightfinger",))
    move(world, hover, 1.0, 0.0)
    hold(world, 1.0, finger_m=0.0)
    assert world.pose(scene.RED_CUBE).position[2] == pytest.approx(0.92, abs=5e-3)
    assert not world.in_contact(scene.RED_CUBE, ("table",))


def test_the_grip_pose_in_the_base_frame() -> None:
    world = World(seed=0)
    in_world = world.pose(scene.GRIP_SITE)
    in_base = world.pose(scene.GRIP_SITE, scene.BASE)
    np.testing.assert_allclose(in_base.position, in_world.position - [-0.56, 0, 0.912])
    np.testing.assert_allclose(np.abs(in_base.quaternion @ in_world.quaternion), 1.0)
    at_itself = world.pose(scene.GRIP_SITE, scene.GRIP_SITE)
    np.testing.assert_allclose(at_itself.position, 0, atol=1e-12)
    np.testing.assert_allclose(np.abs(at_itself.quaternion), [0, 0, 0, 1], atol=1e-12)


def test_cubes_can_be_placed_and_pushed() -> None:
    world = World(seed=0)
    world.place_cube(scene.RED_CUBE, [0.1, 0.1, 0.82], yaw_rad=0.3)
    world.place_cube(scene.GREEN_CUBE, [-0.1, -0.1, 0.825])
    pose = world.pose(scene.RED_CUBE)
    np.testing.assert_allclose(pose.position, [0.1, 0.1, 0.82])
    np.testing.assert_allclose(pose.quaternion, [0, 0, np.sin(0.15), np.cos(0.15)], atol=1e-12)
    world.push_cube(scene.RED_CUBE, [0.4, 0.0, 0.0])
    assert world.speed_m_s(scene.RED_CUBE) == pytest.approx(0.4)
    hold(world, 0.5)
    assert world.pose(scene.RED_CUBE).position[0] > 0.103
    assert world.speed_m_s(scene.RED_CUBE) < 0.02
    with pytest.raises(ConfigurationError, match="blue"):
        world.push_cube("blue", [0, 0, 0])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_targets_that_are_not_finite_are_refused(bad: float) -> None:
    """MuJoCo answers a NaN control with a warning and a silent reset of the whole world."""
    world = World(seed=0)
    before = world.snapshot()
    for q, dq, finger_m in (([bad] * 7, STILL, 0.0), (STILL, [bad] * 7, 0.0), (STILL, STILL, bad)):
        with pytest.raises(MotionError, match="finite"):
            world.step(q, dq, finger_m)
    np.testing.assert_array_equal(world.snapshot(), before)

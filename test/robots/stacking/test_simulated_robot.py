# SPDX-License-Identifier: Apache-2.0
"""The simulated robot follows its trajectories and says where it is."""

import numpy as np
import pytest

from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.hands import PANDA_HAND
from vera_ros.robots.stacking.simulated_robot import SimulatedRobot
from vera_ros.robots.stacking.world import World
from vera_ros.sim.trajectory import TrajectoryPoints


@pytest.fixture
def robot() -> SimulatedRobot:
    return SimulatedRobot(World(3))


def send_arm(robot: SimulatedRobot, goal: "np.ndarray", duration_s: float) -> None:
    points = TrajectoryPoints([duration_s], [goal], [np.zeros(7)])
    robot.arm.accept(scene.ARM_JOINTS, points, 0, robot.time_ns)


def send_finger(robot: SimulatedRobot, goal_m: float, duration_s: float) -> None:
    points = TrajectoryPoints([duration_s], [[goal_m]])
    robot.gripper.accept(PANDA_HAND.joints[:1], points, 0, robot.time_ns)


def test_time_goes_to_the_nearest_step(robot: SimulatedRobot) -> None:
    robot.advance_to(0.1)
    assert robot.world.time_s == pytest.approx(0.1)
    robot.advance_to(0.1009)
    assert robot.world.time_s == pytest.approx(0.1)
    robot.advance_to(0.1011)
    assert robot.world.time_s == pytest.approx(0.102)
    robot.advance_to(0.05)
    assert robot.world.time_s == pytest.approx(0.102)


def test_without_a_trajectory_the_robot_holds(robot: SimulatedRobot) -> None:
    before = robot.world.arm().q
    robot.advance_to(2.0)
    np.testing.assert_allclose(robot.world.arm().q, before, atol=2e-3)
    np.testing.assert_allclose(robot.world.fingers().q, PANDA_HAND.start, atol=1e-3)


def test_the_arm_arrives_where_and_when_its_trajectory_ends(robot: SimulatedRobot) -> None:
    goal = robot.world.arm().q + np.array([0.2, -0.1, 0.1, 0.1, -0.1, 0.1, 0.3])
    send_arm(robot, goal, 1.0)
    robot.advance_to(0.5)
    assert np.abs(robot.world.arm().dq).max() > 0.1
    robot.advance_to(1.2)
    np.testing.assert_allclose(robot.world.arm().q, goal, atol=3e-3)
    np.testing.assert_allclose(robot.world.arm().dq, 0.0, atol=0.02)


def test_both_fingers_follow_the_one_that_is_commanded(robot: SimulatedRobot) -> None:
    send_finger(robot, 0.01, 0.3)
    robot.advance_to(1.0)
    np.testing.assert_allclose(robot.world.fingers().q, 0.01, atol=1e-3)


def test_fingers_are_no_faster_than_the_training_environments(robot: SimulatedRobot) -> None:
    before = robot.world.fingers().q
    send_finger(robot, 0.0, 0.01)
    robot.advance_to(0.1)
    assert np.abs(robot.world.fingers().q - before).max() < 1.2 * PANDA_HAND.speed * 0.1


def test_a_reset_holds_the_new_start_and_forgets_the_trajectory(robot: SimulatedRobot) -> None:
    send_arm(robot, robot.world.arm().q + 0.3, 1.0)
    send_finger(robot, 0.0, 0.5)
    robot.advance_to(0.5)
    robot.reset(11)
    start = World(11).arm().q
    assert robot.world.time_s == pytest.approx(0.5)
    np.testing.assert_allclose(robot.world.arm().q, start)
    robot.advance_to(2.0)
    np.testing.assert_allclose(robot.world.arm().q, start, atol=2e-3)
    np.testing.assert_allclose(robot.world.fingers().q, PANDA_HAND.start, atol=1e-3)


def test_joint_states_name_every_joint_in_order(robot: SimulatedRobot) -> None:
    robot.advance_to(0.1)
    names, values = robot.joint_states()
    assert names == [*scene.ARM_JOINTS, *PANDA_HAND.joints]
    assert values.shape == (3, 9)
    arm, fingers = robot.world.arm(), robot.world.fingers()
    for row, field in enumerate(("q", "dq", "effort")):
        np.testing.assert_array_equal(values[row, :7], getattr(arm, field))
        np.testing.assert_array_equal(values[row, 7:], getattr(fingers, field))
    assert np.abs(values[2, :7]).max() > 1.0  # gravity weighs on the arm


def test_what_was_said_of_the_joints_does_not_change_afterwards(robot: SimulatedRobot) -> None:
    _, values = robot.joint_states()
    before = values.copy()
    send_arm(robot, robot.world.arm().q + 0.2, 0.5)
    robot.advance_to(0.5)
    np.testing.assert_array_equal(values, before)


def test_a_command_that_is_not_finite_holds_its_joint_and_is_counted(robot: SimulatedRobot) -> None:
    start = robot.world.arm().q
    goal = start + 0.1
    bad = goal.copy()
    bad[2] = np.nan
    send_arm(robot, goal, 0.5)
    robot.advance_to(0.2)
    told = robot.world.arm().q[2]
    send_arm(robot, bad, 0.5)
    send_finger(robot, np.inf, 0.5)
    robot.advance_to(1.2)
    assert robot.commands_not_finite == 1000  # in 500 steps the arm's controller and the gripper's
    expected = np.where(np.isfinite(bad), goal, told)
    np.testing.assert_allclose(robot.world.arm().q, expected, atol=5e-3)
    np.testing.assert_allclose(robot.world.fingers().q, PANDA_HAND.start, atol=2e-3)
    send_arm(robot, goal, 0.0)
    robot.advance_to(2.0)
    np.testing.assert_allclose(robot.world.arm().q, goal, atol=5e-3)
    assert robot.commands_not_finite > 1000  # the gripper's still


@pytest.mark.parametrize("open_loop", [True, False])
def test_the_arm_starts_at_the_last_command_or_where_it_is_measured(open_loop: bool) -> None:
    robot = SimulatedRobot(World(3), open_loop=open_loop)
    start = robot.world.arm().q
    goal = start + 0.1
    send_arm(robot, goal, 0.0)
    robot.advance(1)  # it is told to be there, and is far from it
    send_arm(robot, goal, 100.0)
    robot.advance_to(0.5)
    there, elsewhere = (goal, start) if open_loop else (start, goal)
    q = robot.world.arm().q
    assert np.abs(q - there).max() < 0.5 * np.abs(q - elsewhere).max()

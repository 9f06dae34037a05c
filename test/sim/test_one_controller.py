# SPDX-License-Identifier: Apache-2.0
"""A robot with one controller follows its trajectories and says where it is."""

import numpy as np
import pytest

from vera_ros.sim.one_controller import OneController
from vera_ros.sim.simulation import Array, JointState, Truth, advance_to, nanoseconds
from vera_ros.sim.trajectory import TrajectoryPoints

NAMES = ("a", "b")


class Obedient:
    """Joints that are where they are told to be."""

    joint_names = NAMES
    step_s = 0.01

    def __init__(self) -> None:
        self.steps = 0
        self.q: Array = np.zeros(2)
        self.told: list[tuple[Array, Array, Array]] = []
        self.reset(0)

    @property
    def time_s(self) -> float:
        return self.steps * self.step_s

    def reset(self, seed: int) -> None:
        self.q, self.dq = np.full(2, float(seed)), np.zeros(2)

    def step(self, q: Array, dq: Array, ddq: Array) -> None:
        self.steps += 1
        self.told.append((q, dq, ddq))
        self.q, self.dq = q, dq

    def joints(self) -> JointState:
        return JointState(self.q.copy(), self.dq.copy(), np.zeros(2))

    def snapshot(self) -> Array:
        return np.array(self.q)

    def truth(self) -> Truth:
        return Truth(success=bool(self.q[0] > 0.5), frame="base")


@pytest.fixture
def robot() -> OneController:
    return OneController(Obedient())


def send(robot: OneController, goal: list[float], duration_s: float) -> None:
    points = TrajectoryPoints([duration_s], [goal], [np.zeros(2)])
    robot.controllers["arm"].accept(NAMES, points, 0, nanoseconds(robot))


def test_it_arrives_where_and_when_its_trajectory_ends(robot: OneController) -> None:
    send(robot, [1.0, -1.0], 0.5)
    advance_to(robot, 0.25)
    assert 0.1 < robot.joint_states()[1][0, 0] < 0.9
    assert not robot.truth().success or robot.snapshot()[0] > 0.5
    advance_to(robot, 0.6)
    names, (q, dq, _) = robot.joint_states()
    assert names == [*NAMES]
    np.testing.assert_allclose(q, [1.0, -1.0])
    np.testing.assert_allclose(dq, 0.0)
    assert robot.truth().success


def test_a_reset_forgets_the_trajectory_and_keeps_the_time(robot: OneController) -> None:
    send(robot, [1.0, -1.0], 0.5)
    advance_to(robot, 0.2)
    robot.reset(7)
    advance_to(robot, 0.5)
    np.testing.assert_allclose(robot.joint_states()[1][0], 7.0)
    assert robot.time_s == pytest.approx(0.5)


def test_a_command_that_is_not_finite_holds_its_joint_and_is_counted(robot: OneController) -> None:
    send(robot, [1.0, 1.0], 0.1)
    advance_to(robot, 0.2)
    send(robot, [2.0, np.nan], 0.1)
    advance_to(robot, 0.4)
    np.testing.assert_allclose(robot.joint_states()[1][0], [2.0, 1.0])
    assert robot.commands_not_finite == 20
    world = robot.world
    assert isinstance(world, Obedient)
    assert all(np.isfinite(told).all() for told in world.told)

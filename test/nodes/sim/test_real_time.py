# SPDX-License-Identifier: Apache-2.0
"""sim_node in step with real time: whose time its stamps are, and what is published when."""

import time
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.common.conversions import joint_trajectory, sensor_qos, stamp_to_ns
from vera_ros.nodes.sim_node import SimNode
from vera_ros_interfaces.msg import StackTruth
from vera_ros_interfaces.srv import ResetScene

from ..stage import ARM_JOINTS, Stage

MS = 1_000_000
A_DAY_NS = 86_400 * 1_000 * MS


class World:
    """A sim_node on a stage, what it says, and an arm controller to speak to."""

    def __init__(self, stage: Stage, **parameters: Any) -> None:
        self.stage = stage
        stage.joints, stage.cameras = False, ()  # the stage's own arm and cameras are silent
        self.node = stage.add(SimNode, **{"image_size": 16, **parameters})
        self.joint_states: list[JointState] = []
        self.truths: list[StackTruth] = []
        make = stage.node.create_subscription
        make(JointState, "joint_states", self.joint_states.append, sensor_qos("reliable", 100))
        make(StackTruth, "stack_truth", self.truths.append, 10)
        self.arm = stage.node.create_publisher(
            JointTrajectory, "arm_controller/joint_trajectory", 10
        )
        stage.wait_until_active(self.node)
        stage.wait_until(lambda: self.joint_states and self.truths, "joint states and the truth")
        stage.wait_until(lambda: self.arm.get_subscription_count() == 2, "both listeners")

    def q(self) -> Any:
        return np.array(self.joint_states[-1].position[:7])

    def turn(self, names: list[str]) -> Any:
        """Send the first of these joints 0.1 rad on; return where all of them should end."""
        goal = self.q() + 0.1 * (np.arange(7) == 0)
        rest = np.zeros((1, 7))
        self.arm.publish(joint_trajectory(names, np.array([0.5]), goal[None], rest, rest))
        return goal


def test_without_a_clock_stamps_are_the_systems_time(stage: Stage) -> None:
    world = World(stage)
    stamp_ns = stamp_to_ns(world.joint_states[-1].header.stamp)
    assert abs(stamp_ns - time.time_ns()) < A_DAY_NS  # and not simulated time, from 0 on


def test_with_a_clock_stamps_are_simulated_and_evenly_spaced(stage: Stage) -> None:
    world = World(stage, publish_clock=True, joint_state_rate_hz=50.0)
    stage.wait_until(lambda: len(world.joint_states) >= 10, "joint states")
    stamps = np.array([stamp_to_ns(message.header.stamp) for message in world.joint_states])
    assert stamps[0] < A_DAY_NS
    assert np.all(np.diff(stamps) > 0)
    assert not np.any(stamps[stamps > 2 * MS] % (20 * MS))  # the first one is the first step's


def test_after_a_pause_time_goes_on_from_where_it_stood(stage: Stage) -> None:
    world = World(stage, publish_clock=True)
    world.node.trigger_deactivate()
    assert world.node.health().message == "not running"
    stage.call(ResetScene, "reset_scene")  # by its answer, what was under way has come
    stood_ns = stamp_to_ns(world.joint_states[-1].header.stamp)
    world.joint_states.clear()
    world.node.trigger_activate()
    stage.wait_until(lambda: world.joint_states, "joint states")
    assert stood_ns < stamp_to_ns(world.joint_states[0].header.stamp)
    assert "realtime_factor" in world.node.health().values


def test_the_truth_tells_which_scene_it_is(stage: Stage) -> None:
    world = World(stage, seed=3)
    assert (world.truths[-1].seed, world.truths[-1].resets) == (3, 0)
    answer = stage.call(ResetScene, "reset_scene", ResetScene.Request(seed=7))
    assert answer.success, answer.message
    stage.wait_until(lambda: world.truths[-1].resets, "the new truth")
    assert (world.truths[-1].seed, world.truths[-1].resets) == (7, 1)
    answer = stage.call(ResetScene, "reset_scene", ResetScene.Request(seed=-1))
    assert not answer.success
    assert "seed -1" in answer.message


def test_a_trajectory_is_followed_and_a_bad_one_rejected(stage: Stage) -> None:
    stage._follow = lambda follower, message: None  # type: ignore[method-assign]
    world = World(stage)
    before = world.q()
    world.turn([f"stranger{i}" for i in range(7)])
    rejected = "trajectories_rejected"
    stage.wait_until(
        lambda: world.node.health().parts["controllers"].values[rejected] == 1, "the rejection"
    )
    np.testing.assert_allclose(world.q(), before, atol=5e-3)
    goal = world.turn(ARM_JOINTS)
    stage.wait_until(lambda: np.allclose(world.q(), goal, atol=2e-2), "the arm to arrive")
    assert world.node.health().parts["controllers"].values[rejected] == 1


def test_a_trajectory_that_is_not_finite_is_taken_counted_and_not_followed(stage: Stage) -> None:
    """The controller has nothing against it, and the joints have."""
    stage._follow = lambda follower, message: None  # type: ignore[method-assign]
    world = World(stage, controller_start="measured")
    before = world.q()
    bad = np.full((1, 7), np.nan)
    world.arm.publish(joint_trajectory(list(ARM_JOINTS), np.array([0.5]), bad))
    stage.wait_until(
        lambda: world.node.health().parts["controllers"].values["commands_not_finite"],
        "the commands",
    )
    assert world.node.health().parts["controllers"].values["trajectories_rejected"] == 0
    np.testing.assert_allclose(world.q(), before, atol=5e-3)
    goal = world.turn(ARM_JOINTS)
    stage.wait_until(lambda: np.allclose(world.q(), goal, atol=2e-2), "the arm to arrive")

# SPDX-License-Identifier: Apache-2.0
"""Which arm an episode is for, and what the policy side makes of two of them."""

import time

import pytest

from vera_ros.nodes.common.conversions import LATCHED
from vera_ros.nodes.common.lifecycle_node import STEADY
from vera_ros.nodes.policy.arm_watch import ArmWatch
from vera_ros.policy.states import Cause
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress

from ..stage import Stage

TIMEOUT_S = 0.8


class Arm:
    """An ik_node that says who it is, and no more."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.status = ArmStatus(arm=name, state=ArmStatus.READY)
        self._publisher = stage.node.create_publisher(ArmStatus, "arm_status", LATCHED)
        self._timer = stage.node.create_timer(0.1, self._say, clock=STEADY)

    def _say(self) -> None:
        self._publisher.publish(self.status)

    def die(self) -> None:
        self._timer.cancel()


@pytest.fixture
def watch(stage: Stage) -> ArmWatch:
    return ArmWatch(stage.node, TIMEOUT_S)


def test_nothing_is_known_before_an_arm_has_spoken(stage: Stage, watch: ArmWatch) -> None:
    assert (watch.arm, watch.trouble(), watch.double()) == ("", None, "")
    Arm(stage, "left")
    watch.begin()
    stage.wait_until(lambda: watch.arm == "left", "the arm")
    assert watch.trouble() is None


def test_an_arm_that_was_never_active_is_waited_for_and_may_be_silent(
    stage: Stage, watch: ArmWatch
) -> None:
    """An ik_node that compiles publishes nothing for seconds."""
    assert watch.starting()
    watch.begin()
    arm = Arm(stage, "left")
    arm.status.state, arm.status.message = ArmStatus.INACTIVE, "waiting for robot_description"
    stage.wait_until(lambda: watch.arm == "left", "the arm")
    assert (watch.starting(), watch.connected()) == (True, False)
    assert watch.complaint() == "ik_node is not active: waiting for robot_description"
    arm.die()
    silent_s = time.monotonic()
    stage.wait_until(lambda: time.monotonic() - silent_s > 2 * TIMEOUT_S, "the silence")
    assert watch.trouble() is None
    successor = Arm(stage, "right")  # the process was started again
    stage.wait_until(lambda: not watch.starting(), "the successor")
    assert (watch.arm, watch.connected(), watch.complaint()) == ("right", True, "")
    successor.die()
    stage.wait_until(watch.trouble, "the arm to be missed")
    watch.begin()
    assert watch.trouble() is not None, "it was there, and is silent"


@pytest.mark.parametrize("state", [ArmStatus.READY, ArmStatus.FAULT, ArmStatus.HELD])
def test_an_arm_that_was_active_is_not_waited_for_again(
    stage: Stage, watch: ArmWatch, state: int
) -> None:
    """What an operator deactivates must not move as soon as it is activated again."""
    arm = Arm(stage, "left")
    arm.status.state = state
    stage.wait_until(lambda: not watch.starting(), "the arm")
    arm.status.state = ArmStatus.INACTIVE
    stage.wait_until(lambda: watch.complaint() == "ik_node is not active", "the deactivation")
    watch.begin()
    assert not watch.starting()
    assert watch.connected()


@pytest.mark.parametrize("cause", [ChunkProgress.NO_JOINT_STATES, ChunkProgress.NO_CONTROLLER])
def test_an_arm_that_has_not_discovered_its_drivers_is_not_connected(
    stage: Stage, watch: ArmWatch, cause: int
) -> None:
    assert watch.connected(), "nothing is known yet"
    arm = Arm(stage, "left")
    arm.status.state, arm.status.cause = ArmStatus.FAULT, cause
    arm.status.message = "it is not there yet"
    stage.wait_until(lambda: not watch.connected(), "the fault")
    assert watch.complaint() == f"ik_node: {arm.status.message}"
    arm.status.cause = ChunkProgress.ROBOT_FAULT
    stage.wait_until(watch.connected, "another fault")
    arm.status.state = ArmStatus.READY
    stage.wait_until(lambda: not watch.complaint(), "the arm")


def test_an_episode_stays_with_its_arm_and_the_next_one_takes_the_successor(
    stage: Stage, watch: ArmWatch
) -> None:
    first = Arm(stage, "first")
    stage.wait_until(lambda: watch.arm == "first", "the arm")
    watch.begin()
    stage.wait_until(lambda: watch._arm == "first", "the episode's arm")
    first.die()
    Arm(stage, "second")
    stage.wait_until(watch.trouble, "the first one to be missed")
    assert watch.arm == "first"
    trouble = watch.trouble()
    assert trouble is not None
    assert trouble[0] is Cause.ARM_SILENT
    assert "second publishes instead" in trouble[1]
    watch.begin()
    assert watch.trouble() is None
    assert watch.arm == "second"


def test_a_successor_is_no_double_and_two_at_once_are_named(stage: Stage, watch: ArmWatch) -> None:
    first = Arm(stage, "first")
    stage.wait_until(lambda: watch.arm, "the first arm")
    first.die()
    second = Arm(stage, "second")
    heard_s = time.monotonic()
    stage.wait_until(lambda: time.monotonic() - heard_s > 0.5, "half a second")
    assert watch._newest is not None
    assert watch._newest.arm == "second"
    assert watch.double() == ""
    third = Arm(stage, "third")
    stage.wait_until(watch.double, "the double")
    assert "second; third" in watch.double()
    trouble = watch.trouble()
    assert trouble is not None
    assert trouble[0] is Cause.ARM_REJECTED
    second.die()
    stage.wait_until(lambda: not watch.double(), "one to be alone")
    third.status.held = True
    stage.wait_until(lambda: watch.held, "the hold")

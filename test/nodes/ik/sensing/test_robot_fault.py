# SPDX-License-Identifier: Apache-2.0
"""A robot that has stopped itself takes no motion, says why, and does not go on by itself."""

from collections.abc import Callable

import pytest
from std_msgs.msg import Empty, String, UInt8
from std_srvs.srv import Trigger

from vera_ros.motion.causes import Cause
from vera_ros.nodes.common.conversions import LATCHED
from vera_ros.nodes.ik.sensing.robot_fault import RobotFault
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress

from ...stage import Stage, chunk

REFLEX = "a reflex has stopped it; recover it at its desk"
STEADY_S = 0.3


def says(robot: RobotFault, words: str) -> Callable[[], bool]:
    def check() -> bool:
        fault = robot.fault()
        return words in str(fault) if words else fault is None

    return check


def test_a_fault_that_is_latched_before_the_node_is_heard_and_taken_back(stage: Stage) -> None:
    publisher = stage.node.create_publisher(String, "robot_fault", LATCHED)
    publisher.publish(String(data=f" {REFLEX}\n"))
    robot = RobotFault(stage.node, "", 1.0)
    stage.wait_until(says(robot, REFLEX), "the fault")
    fault = robot.fault()
    assert fault is not None
    assert fault.cause is Cause.ROBOT_FAULT
    publisher.publish(String(data=""))
    stage.wait_until(says(robot, ""), "its end")


def test_a_robot_that_tells_no_mode_is_taken_for_well(stage: Stage) -> None:
    assert RobotFault(stage.node, "", 1.0).fault() is None


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (0, ""),
        (1, ""),
        (2, ""),
        (3, "guided by hand"),
        (4, "reflex.*error_recovery"),
        (5, "user stop"),
        (6, "is recovering from an error"),
    ],
)
def test_modes_of_the_robot(stage: Stage, mode: int, words: str) -> None:
    """The message's type is found in the graph; nothing moves until the mode is known."""
    robot = RobotFault(stage.node, "mode", 60.0, field="data")
    assert "nothing publishes it" in str(robot.fault())
    publisher = stage.node.create_publisher(UInt8, "mode", 10)
    stage.wait_until(says(robot, "nothing has arrived yet"), "the topic to be found")
    stage.wait_until(publisher.get_subscription_count, "the subscription")
    publisher.publish(UInt8(data=mode))
    stage.wait_until(lambda: "not known" not in str(robot.fault()), "the mode")
    fault = robot.fault()
    if not words:
        assert fault is None
    else:
        assert fault is not None
        assert all(word in str(fault) for word in (*words.split(".*"), f"mode {mode}"))


def test_an_old_mode_says_nothing_of_the_present(stage: Stage) -> None:
    robot = RobotFault(stage.node, "mode", STEADY_S, field="data")
    publisher = stage.node.create_publisher(UInt8, "mode", 10)
    timer = stage.node.create_timer(0.02, lambda: publisher.publish(UInt8(data=1)))
    stage.wait_until(says(robot, ""), "the mode")
    timer.cancel()
    stage.wait_until(says(robot, f"valid is up to {STEADY_S} s"), "its age")


def test_a_message_without_a_mode_is_named(stage: Stage) -> None:
    stage.node.create_publisher(Empty, "mode", 10)
    robot = RobotFault(stage.node, "mode", 1.0)
    stage.wait_until(says(robot, "std_msgs/msg/Empty has no field robot_mode"), "the words")


def test_a_message_that_is_not_installed_is_named(stage: Stage) -> None:
    robot = RobotFault(stage.node, "mode", 1.0)
    robot._subscribe("franka_nowhere_msgs/msg/RobotState")
    assert "franka_nowhere_msgs/msg/RobotState is not installed" in str(robot.fault())


def test_a_fault_stops_a_chunk_and_nothing_goes_on_by_itself(playing: Stage) -> None:
    publisher = playing.node.create_publisher(String, "robot_fault", LATCHED)
    playing.wait_until(publisher.get_subscription_count, "ik_node on the topic")
    publisher.publish(String(data=REFLEX))
    playing.wait_until(lambda: playing.progress[-1].state == ChunkProgress.ABORTED, "the report")
    assert playing.progress[-1].cause == ChunkProgress.ROBOT_FAULT
    assert REFLEX in playing.progress[-1].message
    playing.ends_smoothly()
    playing.wait_until(lambda: playing.arm_status[-1].state == ArmStatus.FAULT, "the state")
    assert playing.arm_status[-1].cause == ChunkProgress.ROBOT_FAULT
    sent = len(playing.arm_trajectories)
    playing.chunk_publisher.publish(chunk(session_id="next", sequence=1))
    playing.wait_until(lambda: playing.progress_of(1), "an answer")
    assert playing.progress_of(1)[-1].cause == ChunkProgress.ROBOT_FAULT
    moved = playing.call(Trigger, "move_to_start")
    assert not moved.success
    assert REFLEX in moved.message
    publisher.publish(String(data=""))
    playing.wait_until(lambda: playing.arm_status[-1].state == ArmStatus.READY, "its end")
    assert len(playing.arm_trajectories) == sent
    playing.chunk_publisher.publish(chunk(session_id="next", sequence=2))
    playing.wait_until(lambda: len(playing.arm_trajectories) > sent, "the next chunk")

# SPDX-License-Identifier: Apache-2.0
"""What the robot feels, from real publishers."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.conversions import ns_to_stamp
from vera_ros.nodes.policy.arm_watch import ArmWatch
from vera_ros.nodes.policy.body_reader import BodyReader

from ..stage import Stage

ARM, FINGERS = ["one", "two"], ["left", "right"]
Q = {"one": 1.0, "two": 2.0, "left": 0.03, "right": 0.02}
T0_NS = 1_700_000_000_000_000_000


class Robot:
    """Publishes joint states and a pose, and reads them."""

    def __init__(
        self,
        stage: Stage,
        max_age_s: float = 60.0,
        fingers: list[str] = FINGERS,
        travel: tuple[float, float] = (0.04, 0.0),
    ) -> None:
        self.stage = stage
        self.node: Any = stage.node
        self.complaint, self.connected = "", True
        watch: Any = SimpleNamespace(
            complaint=lambda: self.complaint,
            connected=lambda: self.connected,
            starting=lambda: True,
        )
        self.reader = BodyReader(self.node, max_age_s, ARM, fingers, watch, *travel)
        self.positions = Q
        self._joints = [self.node.create_publisher(JointState, "joint_states", 10) for _ in "ab"]
        self._pose = self.node.create_publisher(PoseStamped, "tcp_pose", 10)
        stage.wait_until(lambda: all(p.get_subscription_count() for p in self._joints), "discovery")
        stage.wait_until(self._pose.get_subscription_count, "discovery")

    def joints(
        self, names: list[str], at_ns: int = 0, publisher: int = 0, add: float = 0.0
    ) -> None:
        message = JointState(
            name=names, position=[self.positions.get(name, 9.0) + add for name in names]
        )
        message.header.stamp = ns_to_stamp(T0_NS + at_ns)
        self._joints[publisher].publish(message)

    def pose(self, at_ns: int = 0) -> None:
        message = PoseStamped()
        message.header.frame_id = "base"
        message.header.stamp = ns_to_stamp(T0_NS + at_ns)
        message.pose.position.x, message.pose.orientation.w = 0.5, 1.0
        self._pose.publish(message)

    def feels(self, since_ns: int = 0) -> bool:
        return self.reader.proprioception(since_ns) is not None


@pytest.fixture
def robot(stage: Stage) -> Robot:
    return Robot(stage)


def test_one_message_tells_of_arm_and_fingers(robot: Robot) -> None:
    robot.joints(["right", "two", "other", "left", "one"])
    robot.pose()
    robot.stage.wait_until(robot.feels, "the robot")
    felt = robot.reader.proprioception(0)
    assert felt is not None
    np.testing.assert_allclose(felt["q_robot"], [1.0, 2.0])
    np.testing.assert_allclose(felt["gripper_qpos"], [0.03, -0.02])
    np.testing.assert_allclose(felt["eef_pos"], [0.5, 0.0, 0.0])
    assert robot.reader.base_frame == "base"
    robot.connected = False
    assert not robot.feels(), "the arm side would reject a chunk"


def test_arm_and_gripper_may_publish_apart(robot: Robot) -> None:
    """policy_node waited for one message with all joints, which such drivers never send."""
    robot.joints(ARM)
    robot.pose()
    robot.stage.wait_until(lambda: robot.reader.base_frame or robot.feels(), "the pose")
    assert not robot.feels()  # nothing is known of the fingers
    robot.joints(FINGERS, publisher=1)
    robot.stage.wait_until(robot.feels, "the fingers")
    for at_ns in range(10_000_000, 200_000_000, 10_000_000):  # the gripper's driver is slow
        robot.joints(ARM, at_ns, add=0.1)
    robot.stage.wait_until(
        lambda: (felt := robot.reader.proprioception(0)) is not None and felt["q_robot"][0] > 1.05,
        "the arm's motion",
    )
    assert robot.feels()


@pytest.mark.parametrize("names", [["one"], ["one", "two", "left"], ["left", "right"], ["other"]])
def test_what_is_missing_is_not_made_up(robot: Robot, names: list[str]) -> None:
    robot.pose()
    robot.joints(names)
    robot.stage.wait_until(lambda: robot.reader.base_frame or robot.feels(), "the pose")
    assert not robot.feels()


@pytest.mark.parametrize(
    ("names", "missing", "known"),
    [
        (["one"], "['one', 'two']", "tcp_pose"),
        ([*ARM, "left"], "['left', 'right']", "['one', 'two']"),
        (FINGERS, "['one', 'two']", "['left', 'right']"),
    ],
)
def test_what_is_missing_is_named_with_the_arm_sides_reason(
    robot: Robot, names: list[str], missing: str, known: str
) -> None:
    robot.complaint = "ik_node: joint states without 'two'"
    robot.pose()
    robot.joints(names)

    def said() -> str:
        robot.feels()
        return robot.reader.explain()

    robot.stage.wait_until(lambda: known not in said() and "tcp_pose" not in said(), "messages")
    assert missing in said()
    assert said().endswith("; ik_node: joint states without 'two'")


def test_what_is_older_than_asked_for_does_not_count(robot: Robot) -> None:
    robot.joints([*ARM, *FINGERS])
    robot.pose(at_ns=50_000_000)
    robot.stage.wait_until(robot.feels, "the robot")
    assert not robot.feels(since_ns=T0_NS + 20_000_000)
    assert robot.reader.explain() == "nothing has been measured since the arm came to rest"
    robot.joints([*ARM, *FINGERS], at_ns=30_000_000)
    robot.stage.wait_until(lambda: robot.feels(since_ns=T0_NS + 20_000_000), "newer ones")


def test_what_came_too_long_ago_does_not_count(stage: Stage) -> None:
    robot = Robot(stage, max_age_s=0.3)
    robot.joints([*ARM, *FINGERS])
    robot.pose()
    stage.wait_until(robot.feels, "the robot")
    stage.wait_until(lambda: not robot.feels(), "the silence")


def test_a_moment_ago_is_known(robot: Robot) -> None:
    robot.joints(ARM)
    robot.joints(FINGERS, publisher=1)
    robot.joints(ARM, 20_000_000, add=0.2)
    robot.joints(FINGERS, 20_000_000, publisher=1)
    robot.pose(0)
    robot.pose(20_000_000)
    robot.stage.wait_until(
        lambda: robot.reader.proprioception_at(T0_NS + 10_000_000) is not None, "the past"
    )
    robot.stage.wait_until(lambda: robot.feels(since_ns=T0_NS + 20_000_000), "the present")
    felt = robot.reader.proprioception_at(T0_NS + 10_000_000)
    assert felt is not None
    np.testing.assert_allclose(felt["q_robot"], [1.1, 2.1], rtol=1e-5)


@pytest.mark.parametrize(
    ("names", "opened", "closed", "at", "expected"),
    [
        (FINGERS, 0.04, 0.0, {"left": 0.03, "right": 0.02}, [0.03, -0.02]),
        (FINGERS, 0.02, 0.0, {"left": 0.02, "right": 0.01}, [0.04, -0.02]),  # smaller fingers
        (["left"], 0.04, 0.0, {"left": 0.01}, [0.01, -0.01]),
        (["left"], 0.0, 0.8, {"left": 0.0}, [0.04, -0.04]),  # Robotiq 2F, open
        (["left"], 0.0, 0.8, {"left": 0.6}, [0.01, -0.01]),
        (["left"], 0.785, -0.558, {"left": -0.558}, [0.0, 0.0]),  # OnRobot RG2, closed
        ([], 0.04, 0.0, {}, [0.04, -0.04]),  # no gripper
        ([], 0.0, 0.8, {}, [0.04, -0.04]),
    ],
)
def test_any_gripper_is_reported_as_the_training_environments(
    stage: Stage,
    names: list[str],
    opened: float,
    closed: float,
    at: dict[str, float],
    expected: list[float],
) -> None:
    robot = Robot(stage, fingers=names, travel=(opened, closed))
    robot.positions = Q | at
    robot.joints([*ARM, *names])
    robot.pose()
    robot.stage.wait_until(robot.feels, "the robot")
    felt = robot.reader.proprioception(0)
    assert felt is not None
    np.testing.assert_allclose(felt["gripper_qpos"], expected, atol=1e-6)
    past = robot.reader.proprioception_at(T0_NS)
    assert past is not None
    np.testing.assert_allclose(past["gripper_qpos"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("names", "travel", "words"),
    [
        (["one", "two", "three"], (0.04, 0.0), "'three'"),
        (FINGERS, (0.04, 0.04), "gripper_closed_m 0.04"),
    ],
)
def test_fingers_that_cannot_be_reported_are_refused(
    stage: Stage, names: list[str], travel: tuple[float, float], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        BodyReader(stage.node, 1.0, ARM, names, ArmWatch(stage.node, 1.0), *travel)


def test_a_hand_reports_no_pose(stage: Stage) -> None:
    """It has several tips: policy_node waited for the pose of one."""
    reader = BodyReader(stage.node, 60.0, ARM, [], ArmWatch(stage.node, 60.0), has_tcp=False)
    publisher = stage.node.create_publisher(JointState, "joint_states", 10)
    stage.wait_until(publisher.get_subscription_count, "discovery")
    assert "tcp_pose" not in reader.explain()
    message = JointState(name=ARM, position=[1.0, 2.0])
    message.header.stamp = ns_to_stamp(T0_NS)
    publisher.publish(message)
    stage.wait_until(lambda: reader.proprioception(0), "the joints")
    felt = reader.proprioception(0)
    assert felt is not None
    assert set(felt) == {"q_robot", "gripper_qpos"}
    np.testing.assert_allclose(felt["q_robot"], [1.0, 2.0])

# SPDX-License-Identifier: Apache-2.0
"""What joint states tell of the arm, and which tell nothing."""

import itertools
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import rclpy
from rclpy.clock import ClockType
from rclpy.time import Time
from sensor_msgs.msg import JointState

from vera_ros.motion.causes import Cause
from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.nodes.common.conversions import ns_to_stamp
from vera_ros.nodes.ik.sensing.arm_reader import ArmReader, read_joints

from ....ros_helpers import PATIENCE_S

NAMES = ("one", "two")
ALL = ["finger", "two", "one"]


def joints(**changes: Any) -> JointState:
    message = JointState(
        name=ALL,
        position=[0.04, 2.0, 1.0],
        velocity=[0.0, -0.2, 0.1],
    )
    message.header.stamp = ns_to_stamp(5_250_000_000)
    for field, value in changes.items():
        setattr(message, field, value)
    return message


def test_values_are_found_by_their_names() -> None:
    measured = read_joints(joints(), NAMES, 7.0)
    np.testing.assert_array_equal(measured.q, [1.0, 2.0])
    np.testing.assert_array_equal(measured.dq, [0.1, -0.2])
    assert (measured.stamp_s, measured.received_s) == (5.25, 7.0)
    assert measured.speed_rad_s == 0.2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"velocity": array("d")}, "no velocities"),
        ({"velocity": array("d", [0.0, np.nan, 0.1])}, "nan"),
        ({"velocity": array("d", [0.0])}, "zip"),
        ({"position": array("d", [0.04, np.inf, 1.0])}, "inf"),
    ],
)
def test_values_that_are_missing_or_no_numbers_are_refused(
    changes: dict[str, Any], words: str
) -> None:
    """Without velocities, an arm in motion counted as one at rest."""
    with pytest.raises(ValueError, match=words):
        read_joints(joints(**changes), NAMES, 7.0)


# What comes by the topic, from real publishers.


class Graph:
    """An ArmReader, and publishers of joint states."""

    def __init__(self, publishers: int) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.nodes = [
            rclpy.create_node(f"node{i}", context=self._context) for i in range(publishers + 1)
        ]
        self.reader = ArmReader(self.nodes[0], NAMES, "finger", np.array([2.0, 2.0]), 0.5)
        self.publishers = [
            node.create_publisher(JointState, "joint_states", 10) for node in self.nodes[1:]
        ]

    def __enter__(self) -> "Graph":
        self.wait_until(
            lambda: all(publisher.get_subscription_count() for publisher in self.publishers)
        )
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.destroy_node()
        rclpy.shutdown(context=self._context)

    def publish(self, publisher: int = 0, **changes: Any) -> None:
        message = joints(**changes)
        message.header.stamp = self.nodes[0].get_clock().now().to_msg()
        self.publishers[publisher].publish(message)

    def publish_still(self, publisher: int = 0) -> None:
        """All joints, at rest."""
        self.publish(publisher, velocity=[0.0] * 3)

    def sense(self) -> ArmObservation:
        self.reader.read()
        return self.reader.sense(None)

    def wait_until(self, condition: Callable[[], object], act: Callable[[], object] = bool) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline_s
            act()
            time.sleep(0.01)


@pytest.fixture
def make_graph(ros_domain: int) -> Iterator[Callable[[int], Graph]]:
    with ExitStack() as stack:
        yield lambda publishers: stack.enter_context(Graph(publishers))


MakeGraph = Callable[[int], Graph]
ARM: dict[str, Any] = {"name": ["two", "one"], "position": [2.0, 1.0], "velocity": [0.0, 0.0]}
FINGER = {"name": ["finger"], "position": [0.03], "velocity": [0.0]}


def test_all_that_came_is_looked_at_oldest_first(make_graph: MakeGraph) -> None:
    """The last message alone would be an outlier that goes unseen, or the only one seen."""
    graph = make_graph(1)
    graph.wait_until(lambda: graph.sense().settled, graph.publish_still)
    for one in (1.0, 1.5, 1.0):
        graph.publish(position=[0.04, 2.0, one], velocity=[0.0] * 3)
    graph.wait_until(lambda: graph.sense() and graph.reader.outliers)
    assert "'one' is at 1.5000 rad" in graph.reader.filter.rejections.outlier
    graph.wait_until(lambda: graph.sense().age_s < 0.3)
    observation = graph.sense()
    assert observation.fault is None
    assert observation.measured is not None
    np.testing.assert_array_equal(observation.measured.q, [1.0, 2.0])
    assert not observation.settled


@pytest.mark.parametrize(("gaps_s", "longest_s"), [((), 0.0), ((0.02, 0.33, 0.01), 0.33)])
def test_the_longest_silence_is_known(
    make_graph: MakeGraph, gaps_s: tuple[float, ...], longest_s: float
) -> None:
    graph = make_graph(0)
    now_ns, arrival_s = graph.nodes[0].get_clock().now().nanoseconds, time.monotonic()
    for after_s in itertools.accumulate(gaps_s, initial=0.0):
        since_s = after_s - sum(gaps_s)
        message = joints(velocity=[0.0] * 3)
        message.header.stamp = ns_to_stamp(now_ns + round(since_s * 1e9))
        graph.reader._take(message, arrival_s + since_s, None)
    assert graph.reader.longest_silence_s == pytest.approx(longest_s)


def test_an_arm_and_a_gripper_may_publish_apart(make_graph: MakeGraph) -> None:
    graph = make_graph(2)

    def both() -> None:
        graph.publish(0, **ARM)
        graph.publish(1, **FINGER)

    graph.wait_until(lambda: graph.sense().settled, both)
    observation = graph.sense()
    assert observation.fault is None
    assert observation.measured is not None
    assert observation.measured.finger_m == 0.03
    graph.wait_until(lambda: graph.sense().fault, lambda: graph.publish(0, **ARM))
    observation = graph.sense()
    assert observation.measured is not None  # where the arm is, is still known
    assert observation.fault is not None
    assert "'finger'" in str(observation.fault)
    assert (graph.reader.invalid_count, graph.reader.outliers) == (0, 0)


@pytest.mark.parametrize("one", [1.0, 1.6])
def test_two_publishers_of_the_arms_joints_are_noticed(make_graph: MakeGraph, one: float) -> None:
    """Wherever the second arm is, and whatever the order in which messages come."""
    graph = make_graph(2)
    graph.wait_until(lambda: graph.sense().settled, graph.publish_still)

    def both() -> None:
        graph.publish_still()
        graph.publish(1, position=[0.04, 2.0, one], velocity=[0.0] * 3)

    graph.wait_until(lambda: graph.sense().fault, both)
    observation = graph.sense()
    assert observation.measured is None
    assert observation.fault is not None
    assert observation.fault.cause is Cause.SECOND_PUBLISHER
    assert "['one', 'two']" in str(observation.fault)
    graph.wait_until(lambda: graph.sense().fault is None, graph.publish_still)


def test_a_driver_that_is_started_again_is_one_publisher(make_graph: MakeGraph) -> None:
    graph = make_graph(2)
    for publisher in (0, 1):
        for _ in range(30):
            graph.publish_still(publisher)
            time.sleep(0.01)
            graph.sense()
    graph.wait_until(lambda: graph.sense().settled, lambda: graph.publish_still(1))
    assert graph.sense().fault is None


@pytest.mark.parametrize("missing", ["one", "two"])
def test_a_joint_that_is_missing_is_named(make_graph: MakeGraph, missing: str) -> None:
    graph = make_graph(1)
    names = ["other" if name == missing else name for name in ALL]
    graph.wait_until(
        lambda: graph.sense() and graph.reader.invalid_count, lambda: graph.publish(name=names)
    )
    assert f"joint states without '{missing}'" in str(graph.reader.fault())


def test_joints_of_another_arm_are_named(make_graph: MakeGraph) -> None:
    graph = make_graph(1)
    graph.wait_until(
        lambda: graph.sense() and graph.reader.filter.strangers,
        lambda: graph.publish(name=["a", "b", "c"]),
    )
    assert "['a', 'b', 'c']" in str(graph.reader.fault())
    assert graph.reader.invalid_count == 0


def test_joints_of_another_gripper_are_named(make_graph: MakeGraph) -> None:
    graph = make_graph(1)
    graph.wait_until(
        lambda: graph.sense() and graph.reader.filter.strangers,
        lambda: graph.publish(name=["thumb", "two", "one"]),
    )
    assert graph.reader.filter.strangers == ("thumb",)
    graph.wait_until(lambda: graph.sense().settled, lambda: graph.publish(**ARM))
    said = str(graph.reader.fault())
    assert "'finger' have been received; those beside the arm's are of ['thumb']" in said


@pytest.mark.parametrize("ahead_s", [0.0, 0.005])
@pytest.mark.parametrize("read_late", [True, False])
def test_a_clock_that_goes_back_is_followed_by_the_joint_states(
    make_graph: MakeGraph, read_late: bool, ahead_s: float
) -> None:
    """Joint states from before the jump, or ahead of /clock, hid it for as long as they counted."""
    graph = make_graph(1)
    clock = graph.nodes[0].get_clock()
    clock._set_ros_time_is_active(True)

    def set_clock(now_s: float) -> None:
        now = Time(nanoseconds=round(now_s * 1e9), clock_type=ClockType.ROS_TIME)
        clock.set_ros_time_override(now)

    def publish_at(now_s: float) -> None:
        message = joints(velocity=[0.0] * 3)
        message.header.stamp = ns_to_stamp(round((now_s + ahead_s) * 1e9))
        graph.publishers[0].publish(message)

    def reads(now_s: float) -> bool:
        measured = graph.sense().measured
        return measured is not None and measured.stamp_s == pytest.approx(now_s + ahead_s)

    set_clock(500.0 if read_late else 1000.0)
    publish_at(1000.0)
    graph.wait_until(lambda: reads(1000.0))
    set_clock(500.02)
    publish_at(500.02)
    graph.wait_until(lambda: reads(500.02))
    assert graph.reader.now_s() == pytest.approx(500.02 + ahead_s)
    assert graph.reader.invalid_count == 0

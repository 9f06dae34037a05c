# SPDX-License-Identifier: Apache-2.0
"""QoS of single topics by parameters: which are read, and what is said of the others."""

from typing import Any

import pytest
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image, JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.latest import Latest
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.common.parameters.qos_overrides import SUBSCRIPTION, unread_overrides
from vera_ros.nodes.ik.outputs.output import make_arm_output
from vera_ros.nodes.policy.parameters import PARAMETERS
from vera_ros.nodes.policy.views.view_stream import Sink, ViewStream

from ...stage import Stage

CAMERA, JOINTS, ARM = "/front/image_raw", "/joint_states", "/arm_controller/joint_trajectory"
RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT


def override(topic: str, policy: str, end: str = SUBSCRIPTION) -> str:
    return f"qos_overrides.{topic}.{end}.{policy}"


def profile(reliability: ReliabilityPolicy) -> QoSProfile:
    return QoSProfile(depth=5, reliability=reliability)


class Listener(VeraNode):
    """A node with a sensor, a camera and a command, as policy_node and ik_node have them."""

    def __init__(self, **options: Any) -> None:
        super().__init__("listener", PARAMETERS, **options)

    def setup(self) -> None:
        Latest(self, JointState, "joint_states", 20)
        sink = Sink(lambda *_: None, lambda _: None, lambda: None, lambda _: None)
        self.stream = ViewStream(self, "front", "front/image_raw", sink)
        make_arm_output(self, "topic", ["a"], lambda _: None)

    def qos(self, topic: str) -> Any:
        (end,) = (
            each
            for each in (*self.subscriptions, *self.publishers)
            if each.topic_name == topic and each.msg_type in (JointState, Image, JointTrajectory)
        )
        return end.qos_profile


def add(stage: Stage, **given: Any) -> Listener:
    return stage.add(Listener, autostart=False, **given)


def configured(stage: Stage, **given: Any) -> Listener:
    node = add(stage, **given)
    node.trigger_configure()
    assert node.fault is None
    return node


@pytest.mark.parametrize("topic", [JOINTS, CAMERA])
def test_history_and_depth_are_as_given(stage: Stage, topic: str) -> None:
    given = {override(topic, "depth"): 77, override(topic, "history"): "keep_last"}
    qos = configured(stage, **given).qos(topic)
    assert (qos.depth, qos.history) == (77, HistoryPolicy.KEEP_LAST)


def test_commands_are_kept_in_the_depth_given(stage: Stage) -> None:
    qos = configured(stage, **{override(ARM, "depth", "publisher"): 3}).qos(ARM)
    assert (qos.depth, qos.history, qos.reliability) == (3, HistoryPolicy.KEEP_LAST, RELIABLE)


@pytest.mark.parametrize("topic", [JOINTS, CAMERA])
@pytest.mark.parametrize("reliability", [RELIABLE, BEST_EFFORT])
def test_reliability_is_as_given_also_when_it_is_configured_again(
    stage: Stage, topic: str, reliability: ReliabilityPolicy
) -> None:
    node = configured(stage, **{override(topic, "reliability"): reliability.name.lower()})
    for _ in range(2):
        assert node.qos(topic).reliability is reliability
        node.trigger_cleanup()
        node.trigger_configure()
        assert node.fault is None


def test_without_overrides_nothing_is_declared(stage: Stage) -> None:
    node = configured(stage)
    assert not node.get_parameters_by_prefix("qos_overrides")
    assert node.qos(JOINTS).reliability is BEST_EFFORT
    assert node.qos(ARM).reliability is RELIABLE


@pytest.mark.parametrize("reliability", ["reliable", "best_effort"])
@pytest.mark.parametrize("offered", [RELIABLE, BEST_EFFORT])
def test_an_override_stands_whatever_the_camera_offers(
    stage: Stage, reliability: str, offered: ReliabilityPolicy
) -> None:
    stage.node.create_publisher(Image, CAMERA, profile(offered))
    node = configured(stage, **{override(CAMERA, "reliability"): reliability})
    stage.wait_until(lambda: node.count_publishers(CAMERA), "the camera")
    before = node.stream._subscription
    node.stream.adapt(busy=False)
    assert node.stream._subscription is before
    assert node.qos(CAMERA).reliability.name.lower() == reliability
    if (reliability, offered) == ("reliable", BEST_EFFORT):
        name = override(CAMERA, "reliability")
        assert f"{name} is reliable; set it to best_effort" in node.stream.explain()


def test_another_policy_of_the_topic_leaves_auto_as_it_is(stage: Stage) -> None:
    """In rclpy, which would keep the first reliability if it were declared with the depth."""
    stage.node.create_publisher(Image, CAMERA, profile(RELIABLE))
    node = configured(stage, **{override(CAMERA, "depth"): 3})
    assert node.qos(CAMERA).reliability is BEST_EFFORT
    stage.wait_until(lambda: node.count_publishers(CAMERA), "the camera")
    node.stream.adapt(busy=False)
    assert (node.qos(CAMERA).reliability, node.qos(CAMERA).depth) == (RELIABLE, 3)


@pytest.mark.parametrize(
    ("general", "single"), [("reliable", "best_effort"), ("best_effort", "reliable")]
)
def test_a_contradiction_to_image_reliability_is_refused(
    stage: Stage, general: str, single: str
) -> None:
    name = override(CAMERA, "reliability")
    node = add(stage, image_reliability=general, **{name: single})
    node.trigger_configure()
    assert f"'image_reliability' is {general} and '{name}' is {single}" in str(node.fault)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (override(CAMERA, "reliabilty"), "reliable", "write reliability"),
        (override(CAMERA, "dept"), 5, "write depth"),
        (override("front/image_raw", "depth"), 5, "with the topic's full name"),
        (override(CAMERA, "depth", "subscriber"), 5, "write it like"),
        ("qos_overrides.reliability", "reliable", "write it like"),
    ],
)
def test_a_name_that_is_none_is_refused(stage: Stage, name: str, value: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        add(stage, **{name: value})
    assert f"'{name}'" in str(refusal.value)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (override(CAMERA, "reliability"), "Reliable", "reliable | best_effort"),
        (override(CAMERA, "depth"), 0, "1 … 100"),
        (override(CAMERA, "depth"), "many", "a whole number"),
        (override(JOINTS, "history"), "keep_all", "must not delay what is new"),
        (override(JOINTS, "durability"), "transient_local", "history, depth, reliability"),
        (override(ARM, "reliability", "publisher"), "best_effort", "a stop must not be lost"),
        (override(ARM, "history", "publisher"), "keep_all", "must not delay a stop"),
        (override(ARM, "durability", "publisher"), "transient_local", "history, depth"),
    ],
)
def test_a_value_that_cannot_be_is_refused(stage: Stage, name: str, value: Any, words: str) -> None:
    node = add(stage, **{name: value})
    node.trigger_configure()
    assert f"'{name}'" in str(node.fault)
    assert words in str(node.fault)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        (override("/front/image", "depth"), CAMERA),
        (override("/joint_state", "depth"), JOINTS),
        (override("/arm/joint_trajectory", "depth", "publisher"), ARM),
        (override(CAMERA, "reliability", "subscription_left"), CAMERA),
    ],
)
def test_an_override_that_no_topic_reads_is_a_warning(stage: Stage, name: str, near: str) -> None:
    node = configured(stage, **{name: 7, override(JOINTS, "depth"): 9})
    (warning,) = unread_overrides(node, [])
    assert f"'{name}' changes nothing" in warning
    assert near in warning.partition("nearest are ")[2]

# SPDX-License-Identifier: Apache-2.0
"""The URDF that a node was configured with stays the one that it uses."""

import hashlib
from typing import Any

import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from std_msgs.msg import String

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.conversions import LATCHED
from vera_ros.nodes.ik.setup.description import check_sha256
from vera_ros.nodes.ik_node import IkNode
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress

from ...stage import Stage, urdf

OTHER = urdf().replace('upper="2.8973"', 'upper="2.7"')
DIGEST = hashlib.sha256(urdf().strip().encode()).hexdigest()


def describe(stage: Stage, words: str) -> Any:
    publisher = stage.node.create_publisher(String, "robot_description", LATCHED)
    publisher.publish(String(data=words))
    return publisher


def configured(stage: Stage, **parameters: Any) -> IkNode:
    ik = stage.add_ik(robot_description="", autostart=False, **parameters)
    stage.wait_until(lambda: not ik.waiting_for(), "the description")
    assert ik.trigger_configure() is TransitionCallbackReturn.SUCCESS
    return ik


def upper(ik: IkNode) -> float:
    assert ik._control is not None
    return float(ik._control.arm.upper[0])


def test_another_description_is_not_used_before_the_node_is_configured_anew(stage: Stage) -> None:
    assert urdf() != OTHER
    publisher = describe(stage, urdf())
    ik = configured(stage)
    publisher.publish(String(data=OTHER))
    stage.wait_until(lambda: ik._description._received == OTHER, "the other one")
    assert upper(ik) == pytest.approx(2.8973)
    ik._say_status()
    words = "another robot_description was published"
    stage.wait_until(
        lambda: any(words in each for each in stage.arm_status[-1].warnings), "the warning"
    )
    ik.trigger_cleanup()
    ik.trigger_configure()
    assert upper(ik) == pytest.approx(2.7)
    assert not ik._description.warnings()


@pytest.mark.parametrize(
    ("words", "outcome"),
    [(urdf(), TransitionCallbackReturn.SUCCESS), (OTHER, TransitionCallbackReturn.FAILURE)],
    ids=["the one", "another"],
)
@pytest.mark.parametrize("by_topic", [True, False], ids=["topic", "parameter"])
def test_only_the_pinned_description_is_used(
    stage: Stage, words: str, outcome: TransitionCallbackReturn, by_topic: bool
) -> None:
    if by_topic:
        describe(stage, words)
    given = "" if by_topic else words
    ik = stage.add_ik(robot_description=given, robot_description_sha256=DIGEST, autostart=False)
    stage.wait_until(lambda: not ik.waiting_for(), "the description")
    assert ik.trigger_configure() is outcome
    if outcome is TransitionCallbackReturn.FAILURE:
        assert DIGEST in str(ik.fault)


@pytest.mark.parametrize("digest", ["0", "f" * 63, "F" * 64, "g" * 64, f"sha256:{'f' * 64}"])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(ConfigurationError, match="64 hexadecimal digits"):
        check_sha256("parameter 'robot_description_sha256'", digest)
    check_sha256("it", DIGEST)
    check_sha256("it", "")


def test_two_publishers_of_the_description_stop_motion_until_one_is_gone(stage: Stage) -> None:
    describe(stage, urdf())
    ik = stage.add_ik(robot_description="", allowed_publishers=["/third"])
    stage.wait_until_active(ik)
    stage.wait_until(lambda: ik._sense().fault is None, "the arm")
    other, allowed = stage.add_neighbour("other"), stage.add_neighbour("third")
    publisher = other.create_publisher(String, "robot_description", LATCHED)
    allowed.create_publisher(String, "robot_description", LATCHED)
    stage.wait_until(lambda: stage.arm_status[-1].state == ArmStatus.FAULT, "the fault")
    fault = stage.arm_status[-1]
    assert fault.cause == ChunkProgress.SECOND_PUBLISHER
    assert fault.message.startswith("/other, /stage all publish /robot_description")
    other.destroy_publisher(publisher)
    stage.wait_until(lambda: ik._sense().fault is None, "one to be left")

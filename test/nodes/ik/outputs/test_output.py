# SPDX-License-Identifier: Apache-2.0
"""Which output is made, and what is said where it cannot be made."""

import sys
from typing import Any

import pytest
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.ik.outputs.output import TopicOutput

from ...stage import Stage


@pytest.fixture
def without_control_msgs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("arm_action", "gripper_action"):
        monkeypatch.delitem(sys.modules, f"vera_ros.nodes.ik.{name}", raising=False)
    for name in ("control_msgs", "control_msgs.action"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("without_control_msgs")
@pytest.mark.parametrize("parameter", ["arm_output", "gripper_output"])
def test_an_action_needs_a_package_that_is_named_at_start_up(stage: Stage, parameter: str) -> None:
    ik = stage.add_ik(**{parameter: "action"})
    stage.wait_until(lambda: ik.failed, "the failure")
    for word in (parameter, "control_msgs", "ros-$ROS_DISTRO-control-msgs", "topic"):
        assert word in str(ik.fault)


@pytest.mark.usefixtures("without_control_msgs")
@pytest.mark.parametrize("parameters", [{}, {"gripper_joint": "", "gripper_output": "action"}])
def test_topics_need_nothing(stage: Stage, parameters: dict[str, Any]) -> None:
    stage.wait_until_active(stage.add_ik(**parameters))
    names = {
        name
        for name, types in stage.node.get_topic_names_and_types()
        if types == [f"trajectory_msgs/msg/{JointTrajectory.__name__}"]
    }
    assert "/arm_controller/joint_trajectory" in names


def test_what_no_reader_has_acknowledged_yet_is_not_lost(stage: Stage) -> None:
    """Readers answer every three seconds; a trajectory that was just sent was taken for lost."""
    output = TopicOutput[JointTrajectory](stage.node, "trajectories", lambda message, _: message)
    received: list[JointTrajectory] = []
    stage.node.create_subscription(JointTrajectory, "trajectories", received.append, 10)
    stage.wait_until(lambda: not output.waiting_for(), "the subscriber")
    output.send(JointTrajectory(), 0.0)
    seen = [output.acknowledged()]
    stage.wait_until(lambda: received, "the trajectory")
    seen.append(output.acknowledged())
    assert False not in seen
    stage.wait_until(output.acknowledged, "the acknowledgement")

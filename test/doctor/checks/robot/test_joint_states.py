# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from vera_ros.doctor.checks.robot.joint_states import judge
from vera_ros.doctor.facts.graph import Topic
from vera_ros.doctor.finding import Finding, Verdict

from ...example_facts import ARM, FINGERS, configuration, endpoint, graph, joints, samples


def finding_of(ik: dict[str, Any] | None = None, **changes: Any) -> Finding:
    return judge(configuration(ik=ik), graph(joints=joints(**changes)))


def test_joint_states_that_run_are_described() -> None:
    finding = finding_of()
    assert finding.verdict is Verdict.OK
    assert finding.found == "7 joints and finger, 100 Hz, /joint_states"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"topic": Topic("/joint_states")}, "nothing publishes /joint_states"),
        ({"topic": Topic("/joint_states", (endpoint("/x"),))}, "sensor_msgs/msg/Image"),
        ({"samples": ()}, "nothing arrived in 3.0 s"),
        ({"names": ((*ARM[1:], *FINGERS),)}, "has no panda_joint1"),
        ({"names": (ARM,)}, "has no panda_finger_joint1"),
        ({"names": (ARM[:4], ARM[4:], FINGERS)}, "the arm's joints in different messages"),
        ({"names": (ARM, FINGERS[:1], FINGERS[1:])}, "the fingers in different messages"),
        ({"names": ((*ARM, FINGERS[0]),)}, FINGERS[1]),
        ({"not_finite": ("panda_joint3",)}, "panda_joint3 are not numbers"),
        ({"with_velocity": ARM[:6]}, "no velocities of panda_joint7"),
        ({"samples": samples(100.0, delay_s=3.0)}, "3000 ms old"),
        ({"samples": samples(100.0, delay_s=-3.0)}, "in the future"),
        ({"samples": samples(2.0)}, "too slow"),
    ],
)
def test_what_ik_node_cannot_move_on_is_a_failure(changes: dict[str, Any], named: str) -> None:
    finding = finding_of(**changes)
    assert finding.verdict is Verdict.FAILURE
    assert named in finding.found
    assert finding.mend


def test_arm_and_gripper_may_publish_apart() -> None:
    assert finding_of(names=(ARM, FINGERS)).verdict is Verdict.OK


def test_without_a_gripper_no_finger_is_missed() -> None:
    finding = finding_of({"gripper_joint": ""}, names=((*ARM, *FINGERS),))
    assert finding.verdict is Verdict.OK
    assert "no gripper" in finding.found


def test_without_efforts_contact_goes_unnoticed() -> None:
    finding = finding_of(with_effort=ARM[:6])
    assert finding.verdict is Verdict.WARNING
    assert "no efforts" in finding.found
    assert finding_of({"effort_model": "none"}, with_effort=()).verdict is Verdict.OK

# SPDX-License-Identifier: Apache-2.0
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from vera_ros.doctor.checks.robot.controllers import (
    judge_action,
    judge_manager,
    judge_nodes,
    judge_rivals,
    judge_topic,
)
from vera_ros.doctor.facts.graph import ControllerFacts, Endpoint, Topic
from vera_ros.doctor.finding import Verdict

from ...example_facts import TRAJECTORY, configuration, controller, endpoint, graph, verdict

ARM_TOPIC = "/arm_controller/joint_trajectory"
ACTION = "/arm_controller/follow_joint_trajectory"
FOLLOW = "control_msgs/action/FollowJointTrajectory"


def heard_by(*subscribers: Endpoint) -> Topic:
    return Topic(ARM_TOPIC, subscribers=subscribers)


def test_a_controller_that_listens_is_named() -> None:
    finding = judge_topic("arm", graph())
    assert finding.verdict is Verdict.OK
    assert finding.found == f"/arm_controller listens to {ARM_TOPIC}"
    assert judge_topic("gripper", graph()).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("topic", "named"),
    [
        (heard_by(), f"nothing subscribes to {ARM_TOPIC}"),
        (heard_by(endpoint("/x", "std_msgs/msg/String")), "as std_msgs/msg/String"),
        (heard_by(endpoint("/x", TRAJECTORY, latched=True)), "latched"),
    ],
)
def test_a_trajectory_that_nobody_hears_is_a_failure(topic: Topic, named: str) -> None:
    finding = judge_topic("arm", graph(arm=topic))
    assert finding.verdict is Verdict.FAILURE
    assert named in finding.found


def test_one_good_listener_is_enough() -> None:
    topic = heard_by(
        endpoint("/recorder", TRAJECTORY, latched=True),
        endpoint("/arm_controller", TRAJECTORY, reliable=False),
    )
    finding = judge_topic("arm", graph(arm=topic))
    assert finding.verdict is Verdict.OK
    assert "/arm_controller" in finding.found


@pytest.mark.parametrize(
    ("actions", "installed", "expected", "named"),
    [
        ({ACTION: FOLLOW}, True, Verdict.OK, ACTION),
        ({ACTION: FOLLOW}, False, Verdict.FAILURE, "needs control_msgs"),
        ({}, True, Verdict.FAILURE, "nothing serves"),
        ({ACTION: "nav2_msgs/action/Spin"}, True, Verdict.FAILURE, "nav2_msgs/action/Spin"),
    ],
)
def test_an_action_output_needs_its_server(
    actions: Mapping[str, str], installed: bool, expected: Verdict, named: str
) -> None:
    finding = judge_action("arm", graph(actions=actions), installed)
    assert finding.verdict is expected
    assert named in finding.found


def test_the_gripper_wants_another_action_than_the_arm() -> None:
    name = "/gripper_controller/gripper_cmd"
    facts = graph(actions={name: "control_msgs/action/GripperCommand"})
    assert judge_action("gripper", facts, True).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("listed", "expected", "named"),
    [
        (controller(), Verdict.OK, "active"),
        (controller(state="inactive"), Verdict.FAILURE, "inactive"),
        (controller(name="other"), Verdict.FAILURE, "it has other"),
        (controller(claimed=("panda_joint1/position",)), Verdict.FAILURE, "panda_joint2"),
        (controller(claimed=()), Verdict.FAILURE, "nothing"),
    ],
)
def test_the_manager_is_asked_for_the_arms_controller(
    listed: ControllerFacts, expected: Verdict, named: str
) -> None:
    finding = judge_manager(configuration(), graph(controllers=(listed,)))[0]
    assert finding.verdict is expected
    assert named in finding.found


def test_an_inactive_controller_is_mended_by_one_command() -> None:
    facts = graph(controllers=(controller(state="inactive"),))
    finding = judge_manager(configuration(), facts)[0]
    assert finding.mend == "ros2 control set_controller_state arm_controller active"


@pytest.mark.parametrize("output", ["topic", "action"])
@pytest.mark.parametrize(
    ("state", "gripper_joint", "expected"),
    [
        ("active", "finger", Verdict.OK),
        ("inactive", "finger", Verdict.FAILURE),
        ("unconfigured", "finger", Verdict.FAILURE),
        ("inactive", "", Verdict.OK),
    ],
)
def test_the_grippers_controller_is_active_too(
    output: str, state: str, gripper_joint: str, expected: Verdict
) -> None:
    gripper = controller(name="gripper_controller", state=state, claimed=("finger/position",))
    chosen = configuration(ik={"gripper_joint": gripper_joint, "gripper_output": output})
    findings = judge_manager(chosen, graph(controllers=(controller(), gripper)))
    assert {finding.verdict for finding in findings} == {Verdict.OK, expected}
    if expected is Verdict.FAILURE:
        assert findings[-1].mend.endswith("set_controller_state gripper_controller active")


def test_a_gripper_without_ros2_control_is_none_of_the_managers() -> None:
    findings = judge_manager(configuration(), graph())
    assert {finding.verdict for finding in findings} == {Verdict.OK}


def test_a_controller_is_known_by_its_action_where_that_is_used() -> None:
    facts = graph(
        arm_action="/panda_arm/follow_joint_trajectory",
        controllers=(controller(name="panda_arm", state="inactive"),),
    )
    finding = judge_manager(configuration(ik={"arm_output": "action"}), facts)[0]
    assert "'panda_arm' is inactive" in finding.found
    missing = judge_manager(
        configuration(ik={"arm_output": "action"}), replace(facts, controllers=())
    )[0]
    assert "no controller 'panda_arm'" in missing.found
    assert "arm_controller/follow_joint_trajectory" in missing.mend


def test_without_a_manager_nothing_is_wrong() -> None:
    for changes in ({"manager": ""}, {"manager_problem": "does not answer"}):
        findings = judge_manager(configuration(), graph(**changes, arm_parameters={}))
        assert verdict(findings) is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, None),
        ({"interpolation_method": "splines", "open_loop_control": True}, Verdict.OK),
        ({"interpolation_method": "none", "open_loop_control": True}, Verdict.WARNING),
        ({"interpolation_method": "splines", "open_loop_control": False}, Verdict.WARNING),
        ({"interpolate_from_desired_state": False}, Verdict.WARNING),
        ({"open_loop_control": False, "interpolate_from_desired_state": True}, Verdict.OK),
    ],
)
def test_the_controller_should_interpolate_as_the_gate_does(
    parameters: Mapping[str, Any], expected: Verdict | None
) -> None:
    findings = judge_manager(configuration(), graph(arm_parameters=parameters))
    assert verdict(findings[1:]) is expected


def test_whoever_else_can_move_the_arm_is_named() -> None:
    publishers = (endpoint("/cell/ik_node", TRAJECTORY), endpoint("/teleop", TRAJECTORY))
    (finding,) = judge_rivals(graph(arm=Topic(ARM_TOPIC, publishers)))
    assert finding.verdict is Verdict.WARNING
    assert "/teleop" in finding.found
    assert "ik_node (" not in finding.found
    assert not judge_rivals(graph(arm=Topic(ARM_TOPIC, publishers[:1])))


def test_two_nodes_of_one_name_are_a_failure() -> None:
    finding = judge_nodes(graph(nodes=("/left/ik_node", "/left/ik_node", "/camera")), "/left")
    assert finding.verdict is Verdict.FAILURE
    assert "/left/ik_node" in finding.found


def test_nodes_are_those_of_the_namespace() -> None:
    nodes = ("/left/ik_node", "/right/ik_node", "/right/policy_node")
    assert judge_nodes(graph(nodes=nodes), "/right").found == "policy_node, ik_node, and 1 other"
    assert judge_nodes(graph(nodes=nodes), "").found == "none of vera_ros, and 3 others"
    assert judge_nodes(graph(nodes=()), "").found == "none of vera_ros"

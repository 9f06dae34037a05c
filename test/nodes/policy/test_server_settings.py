# SPDX-License-Identifier: Apache-2.0
"""Settings of the server as parameters: forwarded, read back, refused with the server's reason."""

from collections.abc import Callable
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from vera_ros.embodiments import EMBODIMENTS
from vera_ros.nodes.policy.parameters import PARAMETERS
from vera_ros.nodes.policy.server_side import session_options
from vera_ros.nodes.policy_node import PolicyNode
from vera_ros_interfaces.msg import PolicyStatus

from ..stage import ScriptedPolicy, Stage

Connect = Callable[..., tuple[PolicyNode, ScriptedPolicy]]


@pytest.fixture
def connect(stage: Stage) -> Connect:
    """A node that has been connected to a server, between two episodes."""

    def make(**parameters: Any) -> tuple[PolicyNode, ScriptedPolicy]:
        policy = ScriptedPolicy()
        stage.serve(policy)
        node = stage.add_policy(**parameters)
        stage.wait_until_active(node)
        be_connected(stage)
        return node, policy

    return make


def be_connected(stage: Stage) -> None:
    """Have an episode that ends as soon as the server is there."""
    stage.status.clear()
    handle = stage.goal()
    stage.wait_for_state(PolicyStatus.WAITING_FOR_VIEWS)
    stage.judge(True)
    stage.result(handle)


def value(node: PolicyNode, name: str) -> Any:
    assert node.parameters[name] == node.get_parameter(name).value
    return node.parameters[name]


def test_nothing_is_sent_that_was_not_set(stage: Stage, connect: Connect) -> None:
    _, policy = connect()
    assert policy.configured == []


def test_what_was_set_before_is_sent_when_it_connects(stage: Stage, connect: Connect) -> None:
    _, policy = connect(n_action_steps=4, lang_guidance=0.0)
    assert policy.configured == [{"n_action_steps": 4}, {"lang_guidance": 0.0}]


def test_views_are_sent_by_name_and_only_those_of_the_embodiment(
    stage: Stage, connect: Connect
) -> None:
    node, policy = connect(control_view_keys=["agentview_image"])
    assert policy.configured == [{"control_view_keys": ["agentview_image"]}]
    for wrong in (["agentview"], ["agentview_image", "agentview_image"], ["", "agentview_image"]):
        (answer,) = stage.set_parameters("policy_node", control_view_keys=wrong)
        assert not answer.successful
        assert "agentview_image, robot0_eye_in_hand_image" in answer.reason
    assert value(node, "control_view_keys") == ["agentview_image"]


@pytest.mark.parametrize(("given", "sent"), [("server", None), ("on", True), ("off", False)])
def test_adaptive_gains_go_with_each_request(given: str, sent: bool | None) -> None:
    parameters = {parameter.name: parameter.default for parameter in PARAMETERS}
    options = session_options(parameters | {"adaptive_gains": given}, EMBODIMENTS["mimicgen"])
    assert options.adaptive_gains is sent


def test_a_change_is_sent_at_once_and_again_over_a_new_connection(
    stage: Stage, connect: Connect
) -> None:
    node, policy = connect()
    (answer,) = stage.set_parameters("policy_node", motion_plan_scale=0.5)
    assert answer.successful
    assert policy.configured == [{"motion_plan_scale": 0.5}]
    assert value(node, "motion_plan_scale") == 0.5
    assert node.health().level == DiagnosticStatus.OK or "scale" not in node.health().message
    for host in stage._hosts:
        host.stop()
    again = ScriptedPolicy()
    stage.serve(again)
    be_connected(stage)
    assert again.configured == [{"motion_plan_scale": 0.5}]


def test_what_the_server_refuses_is_refused_with_its_reason(stage: Stage, connect: Connect) -> None:
    node, policy = connect(sample_steps=8)
    policy.refuses = ("sample_steps",)
    refused, taken = stage.set_parameters("policy_node", sample_steps=4, n_action_steps=5)
    assert not refused.successful
    assert "unexpected keyword argument 'sample_steps'" in refused.reason
    assert taken.successful
    assert (value(node, "sample_steps"), value(node, "n_action_steps")) == (8, 5)
    assert "sample_steps" not in node.health().message


def test_all_at_once(stage: Stage, connect: Connect) -> None:
    node, policy = connect()
    policy.refuses = ("hist_guidance",)
    changes = [Parameter("hist_guidance", value=1.5).to_parameter_msg()]
    request = SetParametersAtomically.Request(parameters=changes)
    answer = stage.call(
        SetParametersAtomically, "policy_node/set_parameters_atomically", request
    ).result
    assert not answer.successful
    assert "hist_guidance" in answer.reason
    assert value(node, "hist_guidance") == -1.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"motion_plan_scale": 31.0}, "0 … 30"),
        ({"n_action_steps": -1}, "0 … 256"),
        ({"lang_guidance": float("nan")}, "nan"),
    ],
)
def test_what_is_out_of_range_never_leaves(
    stage: Stage, connect: Connect, changes: dict[str, Any], words: str
) -> None:
    node, policy = connect()
    (answer,) = stage.set_parameters("policy_node", **changes)
    assert not answer.successful
    assert words in answer.reason
    assert policy.configured == []
    (name,) = changes
    assert value(node, name) != changes[name]


def test_what_is_applied_otherwise_is_said(stage: Stage, connect: Connect) -> None:
    node, policy = connect()
    policy.applies = {"n_action_steps": 16}
    (answer,) = stage.set_parameters("policy_node", n_action_steps=32)
    assert answer.successful
    assert node.health().level >= DiagnosticStatus.WARN
    assert "n_action_steps is 16 on the server, not 32" in node.health().message
    policy.applies = {}
    stage.set_parameters("policy_node", n_action_steps=8)
    assert "n_action_steps" not in node.health().message


def test_a_setting_at_start_that_the_server_refuses_is_said_and_the_episode_begins(
    stage: Stage,
) -> None:
    policy = ScriptedPolicy()
    policy.refuses = ("lang_guidance",)
    stage.serve(policy)
    node = stage.add_policy(lang_guidance=2.0)
    stage.wait_until_active(node)
    be_connected(stage)
    assert "lang_guidance 2 was refused" in node.health().message


def test_while_it_infers_a_change_waits_and_a_refusal_comes_later(
    stage: Stage, connect: Connect
) -> None:
    node, policy = connect()
    stage.add_ik()
    policy.refuses = ("sample_steps",)
    policy.may_infer.clear()
    handle = stage.goal()
    stage.wait_until(lambda: policy.requests, "a question")
    (answer,) = stage.set_parameters("policy_node", sample_steps=4)
    assert answer.successful
    assert "after its current request" in answer.reason
    assert policy.configured == []
    policy.may_infer.set()
    stage.wait_until(lambda: value(node, "sample_steps") == 0, "the refusal")
    assert policy.calls == ["infer", "configure"]
    stage.judge(True)
    stage.result(handle)


def test_the_default_leaves_the_server_what_it_has(stage: Stage, connect: Connect) -> None:
    node, policy = connect(n_action_steps=4)
    (answer,) = stage.set_parameters("policy_node", n_action_steps=0)
    assert answer.successful
    assert policy.configured == [{"n_action_steps": 4}]
    assert value(node, "n_action_steps") == 0


def test_without_a_connection_a_change_is_kept_for_later(stage: Stage) -> None:
    node = stage.add_policy()
    stage.wait_until_active(node)
    (answer,) = stage.set_parameters("policy_node", sample_steps=4)
    assert answer.successful
    policy = ScriptedPolicy()
    stage.serve(policy)
    be_connected(stage)
    assert policy.configured == [{"sample_steps": 4}]


def test_a_node_that_is_not_configured_takes_them_when_it_is(stage: Stage) -> None:
    node = stage.add_policy(autostart=False)
    assert stage.set_parameters("policy_node", sample_steps=4)[0].successful
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
    assert value(node, "sample_steps") == 4
    assert node.trigger_cleanup() is TransitionCallbackReturn.SUCCESS
    assert stage.set_parameters("policy_node", sample_steps=5000)[0].successful
    assert node.trigger_configure() is TransitionCallbackReturn.FAILURE
    assert "sample_steps" in str(node.fault)

# SPDX-License-Identifier: Apache-2.0
"""Other models between two episodes: taken by the next one, or refused with what to do."""

import pytest
from rclpy.lifecycle import TransitionCallbackReturn

from vera_ros.nodes.policy_node import PolicyNode
from vera_ros_interfaces.msg import PolicyStatus
from vera_ros_interfaces.srv import ReloadServer

from ..stage import STEPS, ScriptedPolicy, Stage

Request = ReloadServer.Request


@pytest.fixture
def policy() -> ScriptedPolicy:
    return ScriptedPolicy()


@pytest.fixture
def node(stage: Stage, policy: ScriptedPolicy) -> PolicyNode:
    stage.serve(policy)
    made = stage.add_policy()
    stage.wait_until_active(made)
    return made


def reload(stage: Stage, **request: object) -> ReloadServer.Response:
    return stage.call(ReloadServer, "reload", Request(**request))


def test_the_next_episode_uses_the_new_models(
    stage: Stage, policy: ScriptedPolicy, node: PolicyNode
) -> None:
    policy.reloaded = {"context_frames": 9, "planner_model": "omni.yaml", "action_horizon": 8}
    answer = reload(stage, algo_config="omni.yaml", action_horizon=8)
    assert answer.success, answer.message
    for word in ("planner omni.yaml", "agentview_image", "20 Hz", "9 frames"):
        assert word in answer.message
    assert node.health().parts["server"].values["server_planner"] == "omni.yaml"
    stage.wait_until(lambda: stage.status[-1].planner_model == "omni.yaml", "the status")
    handle = stage.goal()
    stage.wait_for_state(PolicyStatus.WAITING_FOR_VIEWS)
    stage.wait_until(lambda: stage.status[-1].window_size == 9, "the window")
    stage.judge(True)
    stage.result(handle)


def test_models_are_left_to_the_server_and_steps_stay(
    stage: Stage, policy: ScriptedPolicy, node: PolicyNode
) -> None:
    policy.reloaded = {"idm_model": "run"}
    assert reload(stage, dynamics_run_id="entity/project/run").success
    assert policy.reloads == [{"dynamics_run_id": "entity/project/run", "action_horizon": STEPS}]


def test_a_server_that_does_not_load_what_it_is_told_is_no_success(
    stage: Stage, policy: ScriptedPolicy, node: PolicyNode
) -> None:
    policy.reloaded = {"idm_model": "idm-mimicgen-285ouq1q", "planner_model": "omni.yaml"}
    answer = reload(stage, dynamics_run_id="37oa162u", algo_config="omni.yaml")
    assert not answer.success
    assert "dynamics_run_id is 'idm-mimicgen-285ouq1q' on the server, not '37oa162u'" in (
        answer.message
    )
    assert "algo_config" not in answer.message
    assert node.health().parts["server"].values["server_planner"] == "omni.yaml"


def test_an_episode_is_not_disturbed(
    stage: Stage, policy: ScriptedPolicy, node: PolicyNode
) -> None:
    handle = stage.goal()
    answer = reload(stage)
    assert not answer.success
    assert "cancel it, or wait" in answer.message
    assert policy.reloads == []
    stage.judge(True)
    stage.result(handle)


def test_a_robot_does_not_become_another_one(
    stage: Stage, policy: ScriptedPolicy, node: PolicyNode
) -> None:
    answer = reload(stage, embodiment="droid")
    assert not answer.success
    assert "drives mimicgen" in answer.message
    assert policy.reloads == []


def test_models_that_do_not_fit_are_said_to(
    stage: Stage, policy: ScriptedPolicy, node: PolicyNode
) -> None:
    policy.reloaded = {"control_dt": 0.1}
    answer = reload(stage)
    assert not answer.success
    assert "does not fit" in answer.message
    assert "control_dt" in answer.message
    result = stage.result(stage.goal())
    assert result.cause == PolicyStatus.SERVER_MISMATCH


def test_a_reload_that_fails_has_destroyed_the_server(
    stage: Stage, policy: ScriptedPolicy, node: PolicyNode
) -> None:
    policy.reloaded = RuntimeError("CUDA out of memory")
    answer = reload(stage)
    assert not answer.success
    for word in ("lost the models", "restart it", "CUDA out of memory"):
        assert word in answer.message


def test_meanwhile_nothing_else_begins(
    stage: Stage, policy: ScriptedPolicy, node: PolicyNode
) -> None:
    policy.may_reload.clear()
    client = stage.node.create_client(ReloadServer, "reload")
    stage.wait_until(client.service_is_ready, "the service")
    first = client.call_async(Request())
    stage.wait_until(lambda: policy.reloads, "the server to load")
    assert "wait for reload to return" in stage.refused_goal()
    assert "loading models already" in reload(stage).message
    assert "is loading other models" in node.health().message
    policy.may_reload.set()
    assert stage.wait_for(first, "the answer").success
    stage.begin_goal()


def test_a_node_that_stops_answers_first(
    stage: Stage, policy: ScriptedPolicy, node: PolicyNode
) -> None:
    policy.may_reload.clear()
    client = stage.node.create_client(ReloadServer, "reload")
    stage.wait_until(client.service_is_ready, "the service")
    waiting = client.call_async(Request())
    stage.wait_until(lambda: policy.reloads, "the server to load")
    assert node.trigger_deactivate() is TransitionCallbackReturn.SUCCESS
    answer = stage.wait_for(waiting, "the answer")
    assert not answer.success
    assert "not known" in answer.message
    policy.may_reload.set()
    assert "not active" in reload(stage).message

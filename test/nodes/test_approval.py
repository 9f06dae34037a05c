# SPDX-License-Identifier: Apache-2.0
"""One chunk at a time with approval, and runs in which nothing moves."""

import numpy as np
import pytest
from nav_msgs.msg import Path
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from vera_ros.nodes.common.conversions import LATCHED
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress, PolicyStatus

from .stage import START_Q, Stage, chunk

P = ChunkProgress


def states(stage: Stage, sequence: int) -> list[int]:
    return [message.state for message in stage.progress_of(sequence)]


def offer(stage: Stage, sequence: int = 0) -> None:
    """A chunk that waits for approval."""
    stage.chunk_publisher.publish(chunk(sequence=sequence))
    stage.wait_until(lambda: P.AWAITING_APPROVAL in states(stage, sequence), "the chunk to wait")


@pytest.fixture
def careful(stage: Stage) -> Stage:
    """A stage whose arm side plays nothing without approval."""
    stage.add_ready_ik(approval=True)
    return stage


def test_a_chunk_is_shown_and_plays_once_it_is_approved(careful: Stage) -> None:
    paths: list[Path] = []
    careful.node.create_subscription(Path, "planned_path", paths.append, LATCHED)
    offer(careful)
    careful.wait_until(lambda: paths, "its path")
    careful.wait_until(
        lambda: careful.arm_status[-1].state == ArmStatus.AWAITING_APPROVAL, "the status"
    )
    assert careful.arm_status[-1].approval
    assert not careful.arm_trajectories
    assert careful.call(Trigger, "approve").success
    careful.wait_until(lambda: P.FINISHED in states(careful, 0), "the chunk to be played")
    assert states(careful, 0)[:2] == [P.AWAITING_APPROVAL, P.ACCEPTED]
    answer = careful.call(Trigger, "approve")
    assert not answer.success
    assert "no chunk" in answer.message


@pytest.mark.parametrize("how", ["discard", "stop", "hold", "another"])
def test_a_chunk_that_is_let_go_never_moves_the_arm(careful: Stage, how: str) -> None:
    offer(careful)
    if how == "another":
        offer(careful, 1)
    else:
        assert careful.call(Trigger, how).success
    careful.wait_until(lambda: P.REJECTED in states(careful, 0), "its end")
    assert careful.progress_of(0)[-1].cause == P.NOT_APPROVED
    assert not careful.arm_trajectories
    assert careful.call(Trigger, "approve").success is (how == "another")


def set_live(stage: Stage, name: str, value: bool) -> str:
    """Why a parameter cannot be set while the node runs; empty: it was."""
    message = Parameter(name, value=value).to_parameter_msg()
    request = SetParameters.Request(parameters=[message])
    (result,) = stage.call(SetParameters, "ik_node/set_parameters", request).results
    assert result.successful is not bool(result.reason)
    return str(result.reason)


def test_approval_may_be_demanded_while_the_node_runs_but_not_waived(stage: Stage) -> None:
    stage.add_ready_ik()
    assert not set_live(stage, "approval", False)
    assert not set_live(stage, "approval", True)
    assert "valid, while the node runs, is true" in set_live(stage, "approval", False)
    assert not set_live(stage, "approval", True)
    offer(stage)


def test_the_source_of_time_does_not_change_while_the_node_runs(stage: Stage) -> None:
    stage.add_ready_ik()
    assert "'use_sim_time' is true" in set_live(stage, "use_sim_time", True)
    assert not set_live(stage, "use_sim_time", False)


def test_an_episode_waits_for_approval_as_long_as_it_takes(careful: Stage) -> None:
    careful.serve()
    policy = careful.add_policy(accept_timeout_s=0.1, arm_timeout_s=60.0)
    careful.wait_until_active(policy)
    handle = careful.goal()
    careful.wait_for_state(PolicyStatus.AWAITING_APPROVAL)
    began = careful.now_s
    careful.wait_until(lambda: careful.now_s > began + 0.3, "more than accept_timeout_s")
    assert careful.status[-1].state == PolicyStatus.AWAITING_APPROVAL
    assert careful.call(Trigger, "approve").success
    careful.wait_until(lambda: P.FINISHED in states(careful, 0), "the chunk to be played")
    careful.wait_until(lambda: P.AWAITING_APPROVAL in states(careful, 1), "the next one")
    assert careful.call(Trigger, "discard").success
    result = careful.result(handle)
    assert (result.outcome, result.cause) == (
        ExecuteTask.Result.ABORTED,
        PolicyStatus.ARM_REJECTED,
    )
    assert "not approved" in result.message


def test_a_dry_run_plans_and_times_everything_and_sends_nothing(stage: Stage) -> None:
    stage.add_ready_ik(dry_run=True)
    closing = chunk(gripper=[1.0] * 10)
    stage.chunk_publisher.publish(closing)
    stage.wait_until(lambda: P.FINISHED in states(stage, 0), "the end")
    said = stage.progress_of(0)
    assert said[0].state == P.ACCEPTED
    assert all(message.dry_run and not message.step_times for message in said)
    answer = stage.call(Trigger, "move_to_start")
    assert "dry run" in answer.message
    assert not stage.arm_trajectories
    assert not stage.gripper_trajectories
    np.testing.assert_allclose(stage.q(), START_Q)


def test_a_goal_in_a_dry_run_looks_asks_and_shows_and_feeds_no_frames(stage: Stage) -> None:
    stage.serve()
    stage.add_ready_ik(dry_run=True)
    policy = stage.add_policy(arm_timeout_s=60.0)
    stage.wait_until_active(policy)
    stage.goal()
    stage.wait_until(lambda: P.FINISHED in states(stage, 1), "two chunks")
    window = policy._episode.observer.window if policy._episode else None
    assert window is not None
    assert window.fill <= 1 + 2  # looks alone: the arm stands still
    assert not stage.arm_trajectories

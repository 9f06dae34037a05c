# SPDX-License-Identifier: Apache-2.0
"""A goal that comes before the arm side is up is played once it is; one that went is missed."""

import time

from std_msgs.msg import String

from vera_ros.nodes.common.conversions import LATCHED
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress, PolicyStatus

from .stage import Stage, configure_and_activate, urdf

SILENCE_S = 0.5
Result = ExecuteTask.Result


def waits_for(stage: Stage, *words: str) -> bool:
    last = stage.feedback[-1] if stage.feedback else None
    said = "" if last is None else last.message
    return all(word in said for word in ("waiting for the arm", *words))


def plays(stage: Stage) -> bool:
    return any(m.state == ChunkProgress.FINISHED for m in stage.progress)


def test_an_ik_node_that_appears_late_plays_the_goal(stage: Stage) -> None:
    stage.serve()
    stage.wait_until_active(stage.add_policy(arm_timeout_s=SILENCE_S, view_timeout_s=SILENCE_S))
    handle = stage.begin_goal()
    stage.wait_until(
        lambda: waits_for(stage, "side to start", "has not published arm_status"), "the wait"
    )
    ik = stage.add_ik(autostart=False)
    stage.wait_until(
        lambda: waits_for(stage, "side to start", "ik_node is not active"), "its first status"
    )
    ik._status.repeat = lambda: None  # type: ignore[method-assign]  # as while it compiles
    heard, silent_s = len(stage.arm_status), time.monotonic()
    stage.wait_until(lambda: time.monotonic() - silent_s > 3 * SILENCE_S, "a silence")
    assert len(stage.arm_status) <= heard + 1, "it was not silent"
    del ik._status.repeat
    configure_and_activate(ik)
    stage.wait_until(lambda: plays(stage), "a chunk's end")
    stage.judge(True)
    assert stage.result(handle).outcome == Result.SUCCEEDED


def test_what_a_late_ik_node_waits_for_reaches_the_goals_client(stage: Stage) -> None:
    stage.serve()
    policy = stage.add_policy(arm_start_timeout_s=2.0)
    ik = stage.add_ik(robot_description="")
    stage.wait_until_active(policy)
    stage.wait_until(lambda: stage.arm_status, "its status")
    result = stage.result(stage.goal())
    assert (result.outcome, result.cause) == (Result.ABORTED, PolicyStatus.ARM_SILENT)
    for words in ("not active within 2 s", "ik_node is not active: waiting for robot_description"):
        assert words in result.message
    publisher = stage.node.create_publisher(String, "robot_description", LATCHED)
    publisher.publish(String(data=urdf()))
    handle = stage.begin_goal()
    stage.wait_until_active(ik)
    stage.wait_until(lambda: plays(stage), "a chunk's end")
    stage.judge(True)
    assert stage.result(handle).outcome == Result.SUCCEEDED


def test_an_ik_node_that_was_there_and_is_gone_is_missed_at_once(stage: Stage) -> None:
    stage.serve()
    policy, ik = stage.add_policy(arm_timeout_s=SILENCE_S), stage.add_ik()
    stage.wait_until_active(policy, ik)
    stage.wait_until(lambda: policy._arm_watch.arm and policy._arm_watch.connected(), "the arm")
    ready = ArmStatus.READY
    stage.wait_until(lambda: stage.arm_status[-1].state == ready, "the arm to be ready")
    stage.wait_until(lambda: policy._arm_watch.complaint() == "", "policy_node to know it")
    stage.remove(ik)
    stage.wait_until(policy._arm_watch.trouble, "the silence")
    result = stage.result(stage.goal())
    assert (result.outcome, result.cause) == (Result.ABORTED, PolicyStatus.ARM_SILENT)
    assert "has not published arm_status for" in result.message


def test_a_goal_waits_for_a_controller_that_appears_late(stage: Stage) -> None:
    """ik_node may discover it after everything else is ready."""
    stage.remove_controller()
    stage.serve()
    stage.wait_until_active(stage.add_policy(), stage.add_ik())
    handle = stage.begin_goal()
    stage.wait_until(lambda: waits_for(stage, "ik_node: nothing moves without"), "the wait")
    assert not stage.progress
    stage.add_controller()
    stage.wait_until(lambda: plays(stage), "a chunk's end")
    stage.judge(True)
    assert stage.result(handle).outcome == Result.SUCCEEDED


def test_a_goal_without_a_controller_ends_and_names_it(stage: Stage) -> None:
    stage.remove_controller()
    stage.serve()
    stage.wait_until_active(stage.add_policy(view_timeout_s=1.0), stage.add_ik())
    result = stage.result(stage.goal())
    assert (result.outcome, result.cause) == (Result.ABORTED, PolicyStatus.ARM_SILENT)
    for words in ("the arm was not ready within 1 s", "a subscriber of /arm_controller/joint_traj"):
        assert words in result.message

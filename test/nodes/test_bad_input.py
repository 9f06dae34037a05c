# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong around the nodes: a clear cause, and an arm that is still or stops smoothly."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header

from vera_ros.embodiments import ActionSpace
from vera_ros.motion.execution.planning_job import PlanningJob
from vera_ros.nodes.common.conversions import LATCHED, rgb_to_image
from vera_ros.policy.states import Cause
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress, PolicyStatus

from .stage import START_Q, STEPS, ScriptedPolicy, Stage, actions, chunk

Result = ExecuteTask.Result


def both_nodes(stage: Stage, **policy_parameters: Any) -> None:
    """An ik_node and a policy_node that know each other and the arm."""
    ik, policy = stage.add_ik(), stage.add_policy(**policy_parameters)
    stage.wait_until_active(ik, policy)
    stage.wait_until(
        lambda: (
            stage.node.count_subscribers("action_chunk") >= 2
            and stage.node.count_publishers("chunk_progress") >= 1
            and stage.node.count_subscribers("arm_controller/joint_trajectory") >= 1
            and ik._sense().fault is None
        ),
        "discovery",
    )


def aborted(stage: Stage, handle: Any, cause: int, *words: str) -> None:
    """The goal ends with this cause, said in these words, and the status says the same."""
    result = stage.result(handle)
    assert (result.outcome, result.cause) == (Result.ABORTED, cause), result.message
    for word in words:
        assert word in result.message
    stage.wait_until(
        lambda: stage.status and stage.status[-1].state == PolicyStatus.ABORTED, "the status"
    )
    assert stage.status[-1].cause == cause
    assert stage.status[-1].message == result.message


def never_moved(stage: Stage) -> bool:
    return not stage.arm_trajectories and not stage.gripper_trajectories


def comes_to_rest(stage: Stage) -> None:
    stage.wait_until(stage.rests, "the arm to rest")
    last = stage.arm_trajectories[-1].points[-1]
    assert not np.any(last.velocities)


def play_one(stage: Stage) -> Any:
    """A goal whose first chunk is being played; returns its handle."""
    handle = stage.goal()
    stage.wait_until(
        lambda: any(m.state == ChunkProgress.PLAYING for m in stage.progress), "a step"
    )
    return handle


# Servers.


def test_no_server(stage: Stage) -> None:
    both_nodes(stage, connect_timeout_s=1.0)
    aborted(stage, stage.goal(), PolicyStatus.NO_SERVER, f"127.0.0.1:{stage.port}", "running")
    assert never_moved(stage)


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"embodiment": "droid"}, "droid"),
        ({"action_space": "joint_position"}, "joint_position"),
        ({"action_space": "telepathy"}, "telepathy"),
        ({"action_dim": 8}, "8 columns"),
        ({"view_keys": ["front", "back"]}, "front"),
        ({"control_dt": 0.1}, "control_dt"),
        ({"gripper_dim_index": 9}, "gripper_dim_index"),
        ({"view_widths": [128, 0]}, "view_widths"),
        ({"needs_prompt": True}, "prompt"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_server_that_does_not_fit(stage: Stage, config: dict[str, Any], word: str) -> None:
    stage.serve(ScriptedPolicy(**config))
    stage.wait_until_active(stage.add_policy())
    handle = stage.goal(prompt="")
    result = stage.result(handle)
    assert result.cause in (PolicyStatus.SERVER_MISMATCH, PolicyStatus.PROTOCOL_ERROR)
    assert word in result.message
    assert stage.chunks == []


@pytest.mark.parametrize(
    ("answer", "cause", "word"),
    [
        (RuntimeError("out of memory"), PolicyStatus.SERVER_ERROR, "out of memory"),
        (actions() * np.nan, PolicyStatus.INVALID_ACTIONS, "not finite"),
        (actions() + np.float32("inf"), PolicyStatus.INVALID_ACTIONS, "not finite"),
        (actions()[:, :6], PolicyStatus.PROTOCOL_ERROR, "(10, 6)"),
        (actions(rows=0), PolicyStatus.PROTOCOL_ERROR, "(0, 7)"),
        (actions()[0], PolicyStatus.PROTOCOL_ERROR, "(7,)"),
    ],
    ids=["exception", "nan", "inf", "narrow", "no rows", "no matrix"],
)
def test_answers_that_cannot_be_played(stage: Stage, answer: Any, cause: int, word: str) -> None:
    stage.serve(ScriptedPolicy(answer))
    both_nodes(stage)
    aborted(stage, stage.goal(), cause, word)
    assert never_moved(stage)
    assert stage.chunks == []


def test_a_motion_that_the_arm_side_rejects(stage: Stage) -> None:
    """It leads out of the workspace: the arm goes as far as it may, and then no further."""
    stage.serve(ScriptedPolicy(actions(rows=60, down=1.0)))
    both_nodes(stage)
    aborted(stage, stage.goal(), PolicyStatus.ARM_REJECTED, "workspace", "nothing")
    comes_to_rest(stage)
    cut = [message for message in stage.progress if message.state == ChunkProgress.FINISHED]
    assert cut
    assert all(message.rails_bound for message in cut)
    assert {message.cause for message in cut} == {ChunkProgress.OUTSIDE_WORKSPACE}
    assert len(cut[0].step_times) < 60


def test_cancel_during_a_long_inference(stage: Stage) -> None:
    stage.serve(delay_s=600.0)
    both_nodes(stage)
    handle = stage.goal()
    stage.wait_for_state(PolicyStatus.INFERRING)
    stage.wait_for(handle.cancel_goal_async(), "the answer to the cancel")
    result = stage.result(handle)
    assert (result.outcome, result.cause) == (Result.CANCELLED, PolicyStatus.CANCEL_REQUESTED)
    assert never_moved(stage)


def test_after_a_cancelled_inference_the_next_goal_gets_its_own_answer(stage: Stage) -> None:
    policy = ScriptedPolicy()
    stage.serve(policy, delay_s=1.0)
    both_nodes(stage)
    handle = stage.goal("first")
    stage.wait_for_state(PolicyStatus.INFERRING)
    stage.wait_for(handle.cancel_goal_async(), "the answer to the cancel")
    stage.result(handle)
    second = stage.goal("second")
    stage.wait_until(lambda: stage.chunks, "a chunk")
    *earlier, latest = policy.requests  # the cancel may overtake the first request
    assert [request["prompt"] for request in earlier] in ([], ["first"])
    assert latest["prompt"] == "second"
    assert stage.chunks[0].session_id == latest["session_id"]
    assert stage.chunks[0].header.frame_id == "panda_link0"
    stage.judge(True)
    assert stage.result(second).outcome == Result.SUCCEEDED


def test_the_time_limit_during_an_inference(stage: Stage) -> None:
    stage.serve(delay_s=600.0)
    both_nodes(stage)
    result = stage.result(stage.goal(time_limit_s=0.5))
    assert (result.outcome, result.cause) == (Result.TIME_LIMIT, PolicyStatus.TIME_LIMIT)
    assert never_moved(stage)


def test_an_inference_that_takes_too_long(stage: Stage) -> None:
    stage.serve(delay_s=600.0)
    both_nodes(stage, infer_timeout_s=0.5)
    aborted(stage, stage.goal(), PolicyStatus.SERVER_TIMEOUT, "0.5 s")
    assert never_moved(stage)


def test_a_server_that_dies_and_comes_back(stage: Stage) -> None:
    host = stage.serve()
    both_nodes(stage)
    handle = play_one(stage)
    host.stop()
    aborted(stage, handle, PolicyStatus.CONNECTION_LOST)
    comes_to_rest(stage)
    stage.serve()
    handle = stage.goal()
    count = len(stage.chunks)
    stage.wait_until(lambda: len(stage.chunks) > count, "a chunk of the next goal")
    stage.judge(True)
    assert stage.result(handle).outcome == Result.SUCCEEDED


# Views.


def test_a_view_topic_that_nobody_publishes(stage: Stage) -> None:
    stage.serve()
    both_nodes(stage, view_topics=["agentview/image_raw", "wrist/image_raw"], view_timeout_s=1.0)
    aborted(stage, stage.goal(), PolicyStatus.VIEWS_MISSING, "robot0_eye_in_hand_image")
    assert never_moved(stage)


def test_a_camera_that_never_publishes(stage: Stage) -> None:
    stage.cameras = ("robot0_eye_in_hand",)
    stage.serve()
    both_nodes(stage, view_timeout_s=1.0)
    aborted(stage, stage.goal(), PolicyStatus.VIEWS_MISSING, "agentview_image")
    assert never_moved(stage)


def test_a_camera_that_falls_silent(stage: Stage) -> None:
    stage.serve()
    both_nodes(stage, view_timeout_s=5.0)
    handle = play_one(stage)
    stage.cameras = ("agentview",)
    aborted(stage, handle, PolicyStatus.VIEWS_MISSING, "robot0_eye_in_hand_image")
    comes_to_rest(stage)


def test_pictures_in_an_unknown_encoding(stage: Stage) -> None:
    def strange(stamp_ns: int) -> Image:
        image = rgb_to_image(np.zeros((32, 32, 3), np.uint8), stamp_ns, "camera")
        image.encoding = "smellovision8"
        return image

    stage.picture = strange
    stage.serve()
    both_nodes(stage)
    aborted(stage, stage.goal(), PolicyStatus.IMAGE_ERROR, "smellovision8", "view")
    assert never_moved(stage)


def test_a_picture_that_is_cut_short(stage: Stage) -> None:
    def torn(stamp_ns: int) -> Image:
        image = rgb_to_image(np.zeros((32, 32, 3), np.uint8), stamp_ns, "camera")
        image.data = image.data[:100]
        return image

    stage.picture = torn
    stage.serve()
    both_nodes(stage)
    aborted(stage, stage.goal(), PolicyStatus.IMAGE_ERROR, "100")
    assert never_moved(stage)


def test_a_resolution_that_changes_during_an_episode(stage: Stage) -> None:
    stage.serve()
    both_nodes(stage)
    handle = play_one(stage)
    stage.picture = lambda stamp_ns: rgb_to_image(
        np.zeros((48, 64, 3), np.uint8), stamp_ns, "camera"
    )
    aborted(stage, handle, PolicyStatus.IMAGE_ERROR, "32 x 32", "48 x 64")
    comes_to_rest(stage)
    handle = stage.goal()  # between episodes, it may change
    count = len(stage.chunks)
    stage.wait_until(lambda: len(stage.chunks) > count, "a chunk of the next goal")


# The arm's description and its joint states.


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"joint_names": [f"left_joint{i}" for i in range(1, 8)]}, ("left_joint1", "panda_joint1")),
        ({"robot_description": "not a URDF"}, ("not a URDF",)),
        ({"robot_description": "<robot name='x'/>"}, ("URDF",)),
        ({"tcp_frame": "nowhere"}, ("nowhere", "panda_grip_site")),
        ({"response_model": "panda.yaml"}, ("panda.yaml",)),
        ({"workspace_lower": [0.9, 0.0, 0.0]}, ("workspace_lower", "workspace_upper")),
        ({"gripper_closed_m": 0.1}, ("gripper_closed_m", "gripper_open_m")),
        ({"start_posture": [0.0]}, ("start_posture", "joint_names")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_arm_that_cannot_be_set_up(
    stage: Stage, parameters: dict[str, Any], words: tuple[str, ...]
) -> None:
    ik = stage.add_ik(**parameters)
    stage.wait_until(lambda: ik.failed, "the failure")
    for word in words:
        assert word in str(ik.fault)


def reordered(message: JointState) -> JointState:
    for field in ("name", "position", "velocity"):
        setattr(message, field, list(reversed(getattr(message, field))))
    return message


def without_a_joint(message: JointState) -> JointState:
    for field in ("name", "position", "velocity"):
        setattr(message, field, list(getattr(message, field))[1:])
    return message


def not_a_number(message: JointState) -> JointState:
    message.position[3] = float("nan")
    return message


def too_few_positions(message: JointState) -> JointState:
    message.position = list(message.position)[:4]
    return message


def test_joint_states_in_any_order_work(stage: Stage) -> None:
    stage.joint_message = reordered
    stage.serve()
    both_nodes(stage)
    handle = stage.goal()
    stage.wait_until(
        lambda: any(m.state == ChunkProgress.FINISHED for m in stage.progress), "a chunk's end"
    )
    stage.judge(True)
    assert stage.result(handle).outcome == Result.SUCCEEDED
    np.testing.assert_allclose(stage.arm_trajectories[0].points[0].positions, START_Q, atol=0.05)


@pytest.mark.parametrize("spoil", [without_a_joint, not_a_number, too_few_positions])
def test_joint_states_that_cannot_be_used(
    stage: Stage, spoil: Callable[[JointState], JointState]
) -> None:
    stage.joint_message = spoil
    stage.serve()
    ik, policy = stage.add_ik(), stage.add_policy(view_timeout_s=1.0)
    stage.wait_until_active(ik, policy)
    aborted(stage, stage.goal(), PolicyStatus.ARM_SILENT, "joint states")
    assert never_moved(stage)
    assert "joint" in ik.health().message
    assert ik.health().parts["joint states"].values["bad_joint_states"]
    assert ik.health().causes == ["no_joint_states"]


def test_joint_states_that_turn_bad_while_the_arm_moves(stage: Stage) -> None:
    stage.serve(
        ScriptedPolicy(actions(rows=100, down=0.0) + np.array([0.05, 0, 0, 0, 0, 0, 0], np.float32))
    )
    ik = stage.add_ik(joint_state_timeout_s=2.0)
    stage.wait_until_active(ik, stage.add_policy())
    handle = play_one(stage)
    stage.joint_message = not_a_number
    aborted(stage, handle, PolicyStatus.ARM_ABORTED, "nan")
    comes_to_rest(stage)


def say_ready(stage: Stage) -> None:
    """Publish the status of an arm side that has started."""
    publisher = stage.node.create_publisher(ArmStatus, "arm_status", LATCHED)
    status = ArmStatus(state=ArmStatus.READY, arm="an arm")
    stage.node.create_timer(0.1, lambda: publisher.publish(status))


def test_a_pose_that_is_not_a_number_counts_as_none(stage: Stage) -> None:
    stage.serve()
    stage.wait_until_active(stage.add_policy(view_timeout_s=1.0))
    say_ready(stage)
    publisher = stage.node.create_publisher(PoseStamped, "tcp_pose", 10)
    pose = PoseStamped()
    pose.pose.position.x = float("nan")
    stage.node.create_timer(0.05, lambda: publisher.publish(pose))
    aborted(stage, stage.goal(), PolicyStatus.ARM_SILENT, "tcp_pose")


def test_no_ik_node(stage: Stage) -> None:
    stage.serve()
    stage.wait_until_active(stage.add_policy(arm_start_timeout_s=1.0))
    words = "not active within 1 s", "ik_node has not published arm_status"
    aborted(stage, stage.goal(), PolicyStatus.ARM_SILENT, *words)


def test_an_ik_node_that_does_not_answer(stage: Stage) -> None:
    stage.serve()
    stage.wait_until_active(stage.add_policy(accept_timeout_s=0.5))
    say_ready(stage)
    publisher = stage.node.create_publisher(PoseStamped, "tcp_pose", 10)
    stage.node.create_timer(0.05, lambda: publisher.publish(PoseStamped()))
    aborted(stage, stage.goal(), PolicyStatus.ARM_SILENT, "did not answer", "0.5 s")
    assert len(stage.chunks) == 1


# Chunks.


BAD_CHUNKS: dict[str, tuple[dict[str, Any], str]] = {
    "nan": ({"actions": [float("nan")] * 60}, "not finite"),
    "inf": ({"actions": [float("inf")] * 60}, "not finite"),
    "narrow": ({"columns": 5, "actions": [0.0] * 50}, "5 columns"),
    "short": ({"actions": [0.0] * 59}, "59 values"),
    "no rows": ({"horizon": 0, "actions": []}, "0 rows"),
    "embodiment": ({"embodiment": "droid"}, "droid"),
    "no embodiment": ({"embodiment": ""}, "embodiment ''"),
    "no time": ({"sent": Time()}, "no time"),
    "frame": ({"header": Header(frame_id="camera")}, "camera"),
    "joint space": ({"action_space": ActionSpace.JOINT_POSITION.value}, "JOINT_POSITION"),
    "unknown space": ({"action_space": 77}, "action space 77"),
    "no duration": ({"control_dt_s": 0.0}, "control_dt_s 0.0"),
    "nan duration": ({"control_dt_s": float("nan")}, "control_dt_s nan"),
    "gripper length": ({"gripper": [1.0]}, "1 gripper"),
    "gripper nan": ({"gripper": [float("nan")] * STEPS}, "not finite"),
}


def test_chunks_that_make_no_sense(stage: Stage) -> None:
    ik = stage.add_ik()
    stage.wait_until_active(ik)
    stage.wait_until(
        lambda: (
            stage.node.count_subscribers("action_chunk") >= 2
            and stage.node.count_publishers("chunk_progress") >= 1
            and ik._sense().fault is None
        ),
        "discovery",
    )
    for number, (changes, word) in enumerate(BAD_CHUNKS.values()):
        stage.chunk_publisher.publish(chunk(sequence=number, **changes))
        stage.wait_until(lambda: len(stage.progress) > number, "an answer")  # noqa: B023
        answer = stage.progress[-1]
        assert (answer.sequence, answer.session_id) == (number, "session")
        assert answer.state == ChunkProgress.REJECTED
        assert answer.cause == ChunkProgress.INVALID_CHUNK
        assert word in answer.message
    assert never_moved(stage)
    stage.chunk_publisher.publish(chunk(sequence=99))
    stage.wait_until(lambda: stage.progress[-1].sequence == 99, "an answer")
    assert stage.progress[-1].state == ChunkProgress.ACCEPTED


@pytest.mark.parametrize(("scale", "slowed"), [(1.0, False), (0.5, True)])
def test_a_chunk_that_had_to_be_slowed_says_so_and_is_not_cut(
    stage: Stage, scale: float, slowed: bool
) -> None:
    ik = stage.add_ik(speed_scale=scale)
    stage.wait_until_active(ik)
    stage.wait_until(
        lambda: (
            stage.node.count_subscribers("action_chunk") >= 2
            and stage.node.count_publishers("chunk_progress") >= 1
            and ik._sense().fault is None
        ),
        "discovery",
    )
    stage.chunk_publisher.publish(chunk())
    stage.wait_until(lambda: stage.progress, "an answer")
    assert stage.progress[0].state == ChunkProgress.ACCEPTED
    assert (stage.progress[0].time_stretch > 1.01) == slowed
    assert not stage.progress[0].rails_bound


def test_a_planner_that_fails_unexpectedly_is_reported(
    stage: Stage, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node died of it, and the policy side waited for an answer until its time-out."""
    stage.serve()
    both_nodes(stage)
    monkeypatch.setattr(PlanningJob, "run", lambda _: 1 / 0)
    aborted(stage, stage.goal(), PolicyStatus.ARM_REJECTED, "ZeroDivisionError")
    assert stage.progress[-1].cause == ChunkProgress.INTERNAL_ERROR
    assert never_moved(stage)
    assert "Traceback" in capfd.readouterr().err


def test_progress_in_an_unknown_state_is_ignored(stage: Stage) -> None:
    """The node died of a state that is not in the message."""
    stage.serve(delay_s=0.3)
    both_nodes(stage)
    publisher = stage.node.create_publisher(ChunkProgress, "chunk_progress", 10)
    handle = play_one(stage)
    publisher.publish(ChunkProgress(session_id=stage.chunks[-1].session_id, state=0))
    publisher.publish(ChunkProgress(session_id=stage.chunks[-1].session_id, state=200))
    count = len(stage.chunks)
    stage.wait_until(lambda: len(stage.chunks) > count, "the next chunk")
    stage.judge(True)
    assert stage.result(handle).outcome == Result.SUCCEEDED


# Goals and judges.


def test_a_second_goal_while_one_runs(stage: Stage) -> None:
    stage.serve()
    both_nodes(stage)
    first = play_one(stage)
    assert "cancel it, or wait for its end" in stage.refused_goal("another")
    count = len(stage.chunks)
    stage.wait_until(lambda: len(stage.chunks) > count, "the first to go on")
    assert len({message.session_id for message in stage.chunks}) == 1
    stage.judge(True)
    assert stage.result(first).outcome == Result.SUCCEEDED


def test_of_goals_at_the_same_moment_one_is_taken(stage: Stage) -> None:
    """Both were executed, and the second's failure took the first one's result with it."""
    stage.serve()
    both_nodes(stage)
    stage.wait_until(stage._client.server_is_ready, "the action server")
    futures = [stage._client.send_goal_async(ExecuteTask.Goal(prompt=str(i))) for i in range(5)]
    handles = [stage.wait_for(future, "an answer") for future in futures]
    stage.wait_until(lambda: stage.chunks, "a chunk")
    stage.judge(True)
    causes = sorted(stage.result(handle).cause for handle in handles)
    assert causes == [PolicyStatus.TASK_SUCCESS, *[Cause.GOAL_REFUSED] * 4]
    stage.begin_goal()


@pytest.mark.parametrize(
    "goal", [{"mode": 7}, {"time_limit_s": -1.0}, {"time_limit_s": float("nan")}], ids=str
)
def test_goals_that_make_no_sense(
    stage: Stage, capfd: pytest.CaptureFixture[str], goal: dict[str, Any]
) -> None:
    stage.wait_until_active(stage.add_policy())
    reason = stage.refused_goal(**goal)
    assert next(iter(goal)) in reason
    assert reason in capfd.readouterr().err


def test_the_judge_ends_a_playing_episode(stage: Stage) -> None:
    stage.serve(ScriptedPolicy(actions(rows=40, down=0.1, gripper=1.0)))
    both_nodes(stage)
    handle = play_one(stage)
    stage.judge(False)
    stage.judge(True)
    result = stage.result(handle)
    assert (result.outcome, result.cause) == (Result.SUCCEEDED, PolicyStatus.TASK_SUCCESS)
    stage.wait_until(lambda: len(stage.arm_trajectories) == 2, "the stop")
    comes_to_rest(stage)
    assert result.steps < 40
    assert result.chunks == 1


def test_a_goal_right_after_a_cancelled_motion_waits_for_the_arm(stage: Stage) -> None:
    """The next episode's first chunk was rejected: the arm was still coming to rest."""
    stage.serve(ScriptedPolicy(actions(rows=40, down=0.1)))
    both_nodes(stage)
    for _ in range(3):
        stage.progress.clear()
        handle = play_one(stage)
        stage.wait_for(handle.cancel_goal_async(), "the answer to the cancel")
        assert stage.result(handle).outcome == Result.CANCELLED
        assert ChunkProgress.REJECTED not in {message.state for message in stage.progress}


def test_deactivating_policy_node_ends_the_episode(stage: Stage) -> None:
    stage.serve(ScriptedPolicy(actions(rows=40, down=0.1)))
    both_nodes(stage)
    (policy,) = (node for node in stage._under_test if node.get_name() == "policy_node")
    handle = play_one(stage)
    assert policy.trigger_deactivate() is TransitionCallbackReturn.SUCCESS
    aborted(stage, handle, PolicyStatus.DEACTIVATED)
    comes_to_rest(stage)
    assert policy.trigger_activate() is TransitionCallbackReturn.SUCCESS
    stage.begin_goal()

# SPDX-License-Identifier: Apache-2.0
"""Nodes come up, go down and come up again; what is asked at the wrong time is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lifecycle_msgs.msg import State as LifecycleState
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.lifecycle import TransitionCallbackReturn
from scipy.interpolate import CubicSpline
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger

from vera_ros.nodes.common.conversions import LATCHED, duration_to_seconds, stamp_to_ns
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.reference_server import ReferenceServer
from vera_ros.nodes.sim_node import SimNode
from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus
from vera_ros_interfaces.srv import ResetScene

from .stage import (
    LONG,
    START_Q,
    Stage,
    chunk,
    configure_and_activate,
    control_of,
    measured_by,
    urdf,
)

FAILURE = TransitionCallbackReturn.FAILURE
SUCCESS = TransitionCallbackReturn.SUCCESS


def make_ik(stage: Stage, **parameters: Any) -> VeraNode:
    return stage.add_ik(**parameters)


def make_policy(stage: Stage, **parameters: Any) -> VeraNode:
    return stage.add_policy(**parameters)


def make_sim(stage: Stage, **parameters: Any) -> VeraNode:
    return stage.add(SimNode, **{"image_size": 16, "multisamples": 0, **parameters})


def make_server(stage: Stage, **parameters: Any) -> VeraNode:
    return stage.add(ReferenceServer, **{"port": stage.port, **parameters})


MAKERS: tuple[Callable[..., VeraNode], ...] = (make_ik, make_policy, make_sim, make_server)
every_node = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


def entities(node: VeraNode) -> dict[str, int]:
    """How many of each kind the node has."""
    kinds = ("publishers", "subscriptions", "clients", "services", "timers", "guards", "waitables")
    return {kind: len(list(getattr(node, kind))) for kind in kinds}


# Up and down.


@every_node
def test_autostart_brings_a_node_up(stage: Stage, make: Callable[..., VeraNode]) -> None:
    stage.wait_until_active(make(stage))


@every_node
def test_without_autostart_a_manager_takes_the_steps(
    stage: Stage, make: Callable[..., VeraNode]
) -> None:
    node = make(stage, autostart=False)
    name = node.get_name()
    for transition, state in (
        (Transition.TRANSITION_CONFIGURE, LifecycleState.PRIMARY_STATE_INACTIVE),
        (Transition.TRANSITION_ACTIVATE, LifecycleState.PRIMARY_STATE_ACTIVE),
        (Transition.TRANSITION_DEACTIVATE, LifecycleState.PRIMARY_STATE_INACTIVE),
        (Transition.TRANSITION_CLEANUP, LifecycleState.PRIMARY_STATE_UNCONFIGURED),
        (Transition.TRANSITION_CONFIGURE, LifecycleState.PRIMARY_STATE_INACTIVE),
        (Transition.TRANSITION_ACTIVATE, LifecycleState.PRIMARY_STATE_ACTIVE),
        (Transition.TRANSITION_ACTIVE_SHUTDOWN, LifecycleState.PRIMARY_STATE_FINALIZED),
    ):
        request = ChangeState.Request(transition=Transition(id=transition))
        assert stage.call(ChangeState, f"{name}/change_state", request).success
        assert stage.call(GetState, f"{name}/get_state").current_state.id == state
        assert node.active == (state == LifecycleState.PRIMARY_STATE_ACTIVE)


@every_node
def test_a_cleanup_leaves_nothing_behind(stage: Stage, make: Callable[..., VeraNode]) -> None:
    node = make(stage, autostart=False)
    before = entities(node)
    for _ in range(2):
        configure_and_activate(node)
        assert entities(node) != before or isinstance(node, ReferenceServer)
        assert node.trigger_deactivate() is SUCCESS
        assert node.trigger_cleanup() is SUCCESS
        assert entities(node) == before


@pytest.mark.parametrize(
    ("make", "parameters", "words"),
    [
        (make_policy, {"view_topics": ["one"]}, "one topic for each"),
        (make_policy, {"ping_timeout_s": 9.0}, "ping_timeout_s is 9 and infer_timeout_s 600"),
        (make_ik, {"response_model": "nowhere.yaml"}, "nowhere.yaml"),
        (make_ik, {"limits": "nowhere.yaml"}, "nowhere.yaml"),
        (make_ik, {"effort_limits": [1.0]}, "effort_limits"),
        (make_server, {"host": "203.0.113.7"}, "203.0.113.7"),
    ],
)
def test_a_set_up_that_fails_half_way_leaves_nothing_behind(
    stage: Stage,
    capfd: pytest.CaptureFixture[str],
    make: Callable[..., VeraNode],
    parameters: dict[str, Any],
    words: str,
) -> None:
    """Publishers piled up, a later cleanup raised, and rclpy kept unexpected errors to itself."""
    node = make(stage, autostart=False, **parameters)
    before = entities(node)
    for _ in range(2):
        assert node.trigger_configure() is FAILURE
        assert words in str(node.fault)
        assert entities(node) == before
        assert words in capfd.readouterr().err


def test_ik_node_waits_for_the_robots_description(stage: Stage) -> None:
    node = stage.add_ik(robot_description="", autostart=False)
    assert node.trigger_configure() is FAILURE
    publisher = stage.node.create_publisher(String, "robot_description", LATCHED)
    publisher.publish(String(data=urdf()))
    stage.wait_until(lambda: not node.waiting_for(), "the description")
    configure_and_activate(node)


# Nothing happens unless active.


def test_goals_are_refused_unless_active(stage: Stage) -> None:
    stage.serve()
    node = stage.add_policy(autostart=False)
    assert node.trigger_configure() is SUCCESS
    assert "activate it first" in stage.refused_goal()
    assert node.trigger_activate() is SUCCESS
    handle = stage.goal()
    assert node.trigger_deactivate() is SUCCESS
    assert stage.result(handle).cause == PolicyStatus.DEACTIVATED
    assert "activate it first" in stage.refused_goal()


def test_chunks_and_moves_are_refused_unless_active(stage: Stage) -> None:
    ik = stage.add_ik(autostart=False)
    assert ik.trigger_configure() is SUCCESS
    stage.wait_until(lambda: measured_by(ik), "joint states")
    stage.wait_until(lambda: stage.chunk_publisher.get_subscription_count() >= 2, "discovery")
    stage.wait_until(lambda: stage.node.count_publishers("chunk_progress"), "discovery")
    stage.chunk_publisher.publish(chunk())
    stage.wait_until(lambda: stage.progress, "an answer")
    assert stage.progress[0].state == ChunkProgress.REJECTED
    assert stage.progress[0].cause == ChunkProgress.NOT_ACTIVE
    answer = stage.call(Trigger, "move_to_start")
    assert not answer.success
    assert "not active" in answer.message
    assert stage.arm_trajectories == []


def test_a_scene_is_not_reset_unless_active(stage: Stage) -> None:
    node = make_sim(stage, autostart=False)
    assert node.trigger_configure() is SUCCESS
    answer = stage.call(ResetScene, "reset_scene", ResetScene.Request(seed=1))
    assert not answer.success
    assert "not active" in answer.message


# The end of a motion.


def test_deactivating_ik_node_while_it_plays_stops_smoothly(playing: Stage) -> None:
    (ik,) = (node for node in playing._under_test if node.get_name() == "ik_node")
    assert ik.trigger_deactivate() is SUCCESS
    playing.wait_until(lambda: len(playing.arm_trajectories) == 2, "the stop")
    playing.ends_smoothly()
    playing.wait_until(
        lambda: playing.progress[-1].state == ChunkProgress.ABORTED, "the chunk's end"
    )
    assert playing.progress[-1].cause == ChunkProgress.STOPPED
    assert ik.trigger_activate() is SUCCESS
    playing.chunk_publisher.publish(chunk(sequence=1))
    playing.wait_until(lambda: len(playing.arm_trajectories) == 3, "the next chunk")


def test_the_stop_service_stops_smoothly_and_is_harmless_at_rest(playing: Stage) -> None:
    assert "has come to rest" in playing.call(Trigger, "stop").message
    assert len(playing.arm_trajectories) == 2
    playing.ends_smoothly()
    answer = playing.call(Trigger, "stop")
    assert answer.success
    assert "not moving" in answer.message
    assert len(playing.arm_trajectories) == 2


def test_another_episodes_chunk_is_refused_and_the_first_goes_on(playing: Stage) -> None:
    playing.chunk_publisher.publish(chunk(session_id="another", sequence=1))
    playing.wait_until(lambda: any(m.sequence == 1 for m in playing.progress), "an answer")
    (answer,) = (m for m in playing.progress if m.sequence == 1)
    assert (answer.state, answer.cause) == (ChunkProgress.REJECTED, ChunkProgress.BUSY)
    playing.wait_until(lambda: playing.progress[-1].state == ChunkProgress.FINISHED, "the end")
    assert playing.progress[-1].steps_played == LONG
    assert len(playing.arm_trajectories) == 1


def test_the_next_chunk_takes_over_in_motion(playing: Stage) -> None:
    playing.wait_until(lambda: playing.progress[-1].steps_played > 0, "a step")
    playing.chunk_publisher.publish(chunk(sequence=1))
    playing.wait_until(lambda: playing.progress[-1].state == ChunkProgress.FINISHED, "the end")
    states = [(m.sequence, m.state) for m in playing.progress if m.state != ChunkProgress.PLAYING]
    assert states == [
        (0, ChunkProgress.ACCEPTED),
        (0, ChunkProgress.SUPERSEDED),
        (1, ChunkProgress.ACCEPTED),
        (1, ChunkProgress.FINISHED),
    ]
    first, second = playing.arm_trajectories
    later_s = stamp_to_ns(second.header.stamp) * 1e-9 - stamp_to_ns(first.header.stamp) * 1e-9
    assert later_s >= 0
    # What is sent repeats the running plan until it hands over, and goes on from there.
    running, following = (
        CubicSpline(
            [p.time_from_start.sec + p.time_from_start.nanosec * 1e-9 for p in t.points],
            [p.positions for p in t.points],
        )
        for t in (first, second)
    )
    for ahead_s in (0.02, 0.03, 0.045):
        np.testing.assert_allclose(following(ahead_s), running(later_s + ahead_s), atol=1e-4)


def test_silent_joint_states_stop_the_arm(playing: Stage) -> None:
    playing.joints = False
    playing.wait_until(lambda: len(playing.arm_trajectories) == 2, "the stop")
    playing.ends_smoothly()
    playing.wait_until(lambda: playing.progress[-1].state == ChunkProgress.ABORTED, "its report")
    assert playing.progress[-1].cause == ChunkProgress.NO_JOINT_STATES


def test_an_arm_that_pushes_against_something_is_stopped(playing: Stage) -> None:
    def pushing(message: JointState) -> JointState:
        message.effort = [200.0 if name == "panda_joint2" else 0.0 for name in message.name]
        return message

    playing.joint_message = pushing
    playing.wait_until(lambda: len(playing.arm_trajectories) == 2, "the stop")
    playing.ends_smoothly()
    playing.wait_until(lambda: playing.progress[-1].state == ChunkProgress.ABORTED, "its report")
    assert playing.progress[-1].cause == ChunkProgress.CONTACT
    assert "panda_joint2" in playing.progress[-1].message


def shaken(message: JointState) -> JointState:
    """Of a real arm, no two measurements are the same."""
    message.position = [q + 1e-7 * (message.header.stamp.nanosec % 97) for q in message.position]
    return message


def test_an_arm_that_does_not_follow_is_stopped(playing: Stage) -> None:
    playing._arm.hold(START_Q)
    playing._follow = lambda follower, message: None  # type: ignore[method-assign]
    playing.joint_message = shaken
    playing.wait_until(lambda: len(playing.arm_trajectories) == 2, "the stop")
    playing.wait_until(lambda: playing.progress[-1].state == ChunkProgress.ABORTED, "its report")
    assert playing.progress[-1].cause == ChunkProgress.TRACKING_ERROR


def test_move_to_start_answers_when_there_or_when_stopped(stage: Stage) -> None:
    """While the service waited, nothing else of the node ran: no monitor, no stop, no end."""
    ik = stage.add_ik(start_speed=0.5, start_posture=(START_Q + 0.2).tolist())
    stage.wait_until_active(ik)
    stage.wait_until(lambda: ik._sense().fault is None, "discovery")
    answer = stage.call(Trigger, "move_to_start")
    assert answer.success, answer.message
    np.testing.assert_allclose(stage.q(), START_Q + 0.2, atol=1e-3)
    stage._arm.hold(START_Q)
    stage.wait_until(
        lambda: (measured := measured_by(ik)) is not None and np.allclose(measured.q, START_Q),
        "the arm to be back",
    )
    client = stage.node.create_client(Trigger, "move_to_start")
    stage.wait_until(client.service_is_ready, "the service")
    move = client.call_async(Trigger.Request())
    stage.wait_until(lambda: len(stage.arm_trajectories) == 2, "the move")
    stage.call(Trigger, "stop")
    answer = stage.wait_for(move, "the answer")
    assert not answer.success
    assert "stop" in answer.message


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_speed_scale_slows_a_move_to_start(stage: Stage, scale: float) -> None:
    goal = START_Q + 0.1
    ik = stage.add_ready_ik(start_speed=0.3, speed_scale=scale, start_posture=goal.tolist())
    answer = stage.call(Trigger, "move_to_start")
    assert answer.success, answer.message
    planned = control_of(ik).supervisor._dispatcher._planner.plan_move(START_Q, goal, 0.3 * scale)
    last = stage.arm_trajectories[0].points[-1].time_from_start
    assert duration_to_seconds(last) == pytest.approx(planned.duration_s, rel=1e-3)

# SPDX-License-Identifier: Apache-2.0
"""Hold and release: at once, latched, in every state of the node."""

from collections.abc import Callable

import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from std_msgs.msg import Empty
from std_srvs.srv import Trigger

from vera_ros.nodes.ik_node import IkNode
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress, PolicyStatus

from .stage import START_Q, Stage, chunk

SUCCESS = TransitionCallbackReturn.SUCCESS


def by_service(stage: Stage) -> None:
    assert stage.call(Trigger, "hold").success


def by_topic(stage: Stage) -> None:
    publisher = stage.node.create_publisher(Empty, "hold", 10)
    stage.wait_until(publisher.get_subscription_count, "ik_node on the topic")
    publisher.publish(Empty())
    is_held(stage)


either_way = pytest.mark.parametrize("hold", [by_service, by_topic])


def is_held(stage: Stage) -> None:
    stage.wait_until(lambda: stage.arm_status and stage.arm_status[-1].held, "the hold")


def ik_of(stage: Stage) -> IkNode:
    (ik,) = (node for node in stage._under_test if isinstance(node, IkNode))
    return ik


def is_refused(stage: Stage, sequence: int) -> None:
    """A chunk is refused because of the hold, and nothing moves."""
    sent = len(stage.arm_trajectories)
    stage.chunk_publisher.publish(chunk(session_id="next", sequence=sequence))
    stage.wait_until(lambda: stage.progress_of(sequence), "an answer")
    answer = stage.progress_of(sequence)[-1]
    assert (answer.state, answer.cause) == (ChunkProgress.REJECTED, ChunkProgress.HELD)
    assert "release" in answer.message
    assert len(stage.arm_trajectories) == sent


@either_way
def test_a_hold_stops_a_playing_chunk_and_lasts_until_released(
    playing: Stage, hold: Callable[[Stage], None]
) -> None:
    hold(playing)
    playing.wait_until(lambda: len(playing.arm_trajectories) == 2, "the stop")
    playing.ends_smoothly()
    playing.wait_until(lambda: playing.progress[-1].state == ChunkProgress.ABORTED, "its report")
    assert playing.progress[-1].cause == ChunkProgress.HELD
    is_refused(playing, 1)
    assert not playing.call(Trigger, "move_to_start").success
    playing.wait_until(lambda: playing.arm_status[-1].state == ArmStatus.HELD, "the state")
    assert playing.arm_status[-1].cause == ChunkProgress.HELD
    assert playing.call(Trigger, "release").success
    assert len(playing.arm_trajectories) == 2  # nothing moves because of it
    playing.chunk_publisher.publish(chunk(session_id="next", sequence=2))
    playing.wait_until(lambda: len(playing.arm_trajectories) == 3, "the next chunk")


def test_a_hold_stops_a_move_to_start(stage: Stage) -> None:
    stage.add_ready_ik(start_posture=[0.3, 0.2, 0.0, -2.4, 0.0, 2.6, 0.7])
    client = stage.node.create_client(Trigger, "move_to_start")
    stage.wait_until(client.service_is_ready, "the service")
    move = client.call_async(Trigger.Request())
    stage.wait_until(lambda: stage.arm_trajectories, "the move")
    assert stage.call(Trigger, "hold").success
    answer = stage.wait_for(move, "move_to_start to answer")
    assert not answer.success
    assert "hold" in answer.message
    stage.ends_smoothly()


@pytest.mark.parametrize("node", ["ik_node/", ""], ids=["own name", "earlier name"])
def test_a_hold_at_rest_latches_and_a_release_without_one_says_so(stage: Stage, node: str) -> None:
    stage.add_ready_ik()
    assert "not held" in stage.call(Trigger, f"{node}release").message
    assert "not moving" in stage.call(Trigger, f"{node}hold").message
    is_refused(stage, 0)
    assert "released" in stage.call(Trigger, f"{node}release").message
    assert "not held" in stage.call(Trigger, f"{node}release").message


def test_a_hold_works_and_lasts_in_every_state_of_the_node(stage: Stage) -> None:
    ik = stage.add_ik(autostart=False)
    answer = stage.call(Trigger, "hold")
    assert not answer.success
    assert "not configured" in answer.message
    assert "release" in answer.message
    is_held(stage)
    assert ik.trigger_configure() is SUCCESS
    assert ik.trigger_activate() is SUCCESS
    stage.wait_for_exchange()
    is_refused(stage, 0)
    assert ik.trigger_deactivate() is SUCCESS
    assert ik.trigger_cleanup() is SUCCESS
    assert stage.call(Trigger, "release").success
    stage.call(Trigger, "hold")
    assert ik.trigger_configure() is SUCCESS
    assert ik.trigger_activate() is SUCCESS
    is_refused(stage, 1)


def test_a_hold_of_an_arm_that_nobody_sees_says_so(stage: Stage) -> None:
    stage.add_ready_ik(joint_state_timeout_s=0.5)
    stage.joints = False
    stage.wait_until(lambda: stage.arm_status[-1].state == ArmStatus.FAULT, "the fault")
    for service in ("stop", "hold"):
        answer = stage.call(Trigger, service)
        assert not answer.success
        assert "not known" in answer.message
    is_held(stage)


TRANSITIONS = [
    ("deactivate",),
    ("deactivate", "cleanup"),
    ("shutdown",),
    ("deactivate", "shutdown"),
]
every_way_down = pytest.mark.parametrize("transitions", TRANSITIONS, ids="-".join)


@pytest.mark.parametrize("held", [False, True], ids=["playing", "held"])
@every_way_down
def test_every_transition_stops_the_arm_first(
    playing: Stage, transitions: tuple[str, ...], held: bool
) -> None:
    ik = ik_of(playing)
    if held:
        playing.call(Trigger, "hold")
    for transition in transitions:
        assert getattr(ik, f"trigger_{transition}")() is SUCCESS
    playing.wait_until(lambda: len(playing.arm_trajectories) == 2, "the stop")
    playing.ends_smoothly()
    playing.wait_until(
        lambda: playing.arm_status[-1].state == ArmStatus.INACTIVE, "the node to say so"
    )
    assert playing.arm_status[-1].held == held
    ends = [m.cause for m in playing.progress if m.state == ChunkProgress.ABORTED]
    assert ends == [ChunkProgress.HELD if held else ChunkProgress.STOPPED]


@every_way_down
def test_a_hold_that_stops_the_arm_outlasts_every_transition(
    playing: Stage, transitions: tuple[str, ...]
) -> None:
    """The node goes down while the arm is still coming to rest."""
    ik = ik_of(playing)
    hold = playing.node.create_client(Trigger, "hold")
    playing.wait_until(hold.service_is_ready, "the service")
    answer = hold.call_async(Trigger.Request())
    is_held(playing)
    for transition in transitions:
        assert getattr(ik, f"trigger_{transition}")() is SUCCESS
    said = playing.wait_for(answer, "the answer")
    assert not said.success  # it is not at rest yet, and nobody looks any more
    assert "deactivated" in said.message
    playing.ends_smoothly()
    assert len(playing.arm_trajectories) == 2
    playing.wait_until(
        lambda: playing.arm_status[-1].state == ArmStatus.INACTIVE, "the node to say so"
    )
    assert playing.arm_status[-1].held


@every_way_down
def test_a_chunk_that_awaits_approval_is_let_go_with_every_transition(
    stage: Stage, transitions: tuple[str, ...]
) -> None:
    ik = stage.add_ready_ik(approval=True)
    stage.chunk_publisher.publish(chunk())
    stage.wait_until(lambda: stage.progress_of(0), "the chunk to wait")
    assert stage.progress_of(0)[0].state == ChunkProgress.AWAITING_APPROVAL
    for transition in transitions:
        assert getattr(ik, f"trigger_{transition}")() is SUCCESS
    stage.wait_until(lambda: len(stage.progress_of(0)) == 2, "its end")
    answer = stage.progress_of(0)[1]
    assert (answer.state, answer.cause) == (ChunkProgress.REJECTED, ChunkProgress.NOT_APPROVED)
    assert not stage.arm_trajectories


def test_a_hold_ends_a_running_goal_and_the_next_goal_waits_for_the_release(stage: Stage) -> None:
    stage.serve()
    stage.add_ready_ik()
    policy = stage.add_policy()
    stage.wait_until_active(policy)
    stage.wait_until(lambda: policy._arm_watch._newest, "arm_status")
    handle = stage.goal()
    stage.wait_until(
        lambda: any(m.state == ChunkProgress.PLAYING for m in stage.progress), "a step"
    )
    stage.call(Trigger, "hold")
    assert stage.result(handle).cause == PolicyStatus.HELD
    assert "call release first" in stage.refused_goal()
    stage.call(Trigger, "release")
    stage.wait_until(lambda: not policy._arm_watch.held, "the release")
    stage.begin_goal()


@every_way_down
@pytest.mark.parametrize("service", ["stop", "move_to_start"])
def test_whoever_waits_when_the_node_goes_down_is_answered(
    stage: Stage, transitions: tuple[str, ...], service: str
) -> None:
    ik = stage.add_ready_ik(start_posture=(START_Q + 0.2).tolist())
    if service == "stop":
        stage.play_long()
    sent = len(stage.arm_trajectories)
    client = stage.node.create_client(Trigger, service)
    stage.wait_until(client.service_is_ready, "the service")
    answer = client.call_async(Trigger.Request())
    stage.wait_until(lambda: len(stage.arm_trajectories) > sent, "the arm to be told")
    for transition in transitions:
        assert getattr(ik, f"trigger_{transition}")() is SUCCESS
    said = stage.wait_for(answer, "the answer")
    assert not said.success
    assert "the node is being" in said.message


@pytest.mark.parametrize("service", ["stop", "move_to_start", "approve"])
def test_what_is_not_configured_says_so(stage: Stage, service: str) -> None:
    stage.add_ik(autostart=False)
    answer = stage.call(Trigger, service)
    assert not answer.success
    assert "not configured" in answer.message

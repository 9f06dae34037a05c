# SPDX-License-Identifier: Apache-2.0
"""Chunks are for one arm, and an ik_node that is not alone moves nothing."""

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.common.conversions import LATCHED
from vera_ros.nodes.ik.sensing import rivals
from vera_ros.nodes.ik_node import IkNode
from vera_ros.nodes.policy.rivals import find_doubles
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress, PolicyStatus

from ...stage import Stage, chunk, configure_and_activate, control_of


def identity_of(ik: IkNode) -> str:
    return ik._identity


def says_so(stage: Stage, ik: IkNode) -> None:
    """Its status is that it is not alone."""
    fault = (identity_of(ik), ArmStatus.FAULT, ChunkProgress.WRONG_ARM)
    stage.wait_until(
        lambda: fault in ((s.arm, s.state, s.cause) for s in stage.arm_status), "the fault"
    )


def test_a_chunk_for_this_arm_is_played_and_one_for_another_arm_is_nobodys_business(
    stage: Stage,
) -> None:
    ik = stage.add_ready_ik()
    stage.wait_until(lambda: stage.arm_status, "arm_status")
    assert stage.arm_status[-1].arm == identity_of(ik)
    stage.chunk_publisher.publish(chunk(arm="/other/ik_node on mars, process 1, 0", sequence=7))
    for_others = "chunks_for_other_arms"
    stage.wait_until(lambda: ik.health().parts["chunks"].values[for_others] == 1, "the chunk")
    stage.chunk_publisher.publish(chunk(arm=identity_of(ik), sequence=8))
    stage.wait_until(lambda: stage.progress_of(8), "the answer")
    assert stage.progress_of(8)[0].state == ChunkProgress.ACCEPTED
    assert stage.progress_of(7) == []
    assert len(stage.arm_trajectories) == 1


def test_policy_node_says_for_which_arm_a_chunk_is(stage: Stage) -> None:
    stage.serve()
    ik = stage.add_ready_ik()
    policy = stage.add_policy()
    stage.wait_until_active(policy)
    stage.wait_until(lambda: policy._arm_watch._newest, "arm_status")
    handle = stage.goal()
    stage.wait_until(lambda: stage.chunks, "a chunk")
    assert stage.chunks[0].arm == identity_of(ik)
    assert stage.wait_for(handle.cancel_goal_async(), "the answer to the cancellation")
    assert stage.result(handle).cause == PolicyStatus.CANCEL_REQUESTED


@pytest.mark.parametrize("named", [True, False], ids=["for one of them", "for nobody"])
def test_two_ik_nodes_are_named_and_neither_moves_until_one_is_gone(
    stage: Stage, named: bool
) -> None:
    one = stage.add_ready_ik()
    stage.play_long()
    other = stage.add_ik(autostart=False)  # its set-up would keep the stop from the controller
    stage.wait_until(lambda: len(stage.arm_trajectories) == 2, "the stop")
    stage.ends_smoothly()
    stage.wait_until(lambda: stage.progress[-1].state == ChunkProgress.ABORTED, "its report")
    assert stage.progress[-1].cause == ChunkProgress.WRONG_ARM
    configure_and_activate(other)
    both = (identity_of(one), identity_of(other))
    for ik in (one, other):
        says_so(stage, ik)
        health = ik.health()
        assert health.level == DiagnosticStatus.ERROR
        assert all(identity in health.message for identity in both)
        assert "namespace" in health.message
    arm = both[0] if named else ""
    stage.chunk_publisher.publish(chunk(session_id="next", sequence=5, arm=arm))
    expected = 1 if named else 2  # who is not meant says nothing
    stage.wait_until(lambda: len(stage.progress_of(5)) == expected, "the answers")
    for answer in stage.progress_of(5):
        assert (answer.state, answer.cause) == (ChunkProgress.REJECTED, ChunkProgress.WRONG_ARM)
        assert all(identity in answer.message for identity in both)
    assert not stage.call(Trigger, "move_to_start").success
    assert len(stage.arm_trajectories) == 2
    stage.remove(other)
    stage.wait_until(lambda: one._sense().fault is None, "the other one to be forgotten")
    stage.chunk_publisher.publish(chunk(session_id="next", sequence=6))
    stage.wait_until(lambda: len(stage.arm_trajectories) == 3, "the chunk")


def test_stop_hold_and_release_reach_every_ik_node_of_that_name(stage: Stage) -> None:
    nodes = stage.add_ready_ik(), stage.add_ik()
    stage.wait_until_active(*nodes)
    stage.wait_until(lambda: all(ik._rivals.fault() for ik in nodes), "both to hear each other")
    stage.call(Trigger, "hold")
    stage.wait_until(lambda: all(ik._hold.held for ik in nodes), "both to be held")
    stage.call(Trigger, "release")
    stage.wait_until(lambda: not any(ik._hold.held for ik in nodes), "both to be released")


def test_another_publisher_of_trajectories_is_named_and_stops_the_arm(playing: Stage) -> None:
    (ik,) = (node for node in playing._under_test if isinstance(node, IkNode))
    rival = playing.node.create_publisher(JointTrajectory, "arm_controller/joint_trajectory", 1)
    playing.wait_until(lambda: len(playing.arm_trajectories) == 2, "the stop")
    playing.ends_smoothly()
    playing.wait_until(lambda: playing.progress[-1].state == ChunkProgress.ABORTED, "its report")
    assert playing.progress[-1].cause == ChunkProgress.SECOND_PUBLISHER
    assert "/stage may publish" in ik.health().message
    playing.node.destroy_publisher(rival)
    playing.wait_until(lambda: ik._sense().fault is None, "it to be alone")


@pytest.mark.parametrize("gripper", [False, True], ids=["arm", "gripper"])
@pytest.mark.parametrize("by_action", [False, True], ids=["topic", "action"])
def test_whoever_can_command_a_controller_stops_motion_unless_allowed(
    stage: Stage, by_action: bool, gripper: bool
) -> None:
    part = "gripper" if gripper else "arm"
    topic = f"{part}_controller/joint_trajectory"
    action = "gripper_cmd" if gripper else "follow_joint_trajectory"
    service = f"{part}_controller/{action}/_action/send_goal"
    what = "send goals to" if by_action else "publish"
    ik = stage.add_ready_ik(allowed_publishers=["/teleop", "/move_group"])
    for name in ("teleop", "rogue"):
        node = stage.add_neighbour(name)
        if by_action:  # of any type: only the name is looked at
            node.create_client(Trigger, service)
        else:
            node.create_publisher(JointTrajectory, topic, 1)
    stage.wait_until(lambda: ik._sense().fault, "the fault")
    fault = ik._sense().fault
    assert fault is not None
    assert fault.cause == ChunkProgress.SECOND_PUBLISHER
    assert fault.message.startswith(f"/rogue may {what} /{part}_controller/")
    assert "allowed_publishers" in fault.message
    stage.chunk_publisher.publish(chunk())
    stage.wait_until(lambda: stage.progress_of(0), "the answer")
    assert stage.progress_of(0)[0].cause == ChunkProgress.SECOND_PUBLISHER


@pytest.mark.parametrize(
    "service",
    [
        "gripper_controller/follow_joint_trajectory/_action/send_goal",  # a JTC has it, too
        "arm_controller/follow_joint_trajectory/_action/cancel_goal",
    ],
)
def test_every_way_to_command_a_controller_counts(stage: Stage, service: str) -> None:
    ik = stage.add_ready_ik()
    stage.add_neighbour("rogue").create_client(Trigger, service)
    stage.wait_until(lambda: ik._sense().fault, "the fault")
    assert str(ik._sense().fault).startswith("/rogue may send goals to /")


def test_two_that_speak_for_the_robot_stop_motion(stage: Stage) -> None:
    """The second one's word would clear a fault that the driver has reported."""
    stage.node.create_publisher(String, "robot_fault", LATCHED)
    ik = stage.add_ready_ik()
    stage.add_neighbour("rogue").create_publisher(String, "robot_fault", LATCHED)
    stage.wait_until(lambda: ik._sense().fault, "the fault")
    fault = ik._sense().fault
    assert fault is not None
    assert fault.cause == ChunkProgress.SECOND_PUBLISHER
    assert fault.message.startswith("/rogue, /stage all publish /robot_fault")


def test_a_program_with_this_nodes_name_is_noticed_once_no_predecessor_can_be_meant(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ik = stage.add_ready_ik()
    impostor = stage.add_neighbour("ik_node")
    impostor.create_publisher(JointTrajectory, "arm_controller/joint_trajectory", 1)
    stage.wait_until(
        lambda: len(ik.get_publishers_info_by_topic("arm_controller/joint_trajectory")) == 2,
        "discovery",
    )
    assert ik._sense().fault is None
    monkeypatch.setattr(rivals, "_LEASE_S", 0.0)
    stage.wait_until(lambda: ik._sense().fault, "the fault")
    assert "another program that is called /ik_node" in str(ik._sense().fault)


def test_without_a_gripper_its_topics_are_anybodys(stage: Stage) -> None:
    ik = stage.add_ready_ik(gripper_joint="")
    assert len(ik._rivals._writers._topics) == 1
    neighbour = stage.add_neighbour("other_arm")
    neighbour.create_publisher(JointTrajectory, "gripper_controller/joint_trajectory", 1)
    stage.wait_until(
        lambda: stage.node.count_publishers("gripper_controller/joint_trajectory"), "discovery"
    )
    stage.chunk_publisher.publish(chunk())
    stage.wait_until(lambda: stage.progress_of(0), "the answer")
    assert stage.progress_of(0)[0].state == ChunkProgress.ACCEPTED


def test_in_a_dry_run_others_may_move_the_arm(stage: Stage) -> None:
    stage.node.create_publisher(JointTrajectory, "arm_controller/joint_trajectory", 1)
    stage.add_ready_ik(dry_run=True)
    stage.chunk_publisher.publish(chunk())
    stage.wait_until(lambda: stage.progress_of(0), "the answer")
    assert stage.progress_of(0)[0].state == ChunkProgress.ACCEPTED


def test_an_arm_that_moves_by_a_rival_can_be_stopped(stage: Stage) -> None:
    """What refuses motion does not keep a stop from braking."""
    ik = stage.add_ready_ik()
    stage.play_long()
    stop_by = stage.arm_trajectories[-1]
    stage.call(Trigger, "stop")
    sent = len(stage.arm_trajectories)
    rival = stage.node.create_publisher(JointTrajectory, "arm_controller/joint_trajectory", 1)
    stage.wait_until(lambda: ik._rivals.fault(), "the rival to be seen")
    stop_by.header.stamp.sec = stop_by.header.stamp.nanosec = 0
    stage.wait_until(rival.get_subscription_count, "the arm")
    moved = [[p + d for p, d in zip(stage.q(), (0.5, 0, 0, 0, 0, 0, 0), strict=True)]]
    stop_by.points = stop_by.points[-1:]
    stop_by.points[0].positions = moved[0]
    rival.publish(stop_by)
    stage.wait_until(
        lambda: control_of(ik).supervisor.stops.moves(ik._sense()),
        "motion",
    )
    stage.call(Trigger, "stop")
    assert len(stage.arm_trajectories) == sent + 2  # the rival's and the brake


def test_two_ik_nodes_end_a_goal_and_the_next_one_is_refused(stage: Stage) -> None:
    stage.serve()
    stage.add_ready_ik()
    policy = stage.add_policy()
    stage.wait_until_active(policy)
    handle = stage.goal()
    stage.wait_until(
        lambda: any(m.state == ChunkProgress.PLAYING for m in stage.progress), "a step"
    )
    other = stage.add_ik()
    result = stage.result(handle)
    # Whichever side notices first.
    assert result.cause in (PolicyStatus.ARM_REJECTED, PolicyStatus.ARM_ABORTED)
    assert "2 ik_nodes" in result.message
    stage.wait_until(policy._arm_watch.double, "the double")
    assert "2 ik_nodes" in stage.refused_goal()
    assert policy.health().level == DiagnosticStatus.ERROR
    stage.remove(other)
    stage.wait_until(lambda: not policy._arm_watch.double(), "one to be alone")
    stage.begin_goal()


def test_two_policy_nodes_take_no_goal(stage: Stage) -> None:
    stage.serve()
    stage.add_ready_ik()
    nodes = stage.add_policy(), stage.add_policy()
    stage.wait_until_active(*nodes)
    stage.wait_until(
        lambda: all(find_doubles(node, node._arm_watch) for node in nodes), "both to see each other"
    )
    assert "2 nodes publish policy_status" in stage.refused_goal()
    health = nodes[0].health()
    assert health.level == DiagnosticStatus.ERROR
    assert "2 nodes publish policy_status, /policy_node, /policy_node" in health.message
    stage.remove(nodes[1])
    stage.wait_until(lambda: not find_doubles(nodes[0], nodes[0]._arm_watch), "one to be alone")
    stage.begin_goal()

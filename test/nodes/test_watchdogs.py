# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong around ik_node, the arm stops smoothly, and every cause has its name."""

import time
from array import array

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from vera_ros.motion.chunk import Measured
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.nodes.common.conversions import ns_to_stamp
from vera_ros.nodes.ik_node import IkNode
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress

from .stage import START_Q, Stage, chunk, measured_by

P = ChunkProgress


def ends_with(stage: Stage, sequence: int, state: int, cause: int) -> ChunkProgress:
    """A chunk ends so, and arm_status says the same."""
    stage.wait_until(
        lambda: any(message.state == state for message in stage.progress_of(sequence)), "its end"
    )
    last = stage.progress_of(sequence)[-1]
    assert last.cause == cause, last.message
    assert last.message
    stage.wait_until(lambda: stage.arm_status[-1].cause == cause, "the status")
    return last


def measured_of(ik: IkNode) -> Measured:
    """What the node knows of the arm, which it does."""
    measured = measured_by(ik)
    assert measured is not None
    return measured


def test_joint_states_that_repeat_themselves_stop_the_arm(playing: Stage) -> None:
    stuck = array("d", playing.q())

    def repeated(message: JointState) -> JointState:
        message.position[:7] = stuck
        return message

    playing.joint_message = repeated
    ends_with(playing, 0, P.ABORTED, P.JOINTS_FROZEN)
    assert len(playing.arm_trajectories) == 2


def test_without_a_controller_nothing_is_taken_and_what_plays_is_given_up(playing: Stage) -> None:
    playing.remove_controller()
    said = ends_with(playing, 0, P.ABORTED, P.NO_CONTROLLER)
    assert "arm_controller/joint_trajectory" in said.message
    playing.chunk_publisher.publish(chunk(session_id="next", sequence=1))
    ends_with(playing, 1, P.REJECTED, P.NO_CONTROLLER)
    playing.wait_until(lambda: playing.arm_status[-1].state == ArmStatus.FAULT, "the fault")


def test_an_arm_that_somebody_else_moves_is_not_planned_for(stage: Stage) -> None:
    ik = stage.add_ready_ik()
    began_s = stage.now_s

    def moving(message: JointState) -> JointState:
        message.position[2] += 0.3 * (stage.now_s - began_s)
        message.velocity[2] = 0.3
        return message

    stage.joint_message = moving
    stage.wait_until(lambda: measured_of(ik).speed_rad_s > 0.2, "its speed")
    stage.chunk_publisher.publish(chunk())
    said = ends_with(stage, 0, P.REJECTED, P.NOT_AT_REST)
    assert "0.300 rad/s" in said.message
    assert not stage.arm_trajectories


def test_an_arm_that_goes_on_after_a_stop_is_braked_again_and_reported(playing: Stage) -> None:
    """Its controller does not take what it is sent any more."""
    began_s = playing.now_s

    def runaway(message: JointState) -> JointState:
        """It goes to and fro, or it would be beyond all braking on a slow machine."""
        there, time_s = divmod(playing.now_s - began_s, 2.0)
        forth = there % 2 == 0
        message.position[0] += 0.2 * (time_s if forth else 2.0 - time_s)
        message.velocity[0] += 0.2 if forth else -0.2
        return message

    playing._follow = lambda follower, message: None  # type: ignore[method-assign]
    playing.joint_message = runaway
    playing.wait_until(lambda: len(playing.arm_trajectories) >= 3, "a stop and another one")
    playing.wait_until(lambda: playing.arm_status[-1].cause == P.NOT_AT_REST, "the report")
    assert "although it was stopped" in playing.arm_status[-1].message


def test_an_arm_that_seems_to_have_jumped_is_moved_a_second_later(stage: Stage) -> None:
    """A bit of an encoder that is stuck looks as if the arm was re-homed."""
    stage.add_ready_ik()

    sent_s: list[float] = []

    def jumped(message: JointState) -> JointState:
        sent_s.append(time.monotonic())
        message.position[6] += 0.2
        return message

    stage.joint_message = jumped
    stage.wait_until(lambda: len(sent_s) > 4, "joint states elsewhere")
    stage.chunk_publisher.publish(chunk())
    stage.wait_until(lambda: stage.progress_of(0), "the answer")
    assert stage.progress_of(0)[0].state == P.ACCEPTED, stage.progress_of(0)[0].message
    assert time.monotonic() - sent_s[0] >= 1.0


def test_an_old_chunk_is_refused(stage: Stage) -> None:
    stage.add_ready_ik(chunk_max_age_s=5.0)
    old, new = chunk(sequence=0), chunk(sequence=1)
    now_ns = stage.node.get_clock().now().nanoseconds
    old.header.stamp, new.header.stamp = ns_to_stamp(now_ns - 6_000_000_000), ns_to_stamp(now_ns)
    stage.chunk_publisher.publish(old)
    ends_with(stage, 0, P.REJECTED, P.CHUNK_TOO_OLD)
    stage.chunk_publisher.publish(new)
    stage.wait_until(lambda: stage.progress_of(1), "the new one")
    assert stage.progress_of(1)[0].state == P.ACCEPTED


def test_a_chunk_that_comes_late_is_refused(stage: Stage) -> None:
    stage.add_ready_ik(chunk_max_delay_s=5.0)
    sent_ns = stage.node.get_clock().now().nanoseconds - 6_000_000_000
    stage.chunk_publisher.publish(chunk(sent=ns_to_stamp(sent_ns)))
    said = ends_with(stage, 0, P.REJECTED, P.CHUNK_TOO_OLD)
    assert "sent 6." in said.message
    stage.chunk_publisher.publish(chunk(sequence=1))
    stage.wait_until(lambda: stage.progress_of(1), "the next one")
    assert stage.progress_of(1)[0].state == P.ACCEPTED


def test_a_chunk_that_takes_too_long_to_plan_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.add_ready_ik(planning_timeout_s=0.01)
    plan = ChunkPlanner.plan_chunk

    def slow(*arguments: object) -> object:
        began_s = time.perf_counter()
        planned = plan(*arguments)  # type: ignore[arg-type]
        while time.perf_counter() < began_s + 0.02:
            pass
        return planned

    monkeypatch.setattr(ChunkPlanner, "plan_chunk", slow)
    stage.chunk_publisher.publish(chunk())
    ends_with(stage, 0, P.REJECTED, P.PLANNING_TOO_SLOW)
    assert not stage.arm_trajectories


def test_a_late_chunk_says_what_it_dropped(stage: Stage) -> None:
    stage.add_ready_ik()
    late = chunk()
    late.start = ns_to_stamp(stage.node.get_clock().now().nanoseconds - 220_000_000)
    stage.chunk_publisher.publish(late)
    stage.wait_until(lambda: stage.progress_of(0), "its plan")
    said = stage.progress_of(0)[0]
    assert said.state == P.ACCEPTED
    assert said.steps_dropped >= 5  # more where the machine is busy
    assert len(said.step_times) == 10 - said.steps_dropped


class SimulatedTime:
    """/clock, and joint states that bear its time, for as long as a test likes."""

    def __init__(self, stage: Stage) -> None:
        self.now_ns = 1_000_000_000_000
        self.runs = True
        self._publisher = stage.node.create_publisher(Clock, "/clock", 10)
        stage.node.create_timer(0.02, self._tick)
        stage.joint_message = self._stamped
        stage.stamp_now_ns = lambda: self.now_ns

    @property
    def stamp(self) -> Time:
        """The present."""
        return ns_to_stamp(self.now_ns)

    def _tick(self) -> None:
        if self.runs:
            self.now_ns += 20_000_000
            self._publisher.publish(Clock(clock=ns_to_stamp(self.now_ns)))

    def _stamped(self, message: JointState) -> JointState:
        message.header.stamp = ns_to_stamp(self.now_ns)
        return message


def ready_in(time_: SimulatedTime, stage: Stage, **parameters: float) -> IkNode:
    ik = stage.add_ready_ik(use_sim_time=True, **parameters)
    stage.wait_until(lambda: ik.get_clock().now().nanoseconds > 10**12, "the clock")
    return ik


@pytest.mark.parametrize("joints", [True, False])
def test_a_stop_is_answered_when_the_clock_stands_still(stage: Stage, joints: bool) -> None:
    """Hold and stop never answered once /clock was gone."""
    time_ = SimulatedTime(stage)
    ready_in(time_, stage)
    stage.play_long(sent=time_.stamp)
    time_.runs, stage.joints = False, joints
    answer = stage.call(Trigger, "stop")
    assert not answer.success
    assert "not known" in answer.message
    stage.wait_until(lambda: stage.arm_status[-1].cause == P.NOT_AT_REST, "the status")
    time_.runs = stage.joints = True
    stage.wait_until(lambda: stage.arm_status[-1].state == ArmStatus.READY, "rest")
    assert stage.call(Trigger, "stop").success


def test_joint_states_that_come_late_stop_the_arm(stage: Stage) -> None:
    """What came counted as fresh, whenever it had been measured."""
    time_ = SimulatedTime(stage)
    ready_in(time_, stage, joint_state_timeout_s=1.0)
    stage.play_long(sent=time_.stamp)
    now = stage.joint_message

    def late(message: JointState) -> JointState:
        message = now(message)
        message.header.stamp = ns_to_stamp(time_.now_ns - 1_500_000_000)
        return message

    stage.joint_message = late
    ends_with(stage, 0, P.ABORTED, P.NO_JOINT_STATES)
    stage.joint_message = now
    stage.wait_until(lambda: stage.arm_status[-1].state == ArmStatus.READY, "rest")


def test_a_clock_that_jumps_back_stops_the_arm_and_new_chunks_are_played(stage: Stage) -> None:
    time_ = SimulatedTime(stage)
    ik = ready_in(time_, stage)
    stage.play_long(sent=time_.stamp)
    time_.now_ns -= 500_000_000_000
    said = ends_with(stage, 0, P.ABORTED, P.CLOCK_JUMPED)
    assert "500." in said.message or "499." in said.message
    stage.wait_until(lambda: len(stage.arm_trajectories) == 2, "the stop")
    stage.wait_until(lambda: stage.arm_status[-1].state == ArmStatus.READY, "rest")
    stage._arm.hold(START_Q)
    stage.wait_until(lambda: np.allclose(measured_of(ik).q, START_Q, atol=1e-3), "the start")
    stage.chunk_publisher.publish(chunk(session_id="next", sequence=1, sent=time_.stamp))
    stage.wait_until(lambda: stage.progress_of(1), "the next chunk")
    assert stage.progress_of(1)[0].state == P.ACCEPTED, stage.progress_of(1)[0].message

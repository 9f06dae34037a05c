# SPDX-License-Identifier: Apache-2.0
"""While a chunk is planned, the arm is looked after as ever."""

import threading
from collections.abc import Iterator

import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from std_srvs.srv import Trigger

from vera_ros.motion.execution.planning_job import PlanningJob
from vera_ros.nodes.ik_node import IkNode
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress

from ..stage import PATIENCE_S, Stage, chunk

SUCCESS = TransitionCallbackReturn.SUCCESS


class SlowPlanning:
    """Planning that takes until a test lets it end.

    Attributes:
        begun: it was begun.
        may_end: it waits for this.
    """

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def wait(self) -> None:
        self.begun.set()
        assert self.may_end.wait(PATIENCE_S)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowPlanning]:
    slow, plan = SlowPlanning(), PlanningJob.run

    def run(planning: PlanningJob) -> object:
        slow.wait()
        return plan(planning)

    monkeypatch.setattr(PlanningJob, "run", run)
    yield slow
    slow.may_end.set()


@pytest.fixture
def ik(stage: Stage, slow: SlowPlanning) -> IkNode:
    """The node plans a chunk."""
    ik = stage.add_ready_ik()
    stage.chunk_publisher.publish(chunk(sequence=7))
    stage.wait_until(slow.begun.is_set, "the planning")
    return ik


def is_refused(stage: Stage, cause: int) -> None:
    stage.wait_until(lambda: stage.progress_of(7), "an answer")
    (answer,) = stage.progress_of(7)
    assert (answer.state, answer.cause) == (ChunkProgress.REJECTED, cause)
    assert stage.arm_trajectories == []


def test_a_hold_does_not_wait_for_it(stage: Stage, slow: SlowPlanning, ik: IkNode) -> None:
    assert stage.call(Trigger, "hold").success
    assert stage.arm_status[-1].state == ArmStatus.HELD
    is_refused(stage, ChunkProgress.HELD)
    slow.may_end.set()
    assert stage.call(Trigger, "release").success
    stage.chunk_publisher.publish(chunk(sequence=8))
    stage.wait_until(lambda: stage.progress_of(8), "the next answer")
    assert stage.progress_of(8)[0].state == ChunkProgress.ACCEPTED
    assert len(stage.progress_of(7)) == 1


def test_a_stop_does_not_either_and_the_next_chunk_is_played(
    stage: Stage, slow: SlowPlanning, ik: IkNode
) -> None:
    assert stage.call(Trigger, "stop").success
    slow.may_end.set()
    is_refused(stage, ChunkProgress.STOPPED)
    stage.chunk_publisher.publish(chunk(sequence=8))
    stage.wait_until(lambda: stage.arm_trajectories, "the next chunk")


def test_chunks_are_planned_one_after_the_other(
    stage: Stage, slow: SlowPlanning, ik: IkNode
) -> None:
    stage.chunk_publisher.publish(chunk(sequence=8))
    assert stage.call(Trigger, "discard").message  # by then it has come
    assert stage.progress == []
    slow.may_end.set()
    stage.wait_until(lambda: stage.progress_of(8), "the second answer")
    assert stage.progress_of(7)[0].state == ChunkProgress.ACCEPTED
    assert stage.progress_of(8)[0].state == ChunkProgress.ACCEPTED


@pytest.mark.parametrize("clean_up", [False, True])
def test_a_node_that_goes_down_meanwhile_moves_nothing(
    stage: Stage, slow: SlowPlanning, ik: IkNode, clean_up: bool
) -> None:
    assert ik.trigger_deactivate() is SUCCESS
    if clean_up:
        assert ik.trigger_cleanup() is SUCCESS
    is_refused(stage, ChunkProgress.STOPPED)
    slow.may_end.set()
    if clean_up:
        assert ik.trigger_configure() is SUCCESS
    assert ik.trigger_activate() is SUCCESS
    stage.wait_for_exchange()
    stage.wait_until(lambda: ik._sense().fault is None, "joint states")
    stage.chunk_publisher.publish(chunk(sequence=8))
    stage.wait_until(lambda: stage.progress_of(8) and stage.arm_trajectories, "the next chunk")
    assert stage.progress_of(8)[0].state == ChunkProgress.ACCEPTED
    assert len(stage.arm_trajectories) == 1

# SPDX-License-Identifier: Apache-2.0
"""The action execute_task: who is refused, and what those who are not get to know."""

from typing import Any

import pytest
from action_msgs.msg import GoalStatus

from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.policy.parameters import PARAMETERS
from vera_ros.nodes.policy.task_action import TaskAction
from vera_ros.policy.goal import Result
from vera_ros.policy.states import Cause, Outcome
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import PolicyStatus

from ..stage import Stage

SYNC, ASYNC = ExecuteTask.Goal.SYNC, ExecuteTask.Goal.ASYNC


def ended(outcome: Outcome, cause: Cause = Cause.NONE) -> Result:
    return Result(outcome, cause, "so it ended", chunks=3, steps=24, duration_s=1.5)


class Errands(VeraNode):
    """A node that is given tasks, and does what the test does for it."""

    def __init__(self, **options: Any) -> None:
        super().__init__("errands", PARAMETERS, **options)
        self.trouble = ""
        self.begun: list[tuple[str, bool]] = []

    def setup(self) -> None:
        self.task = TaskAction(self, (SYNC,), self.why_not, self.begin, self.cancel)

    def teardown(self) -> None:
        self.task.close()

    def why_not(self) -> str:
        return "busy" if self.task.busy else self.trouble

    def begin(self, goal: ExecuteTask.Goal, cancelled: bool) -> None:
        self.begun.append((goal.prompt, cancelled))

    def cancel(self) -> None:
        if self.task.unfinished:
            self.task.finish(ended(Outcome.CANCELLED, Cause.CANCEL_REQUESTED))


@pytest.fixture
def errands(stage: Stage) -> Errands:
    node = stage.add(Errands)
    stage.wait_until_active(node)
    return node


def begin(stage: Stage, errands: Errands) -> Any:
    handle = stage.goal("stack")
    stage.wait_until(lambda: errands.begun, "the goal to begin")
    return handle


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.SUCCEEDED, GoalStatus.STATUS_SUCCEEDED),
        (Outcome.TIME_LIMIT, GoalStatus.STATUS_ABORTED),
        (Outcome.ABORTED, GoalStatus.STATUS_ABORTED),
    ],
)
def test_a_goal_gets_its_result_and_the_next_one_may_come(
    stage: Stage, errands: Errands, outcome: Outcome, status: int
) -> None:
    handle = begin(stage, errands)
    assert errands.begun == [("stack", False)]
    assert errands.task.busy
    errands.task.finish(ended(outcome, Cause.NO_SERVER))
    assert not errands.task.unfinished
    answer = stage.wait_for(handle.get_result_async(), "the result")
    assert answer.status == status
    assert answer.result.outcome == outcome
    assert answer.result.cause == PolicyStatus.NO_SERVER
    assert answer.result.message == "so it ended"
    assert (answer.result.chunks, answer.result.steps) == (3, 24)
    assert not errands.task.busy
    stage.goal("again")
    stage.wait_until(lambda: len(errands.begun) == 2, "the next goal to begin")


def test_a_cancelled_goal_ends_as_one(stage: Stage, errands: Errands) -> None:
    handle = begin(stage, errands)
    stage.wait_for(handle.cancel_goal_async(), "the cancel's answer")
    answer = stage.wait_for(handle.get_result_async(), "the result")
    assert answer.status == GoalStatus.STATUS_CANCELED
    assert answer.result.outcome == Outcome.CANCELLED


@pytest.mark.parametrize(
    ("goal", "reason"),
    [
        ({"mode": ASYNC}, "mode 1 is not possible"),
        ({"mode": 9}, "mode 9 is not possible"),
        ({"time_limit_s": -1.0}, "time_limit_s is -1.0; valid is 0"),
        ({"time_limit_s": float("nan")}, "time_limit_s is nan; valid is 0"),
    ],
)
def test_the_client_of_what_cannot_be_done_gets_the_reason(
    stage: Stage, errands: Errands, goal: dict[str, Any], reason: str
) -> None:
    assert reason in stage.refused_goal(**goal)
    assert errands.begun == []


def test_one_goal_at_a_time_and_none_while_there_is_trouble(stage: Stage, errands: Errands) -> None:
    errands.trouble = "something is wrong"
    assert stage.refused_goal() == "something is wrong"
    errands.trouble = ""
    handle = begin(stage, errands)
    assert stage.refused_goal("another") == "busy"
    assert errands.begun == [("stack", False)]
    assert errands.task.unfinished
    errands.task.finish(ended(Outcome.SUCCEEDED))
    assert stage.result(handle).message == "so it ended"


def test_who_cancels_a_refused_goal_ends_no_other(stage: Stage, errands: Errands) -> None:
    handle = begin(stage, errands)
    refused = stage.goal("another")
    stage.wait_for(refused.cancel_goal_async(), "the cancel's answer")
    assert stage.result(refused).message == "busy"
    assert errands.task.unfinished
    errands.task.finish(ended(Outcome.SUCCEEDED))
    assert stage.result(handle).outcome == Outcome.SUCCEEDED


def test_feedback_goes_to_whoever_gave_the_goal(stage: Stage, errands: Errands) -> None:
    status = PolicyStatus(state=PolicyStatus.PLAYING, message="it plays", chunk=2, steps=7)
    errands.task.tell(status, 1.25)  # nobody is there, and nothing happens
    begin(stage, errands)
    errands.task.tell(status, 2.5)
    stage.wait_until(lambda: stage.feedback, "feedback")
    feedback = stage.feedback[0]
    assert (feedback.state, feedback.message) == (PolicyStatus.PLAYING, "it plays")
    assert (feedback.chunk, feedback.steps, feedback.elapsed_s) == (2, 7, 2.5)

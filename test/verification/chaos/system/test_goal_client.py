# SPDX-License-Identifier: Apache-2.0
"""The goals of chaos: begun, refused, or over at once."""

from collections.abc import Iterator
from typing import Any

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.policy.parameters import PARAMETERS
from vera_ros.nodes.policy.task_action import TaskAction
from vera_ros.policy.goal import Result
from vera_ros.policy.states import Cause, Outcome
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import PolicyStatus
from verification.chaos.system.goal_client import GoalClient

ENDED = Result(Outcome.ABORTED, Cause.NO_SERVER, "no server", 0, 0, 0.0)


class Policy(VeraNode):
    """A node that executes goals, or refuses them with `reason`."""

    def __init__(self, **options: Any) -> None:
        super().__init__("policy", PARAMETERS, **options)
        self.reason = ""
        self.ends_at_once = False
        modes = (ExecuteTask.Goal.SYNC,)
        self.task = TaskAction(self, modes, lambda: self.reason, self.begin, lambda: None)

    def begin(self, _: ExecuteTask.Goal, __: bool) -> None:
        if self.ends_at_once:
            self.task.finish(ENDED)
        else:
            self.task.tell(PolicyStatus(), 0.0)


@pytest.fixture
def scene(ros_domain: int) -> Iterator[tuple[Policy, GoalClient, Waiter]]:
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    policy, node = Policy(context=context), rclpy.create_node("operator", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(policy)
    executor.add_node(node)
    client, waiter = GoalClient(node, asynchronous=False), Waiter(executor, ())
    waiter.until(lambda: "" if client.server_is_ready else "the action", 60.0)
    yield policy, client, waiter
    policy.task.close()
    executor.shutdown()
    policy.destroy_node()
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_goal_that_has_begun_is_under_way(scene: tuple[Policy, GoalClient, Waiter]) -> None:
    policy, client, waiter = scene
    client.send("stack", waiter)
    assert client.under_way
    assert client.take_result() is None
    policy.task.finish(ENDED)
    waiter.until(lambda: "the result" if client.take_result() is None else "", 60.0)
    assert not client.under_way


@pytest.mark.parametrize("reason", ["the arm is held", "an episode is running already"])
def test_a_goal_that_is_refused_never_is(
    scene: tuple[Policy, GoalClient, Waiter], reason: str
) -> None:
    policy, client, waiter = scene
    policy.reason = reason
    with pytest.raises(DemoError, match=reason):
        client.send("stack", waiter)
    assert not client.under_way
    policy.reason = ""
    client.send("stack", waiter)
    assert client.under_way
    policy.task.finish(ENDED)
    waiter.until(lambda: "the result" if client.take_result() is None else "", 60.0)


def test_a_goal_that_ends_at_once_was_one(scene: tuple[Policy, GoalClient, Waiter]) -> None:
    policy, client, waiter = scene
    policy.ends_at_once = True
    client.send("stack", waiter)
    assert client.under_way
    result = client.take_result()
    assert result is not None
    assert (result.cause, result.message) == (Cause.NO_SERVER, "no server")

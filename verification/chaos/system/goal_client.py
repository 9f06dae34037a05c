# SPDX-License-Identifier: Apache-2.0
"""Sends goals to execute_task, one at a time."""

from typing import Any

from action_msgs.srv import CancelGoal
from rclpy.action import ActionClient
from rclpy.node import Node

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter
from vera_ros.demo.options import DEFAULT_PROMPT
from vera_ros_interfaces.action import ExecuteTask

_ANSWER_S = 5.0
_TIME_LIMIT_S = 40.0


class GoalClient:
    """The goal under way, if there is one.

    Args:
        node: the rclpy node that asks.
        asynchronous: the mode of the goals.
    """

    def __init__(self, node: Node, *, asynchronous: bool) -> None:
        self._mode = ExecuteTask.Goal.ASYNC if asynchronous else ExecuteTask.Goal.SYNC
        self._action = ActionClient(node, ExecuteTask, "execute_task")
        self._cancel_all = node.create_client(CancelGoal, "execute_task/_action/cancel_goal")
        self._handle: Any = None
        self._result: Any = None

    @property
    def server_is_ready(self) -> bool:
        """Whether execute_task is there."""
        return bool(self._action.server_is_ready())

    @property
    def under_way(self) -> bool:
        """Whether a goal was accepted, and its result has not been taken."""
        return self._result is not None

    def send(self, waiter: Waiter) -> None:
        """Send a goal.

        Raises:
            DemoError: it is not accepted.
        """
        goal = ExecuteTask.Goal(prompt=DEFAULT_PROMPT, time_limit_s=_TIME_LIMIT_S, mode=self._mode)
        handle = waiter.result(
            self._action.send_goal_async(goal), "policy_node to answer a goal", _ANSWER_S
        )
        if not handle.accepted:
            # Perhaps one that was given up here still runs there.
            self._cancel_all.call_async(CancelGoal.Request())
            raise DemoError("policy_node refused the goal")
        self._handle, self._result = handle, handle.get_result_async()

    def take_result(self) -> ExecuteTask.Result | None:
        """Return the result once it has come, and forget the goal."""
        if self._result is None or not self._result.done():
            return None
        result: ExecuteTask.Result = self._result.result().result
        self.forget()
        return result

    def cancel(self, waiter: Waiter) -> None:
        """Cancel the goal, if there is one."""
        if self._handle is not None:
            waiter.result(
                self._handle.cancel_goal_async(), "policy_node to answer the cancel", _ANSWER_S
            )

    def forget(self) -> None:
        """Forget the goal: its server is gone, or it has ended."""
        self._handle = self._result = None

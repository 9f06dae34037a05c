# SPDX-License-Identifier: Apache-2.0
"""An action client of execute_task, for one goal at a time."""

import math
import time
from typing import Any

from action_msgs.srv import CancelGoal
from rclpy.action import ActionClient
from rclpy.node import Node

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter
from vera_ros.policy.states import Cause
from vera_ros_interfaces.action import ExecuteTask

_ANSWER_S = 5.0
_TIME_LIMIT_S = 40.0


class GoalClient:
    """Sends goals, and keeps the one that is active, if any.

    Args:
        node: the rclpy node that owns the client.
        asynchronous: the mode of the goals.

    Attributes:
        accepted_s: when the last goal was accepted, steady time [s].
    """

    def __init__(self, node: Node, *, asynchronous: bool) -> None:
        self._mode = ExecuteTask.Goal.ASYNC if asynchronous else ExecuteTask.Goal.SYNC
        self._action = ActionClient(node, ExecuteTask, "execute_task")
        self._cancel_all = node.create_client(CancelGoal, "execute_task/_action/cancel_goal")
        self._handle: Any = None
        self._result: Any = None
        self.accepted_s = math.inf

    @property
    def server_is_ready(self) -> bool:
        """Whether the action server is available."""
        return bool(self._action.server_is_ready())

    @property
    def under_way(self) -> bool:
        """Whether a goal was accepted and its result has not been taken yet."""
        return self._result is not None

    def send(self, prompt: str, waiter: Waiter) -> None:
        """Send a goal.

        Args:
            prompt: the task, in words.
            waiter: waits for the answer.

        Raises:
            DemoError: the goal is refused, or there is no response.
        """
        goal = ExecuteTask.Goal(prompt=prompt, time_limit_s=_TIME_LIMIT_S, mode=self._mode)
        feedback: list[object] = []
        sent = self._action.send_goal_async(goal, feedback_callback=feedback.append)
        handle = waiter.result(sent, "policy_node to answer a goal", _ANSWER_S)
        self.accepted_s, result = time.monotonic(), handle.get_result_async()
        waiter.until(
            lambda: "" if feedback or result.done() else "policy_node to begin a goal", _ANSWER_S
        )
        if result.done() and result.result().result.cause == Cause.GOAL_REFUSED:
            # policy_node may still work on a goal that was forgotten here.
            self._cancel_all.call_async(CancelGoal.Request())
            raise DemoError(f"policy_node refused the goal: {result.result().result.message}")
        self._handle, self._result = handle, result

    def take_result(self) -> ExecuteTask.Result | None:
        """Return the result and forget the goal; None: there is no result yet."""
        if self._result is None or not self._result.done():
            return None
        result: ExecuteTask.Result = self._result.result().result
        self.forget()
        return result

    def cancel(self, waiter: Waiter) -> None:
        """Cancel the active goal, if any, and wait for the response."""
        if self._handle is not None:
            waiter.result(
                self._handle.cancel_goal_async(), "policy_node to answer the cancel", _ANSWER_S
            )

    def forget(self) -> None:
        """Forget the goal, which has ended or whose server has died."""
        self._handle = self._result = None

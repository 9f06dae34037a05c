# SPDX-License-Identifier: Apache-2.0
"""The action execute_task: one goal at a time, with feedback, cancellation and result.

ROS 2 gives the client of a rejected goal no reason. So a goal that cannot be executed is accepted
and aborted at once, with the cause GOAL_REFUSED and the reason in its result.
"""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from rclpy.action import ActionServer, CancelResponse
from rclpy.task import Future

from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.policy.goal import Result
from vera_ros.policy.states import Cause, Outcome
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import PolicyStatus

_RESULT_KEPT_S = 60  # the action's status lists each goal until then: refused ones may be many

_MODES = {ExecuteTask.Goal.SYNC: "SYNC", ExecuteTask.Goal.ASYNC: "ASYNC"}


class TaskAction:
    """Serves the action; its owner executes a goal and then calls `finish`.

    Args:
        node: the rclpy node.
        modes: valid modes of a goal.
        why_not: returns why no goal can be executed now; empty: one can.
        begin: begins the episode of a goal, given whether the goal was cancelled already.
        cancel: ends the episode early.
    """

    def __init__(
        self,
        node: VeraNode,
        modes: Collection[int],
        why_not: Callable[[], str],
        begin: Callable[[ExecuteTask.Goal, bool], None],
        cancel: Callable[[], None],
    ) -> None:
        self._node = node
        self._modes = modes
        self._why_not = why_not
        self._begin = begin
        self._cancel = cancel
        self._handle: Any = None
        self._finished: Future | None = None
        self._server = ActionServer(
            node,
            ExecuteTask,
            "execute_task",
            execute_callback=self._execute,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
            result_timeout=_RESULT_KEPT_S,
        )

    @property
    def busy(self) -> bool:
        """Whether a goal that is being executed still lacks its result."""
        return self._handle is not None

    @property
    def unfinished(self) -> bool:
        """Whether a goal has begun that `finish` must still be called for."""
        return self._finished is not None and not self._finished.done()

    def tell(self, status: PolicyStatus, elapsed_s: float) -> None:
        """Send feedback to the current goal, if any."""
        if self._handle is None or not self._handle.is_active:
            return
        self._handle.publish_feedback(
            ExecuteTask.Feedback(
                state=status.state,
                message=status.message,
                chunk=status.chunk,
                steps=status.steps,
                window_fill=status.window_fill,
                server_latency_s=status.server_latency_s,
                elapsed_s=elapsed_s,
            )
        )

    def finish(self, result: Result) -> None:
        """Send the current goal its result."""
        assert self._finished is not None
        self._finished.set_result(result)

    def close(self) -> None:
        """Accept no more goals."""
        self._server.destroy()

    def _why_invalid(self, goal: ExecuteTask.Goal) -> str:
        if goal.mode not in self._modes:
            valid = " or ".join(f"{mode} ({_MODES[mode]})" for mode in self._modes)
            where = " in lockstep" if self._node.parameters["lockstep"] else ""
            return f"mode {goal.mode} is not possible; valid is {valid}{where}"
        if not (np.isfinite(goal.time_limit_s) and goal.time_limit_s >= 0):
            return f"time_limit_s is {goal.time_limit_s}; valid is 0 (the default) or more"
        return ""

    def _on_accepted(self, handle: Any) -> None:
        reason = self._why_not() or self._why_invalid(handle.request)
        if reason:
            self._node.get_logger().warning(f"goal refused: {reason}")
            handle.execute(lambda refused: _refuse(refused, reason))
            return
        self._handle = handle  # from now on, other goals are refused
        handle.execute()

    def _on_cancel(self, handle: Any) -> CancelResponse:
        if handle is not self._handle:  # refused, and about to end
            return CancelResponse.REJECT
        self._cancel()
        return CancelResponse.ACCEPT

    async def _execute(self, handle: Any) -> ExecuteTask.Result:
        self._finished = Future(executor=self._node.executor)
        try:
            self._begin(handle.request, handle.is_cancel_requested)
            result: Result = await self._finished
        finally:
            self._finished = self._handle = None
        if result.outcome is Outcome.CANCELLED:
            handle.canceled()
        elif result.outcome is Outcome.SUCCEEDED:
            handle.succeed()
        else:
            handle.abort()
        return ExecuteTask.Result(
            outcome=int(result.outcome),
            cause=int(result.cause),
            message=result.message,
            chunks=result.chunks,
            steps=result.steps,
            duration_s=result.duration_s,
        )


def _refuse(handle: Any, reason: str) -> ExecuteTask.Result:
    """Abort a goal of which nothing is executed; return its result."""
    handle.abort()
    outcome, cause = int(Outcome.ABORTED), int(Cause.GOAL_REFUSED)
    return ExecuteTask.Result(outcome=outcome, cause=cause, message=reason)

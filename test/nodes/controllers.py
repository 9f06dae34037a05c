# SPDX-License-Identifier: Apache-2.0
"""Action servers that take goals as a controller does: one at a time, and the newest wins."""

from collections.abc import Callable
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.task import Future

from .stage import Stage


class FakeController:
    """Accepts or rejects goals, and ends the one that is under way when it is told to.

    Args:
        stage: where it spins.
        kind: the action.
        name: its name.
        on_goal: gets every goal that is accepted.

    Attributes:
        accepts: whether the next goal is accepted.
        goals: those that were accepted.
        ended: how they ended, in the order of their ends: succeed, abort, canceled.
    """

    def __init__(
        self, stage: Stage, kind: Any, name: str, on_goal: Callable[[Any], None] = lambda _: None
    ) -> None:
        self._stage = stage
        self._kind = kind
        self._on_goal = on_goal
        self._end: Any = None
        self.accepts = True
        self.goals: list[Any] = []
        self.asked_at_s: list[float] = []
        self.ended: list[str] = []
        self._server: Any = ActionServer(
            stage.node,
            kind,
            name,
            self._execute,
            goal_callback=self._on_request,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
        )

    def close(self) -> None:
        if self._server is not None:
            self.end("abort")
            self._stage.wait_until(lambda: len(self.ended) == len(self.goals), "the last end")
            self._server.destroy()
            self._server = None

    def end(self, how: str, **result: Any) -> None:
        """End the goal under way: succeed or abort."""
        if self._end is not None and not self._end.done():
            self._end.set_result((how, self._kind.Result(**result)))

    def _on_request(self, _: Any) -> GoalResponse:
        self.asked_at_s.append(self._stage.now_s)
        return GoalResponse.ACCEPT if self.accepts else GoalResponse.REJECT

    def _on_accepted(self, handle: Any) -> None:
        self.end("abort")  # what is replaced
        self._end = Future(executor=self._stage.node.executor)
        self.goals.append(handle.request)
        self._on_goal(handle.request)
        handle.execute()

    def _on_cancel(self, _: Any) -> CancelResponse:
        self.end("canceled")
        return CancelResponse.ACCEPT

    async def _execute(self, handle: Any) -> Any:
        how, result = await self._end
        self.ended.append(how)
        getattr(handle, how)()
        return result

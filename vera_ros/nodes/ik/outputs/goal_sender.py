# SPDX-License-Identifier: Apache-2.0
"""Goals for an action server that plays one at a time: a new goal replaces the old one."""

from collections.abc import Callable
from functools import partial
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.task import Future

_FAILURES = {GoalStatus.STATUS_ABORTED: "aborted", GoalStatus.STATUS_CANCELED: "cancelled"}


class GoalSender:
    """Sends goals without waiting, and says when the newest one fails.

    Args:
        node: the rclpy node.
        kind: the action's type.
        name: the action's name; remapped like a service's, which rcl does not do for actions.
        on_failure: called with the newest goal's outcome (rejected, aborted, cancelled) and its
            result (None when rejected).
    """

    def __init__(
        self, node: Any, kind: Any, name: str, on_failure: Callable[[str, Any], None]
    ) -> None:
        self.name: str = node.resolve_service_name(name)
        self._client = ActionClient(node, kind, self.name)
        self._on_failure = on_failure
        self._newest: Any = None

    def waiting_for(self) -> str:
        """Return the action server that is missing; empty: it is there."""
        if self._client.server_is_ready():
            return ""
        return f"the action server '{self.name}'; start its controller, or remap the name"

    def send(self, goal: Any) -> None:
        """Send a goal that replaces the one before."""
        self._newest = sent = self._client.send_goal_async(goal)
        sent.add_done_callback(self._on_answer)

    def acknowledged(self) -> bool:
        """Return whether the server has answered the newest goal."""
        return self._newest is None or bool(self._newest.done())

    def close(self) -> None:
        """Destroy the client; the newest goal keeps running."""
        self._newest = None
        self._client.destroy()

    def _on_answer(self, sent: Future) -> None:
        if sent is not self._newest:
            return
        handle: Any = sent.result()
        if not handle.accepted:
            self._on_failure("rejected", None)
            return
        handle.get_result_async().add_done_callback(partial(self._on_result, sent))

    def _on_result(self, sent: Future, answer: Future) -> None:
        ended: Any = answer.result()
        if sent is self._newest and ended.status in _FAILURES:
            self._on_failure(_FAILURES[ended.status], ended.result)

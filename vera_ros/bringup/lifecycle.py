# SPDX-License-Identifier: Apache-2.0
"""Polling of lifecycle nodes until they are active."""

import time
from collections.abc import Sequence
from typing import Any

from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rclpy.node import Node

_ASK_AGAIN_S = 1.0


class Lifecycle:
    """Polls the states of nodes until each has been active once.

    Args:
        node: the rclpy node with the service clients.
        names: names of the nodes to poll.
    """

    def __init__(self, node: Node, names: Sequence[str]) -> None:
        self._clients = {name: node.create_client(GetState, f"{name}/get_state") for name in names}
        self._asked: dict[str, tuple[float, Any]] = {}

    def missing(self) -> str:
        """Return which node is not active yet, in words; empty: all are. Call it repeatedly."""
        for name, client in self._clients.items():
            if not client.service_is_ready():
                return f"{name} to appear"
            if not self._is_active(name, client):
                return f"{name} to become active"
        return ""

    def _is_active(self, name: str, client: Any) -> bool:
        """Request the state, one call at a time; a response may be lost during discovery."""
        asked_s, future = self._asked.get(name, (0.0, None))
        answered = future is not None and future.done()
        if answered and future.result().current_state.id == State.PRIMARY_STATE_ACTIVE:
            return True
        if future is None or answered or time.monotonic() - asked_s > _ASK_AGAIN_S:
            if future is not None and not answered:
                client.remove_pending_request(future)
            self._asked[name] = (time.monotonic(), client.call_async(GetState.Request()))
        return False

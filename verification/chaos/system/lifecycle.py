# SPDX-License-Identifier: Apache-2.0
"""Lifecycle states of nodes that may be restarted, and transitions between them."""

from collections.abc import Sequence
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.node import Node

from vera_ros.bringup import lifecycle


class Lifecycle(lifecycle.Lifecycle):
    """Polls nodes that may be restarted, and activates or deactivates them.

    Args:
        node: owns the clients.
        names: names of the lifecycle nodes.
    """

    def __init__(self, node: Node, names: Sequence[str]) -> None:
        super().__init__(node, names)
        self._changes = {
            name: node.create_client(ChangeState, f"{name}/change_state") for name in names
        }

    def forget_states(self) -> None:
        """Forget the states that were received, so that all nodes are polled again."""
        self._asked.clear()

    def activate(self, name: str) -> Any:
        """Request activation of a node; return the future of the response."""
        return self._change(name, Transition.TRANSITION_ACTIVATE)

    def deactivate(self, name: str) -> Any:
        """Request deactivation of a node; return the future of the response."""
        return self._change(name, Transition.TRANSITION_DEACTIVATE)

    def _change(self, name: str, transition: int) -> Any:
        return self._changes[name].call_async(
            ChangeState.Request(transition=Transition(id=transition))
        )

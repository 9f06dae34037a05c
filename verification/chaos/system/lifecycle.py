# SPDX-License-Identifier: Apache-2.0
"""Which lifecycle nodes are active now, and making them so or not."""

from collections.abc import Sequence
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.node import Node

from vera_ros.bringup import lifecycle


class Lifecycle(lifecycle.Lifecycle):
    """Also asks nodes to change, and again for their states: they may be killed and come back.

    Args:
        node: asks.
        names: of the nodes that are asked.
    """

    def __init__(self, node: Node, names: Sequence[str]) -> None:
        super().__init__(node, names)
        self._changes = {
            name: node.create_client(ChangeState, f"{name}/change_state") for name in names
        }

    def begin_anew(self) -> None:
        """What was said before does not count."""
        self._asked.clear()

    def activate(self, name: str) -> Any:
        """The future answer of a node that is asked to become active."""
        return self._change(name, Transition.TRANSITION_ACTIVATE)

    def deactivate(self, name: str) -> Any:
        """The future answer of a node that is asked to cease to be active."""
        return self._change(name, Transition.TRANSITION_DEACTIVATE)

    def _change(self, name: str, transition: int) -> Any:
        return self._changes[name].call_async(
            ChangeState.Request(transition=Transition(id=transition))
        )

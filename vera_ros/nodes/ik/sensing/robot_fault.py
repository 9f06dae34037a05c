# SPDX-License-Identifier: Apache-2.0
"""Faults that the robot itself reports: a reflex, a user stop, a recovery from an error."""

import importlib
import time
from typing import Any

from std_msgs.msg import String

from vera_ros.motion.causes import Cause, Reason
from vera_ros.nodes.common.conversions import LATCHED
from vera_ros.nodes.common.latest import Latest
from vera_ros.nodes.common.lifecycle_node import STEADY
from vera_ros.printable import printable

# Values of robot_mode in franka_msgs/FrankaRobotState that accept no motion, and why.
_FAULTS = {
    3: "it is being guided by hand; let go of its buttons",
    4: "a reflex has stopped it; clear the contact, then recover it (franka: the action "
    "error_recovery of its driver)",
    5: "its user stop is pressed; release it once it is safe",
    6: "it is recovering from an error by itself; wait for it",
}
_LOOK_S = 0.5  # between searches for a publisher of the robot's state


class RobotFault:
    """Monitors whether the robot itself reports a fault, while its node is configured.

    Any driver may report one on the latched topic `robot_fault`; an empty string clears it.

    Args:
        node: the rclpy node.
        state_topic: topic of the robot's mode, in any message that has `field`; empty: none.
        oldest_s: maximum age of the mode [s].
        field: field with the mode, in the values of franka_msgs/FrankaRobotState's robot_mode.
    """

    def __init__(
        self, node: Any, state_topic: str, oldest_s: float, field: str = "robot_mode"
    ) -> None:
        self._node = node
        self._oldest_s = oldest_s
        self._field = field
        self._said = ""
        self._topic = node.resolve_topic_name(state_topic) if state_topic else ""
        self._unknown = "nothing publishes it; start the driver, or correct robot_state_topic"
        self._states: Latest[Any] | None = None
        node.create_subscription(String, "robot_fault", self._on_fault, LATCHED)
        if self._topic:
            self._search = node.create_timer(_LOOK_S, self._look_for_states, clock=STEADY)

    def fault(self) -> Reason | None:
        """Return why the robot accepts no motion, and what to do; None: it may accept it."""
        what = self._said or (self._topic and self._mode_fault())
        if not what:
            return None
        return Reason(Cause.ROBOT_FAULT, f"the robot accepts no motion: {what}")

    def _on_fault(self, message: String) -> None:
        self._said = printable(message.data.strip())

    def _look_for_states(self) -> None:
        """Subscribe once the topic has a publisher: only then is the message's type known."""
        for name, kinds in self._node.get_topic_names_and_types():
            if name == self._topic:
                self._search.cancel()
                self._subscribe(kinds[0])

    def _subscribe(self, kind: str) -> None:
        package, _, name = kind.split("/")
        try:
            message = getattr(importlib.import_module(f"{package}.msg"), name)
        except (ImportError, AttributeError):
            self._unknown = f"its type {kind} is not installed; source the workspace that has it"
            return
        if self._field not in message.get_fields_and_field_types():
            self._unknown = f"its type {kind} has no field {self._field}"
            return
        self._unknown = "nothing has arrived yet; is the driver running?"
        self._states = Latest(self._node, message, self._topic)

    def _mode_fault(self) -> str:
        """Return the fault that the newest mode means; empty: none."""
        newest = None if self._states is None else self._states.read()
        if newest is None:
            return f"the mode on {self._topic} is not known: {self._unknown}"
        message, received_s, _ = newest
        age_s = time.monotonic() - received_s
        if age_s > self._oldest_s:
            return (
                f"the mode on {self._topic} is {age_s:.1f} s old; valid is up to {self._oldest_s} "
                "s; is the driver running?"
            )
        mode = int(getattr(message, self._field))
        return f"{_FAULTS[mode]} (mode {mode})" if mode in _FAULTS else ""

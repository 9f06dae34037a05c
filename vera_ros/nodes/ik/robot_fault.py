# SPDX-License-Identifier: Apache-2.0
"""What the robot itself says of its state: a reflex, a user stop, a recovery from an error."""

import importlib
import time
from typing import Any

from std_msgs.msg import String

from vera_ros.motion.causes import Cause, Reason
from vera_ros.nodes.common.conversions import LATCHED
from vera_ros.nodes.common.latest import Latest
from vera_ros.nodes.common.lifecycle_node import STEADY

# Values of robot_mode in franka_msgs/FrankaRobotState in which the robot takes no motion, and why.
_FAULTS = {
    3: "it is being guided by hand; let go of its buttons",
    4: "a reflex has stopped it; free it of what it touched, then recover it (franka: the action "
    "error_recovery of its driver)",
    5: "its user stop is pressed; release it once it is safe",
    6: "it recovers from an error by itself; wait for it",
}
_LOOK_S = 0.5  # between looks for who publishes the robot's state


class RobotFault:
    """Tells whether the robot itself is out of order; lasts as long as its node is configured.

    Any driver may say so on the latched topic `robot_fault`, with an empty text once all is well.

    Args:
        node: the rclpy node.
        state_topic: where the robot's mode comes, in any message that has `field`; empty: nowhere.
        oldest_s: a mode that came longer ago says nothing of the present.
        field: of the message, in the values of franka_msgs/FrankaRobotState's robot_mode.
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
        """Why the robot takes no motion, with the next step; None: it does, as far as is known."""
        what = self._said or (self._topic and self._mode_fault())
        if not what:
            return None
        return Reason(Cause.ROBOT_FAULT, f"the robot takes no motion: {what}")

    def _on_fault(self, message: String) -> None:
        self._said = message.data.strip()

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
        self._unknown = "nothing has come yet; is the driver running?"
        self._states = Latest(self._node, message, self._topic)

    def _mode_fault(self) -> str:
        """What the newest mode means; empty: all is well."""
        newest = None if self._states is None else self._states.read()
        if newest is None:
            return f"the mode on {self._topic} is not known: {self._unknown}"
        message, came_s, _ = newest
        age_s = time.monotonic() - came_s
        if age_s > self._oldest_s:
            return (
                f"the mode on {self._topic} is {age_s:.1f} s old; valid is up to {self._oldest_s} "
                "s; is the driver running?"
            )
        mode = int(getattr(message, self._field))
        return f"{_FAULTS[mode]} (mode {mode})" if mode in _FAULTS else ""

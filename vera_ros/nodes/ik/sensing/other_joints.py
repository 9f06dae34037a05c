# SPDX-License-Identifier: Apache-2.0
"""Posture of what else the description has, such as a second arm, from joint_states."""

import math
import time
from typing import Any

from sensor_msgs.msg import JointState

from vera_ros.motion.collision.model import CollisionModel
from vera_ros.nodes.common.latest import Latest

_KEPT = 64  # messages between two reads, of all publishers: the arm's own may come at 1 kHz
_SAME_RAD = 1e-3
_SILENT_S = 2.0


class OtherJoints:
    """Places the shapes that joints other than the arm's carry where joint_states have them.

    Args:
        node: the rclpy node.
        obstacles: collision model of the arm; None: collisions are not checked.

    Attributes:
        names: these joints; empty: there are none.
    """

    def __init__(self, node: Any, obstacles: CollisionModel | None) -> None:
        self.names = () if obstacles is None else obstacles.other_joints
        self._obstacles = obstacles
        self._positions: dict[str, float] = {}
        self._placed: dict[str, float] = {}
        self._seen_s = dict.fromkeys(self.names, time.monotonic())
        self._messages = Latest(node, JointState, "joint_states", _KEPT) if self.names else None

    def update(self) -> None:
        """Take the joint states that have arrived, and place the shapes if these joints moved."""
        if self._messages is None or self._obstacles is None:
            return
        for message, received_s, _ in self._messages.take():
            for name, position in zip(message.name, message.position, strict=False):
                if name in self._seen_s and math.isfinite(position):
                    self._positions[name] = position
                    self._seen_s[name] = received_s
        moved = any(
            name not in self._placed or abs(position - self._placed[name]) > _SAME_RAD
            for name, position in self._positions.items()
        )
        if moved:
            self._placed = dict(self._positions)
            self._obstacles.place_others(self._placed)

    def warnings(self) -> list[str]:
        """Return which of these joints are not published any more, or have never been."""
        late = time.monotonic() - _SILENT_S
        silent = [name for name, seen_s in self._seen_s.items() if seen_s < late]
        words = []
        for names, where in (
            ([name for name in silent if name not in self._positions], "at zero"),
            ([name for name in silent if name in self._positions], "where they were last"),
        ):
            if names:
                words.append(
                    f"joint_states are without {', '.join(names)}, which robot_description has: "
                    f"the collision check takes them as {where}; publish them on the same topic, "
                    "or describe this arm alone, with fixed joints for the rest"
                )
        return words

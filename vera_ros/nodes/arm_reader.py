# SPDX-License-Identifier: Apache-2.0
"""The arm's measured state, from joint_states."""

import math
import time
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState

from vera_ros.motion.commands import Measured
from vera_ros.motion.small_matrices import Vector
from vera_ros.nodes.conversions import in_order, stamp_to_ns
from vera_ros.nodes.latest import Latest


class ArmReader:
    """Looks at the newest joint states when asked.

    Args:
        node: the rclpy node.
        joint_names: of the arm, base to tip.
        gripper_joint: the finger; empty: none.
        oldest_s: joint states that are older say nothing of the present.
    """

    def __init__(
        self, node: Any, joint_names: tuple[str, ...], gripper_joint: str, oldest_s: float
    ) -> None:
        self._joint_names = joint_names
        self._gripper_joint = gripper_joint
        self._oldest_s = oldest_s
        self._newest = Latest(node, JointState, "joint_states")
        self._read: tuple[JointState, float] | None = None
        self._invalid = ""
        self.invalid_count = 0
        self.measured: Measured | None = None
        self.effort: Vector | None = None

    def read(self) -> None:
        """Take the newest joint states, if there are any that were not taken yet."""
        newest = self._newest.read()
        if newest is None or newest is self._read:
            return
        self._read = newest
        message, received_s = newest
        names = self._joint_names
        try:
            q = in_order(message, names, "position")
            dq = in_order(message, names, "velocity") if message.velocity else None
            finger = (
                float(in_order(message, (self._gripper_joint,), "position")[0])
                if self._gripper_joint
                else None
            )
        except (KeyError, ValueError) as error:
            self.invalid_count += 1
            self._invalid = (
                f"joint states without {error}"
                if isinstance(error, KeyError)
                else f"invalid joint states: {error}"
            )
            return
        self._invalid = ""
        stamp_s = stamp_to_ns(message.header.stamp) * 1e-9
        self.measured = Measured(q, dq, finger, stamp_s, received_s)
        self.effort = _efforts(message, names)

    @property
    def age_s(self) -> float:
        """How long ago the newest joint states came that were taken [s]."""
        return math.inf if self.measured is None else time.monotonic() - self.measured.received_s

    def fault(self) -> str:
        """Why the arm's present state is not known; empty: it is."""
        if self.measured is None:
            return self._invalid or "no joint states were received yet"
        if self.age_s > self._oldest_s:
            return self._invalid or (
                f"no joint states have come for more than {self._oldest_s} s; is their driver "
                "running?"
            )
        return ""


def _efforts(message: JointState, names: tuple[str, ...]) -> Vector | None:
    """The joints' efforts, where they are measured: many drivers leave them out or not a number."""
    values = dict(zip(message.name, message.effort, strict=False))
    efforts = np.array([values.get(name, np.nan) for name in names])
    return efforts if np.isfinite(efforts).all() else None

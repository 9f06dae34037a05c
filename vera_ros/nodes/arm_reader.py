# SPDX-License-Identifier: Apache-2.0
"""The arm's measured state, from joint_states."""

import time
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.commands import Measured
from vera_ros.motion.measurements import Measurements
from vera_ros.motion.senses import Senses
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
        self._clock = node.get_clock()
        self._joint_names = joint_names
        self._gripper_joint = gripper_joint
        self._newest = Latest(node, JointState, "joint_states")
        self._read: tuple[JointState, float] | None = None
        self._measurements = Measurements(oldest_s)
        self.effort: Vector | None = None

    def read(self) -> None:
        """Take the newest joint states, if there are any that were not taken yet."""
        newest = self._newest.read()
        if newest is None or newest is self._read:
            return
        self._read = newest
        message, received_s = newest
        try:
            measured = read_joints(message, self._joint_names, self._gripper_joint, received_s)
        except KeyError as error:
            self._measurements.refuse(f"joint states without {error}")
        except ValueError as error:
            self._measurements.refuse(f"invalid joint states: {error}")
        else:
            if self._measurements.add(measured, self._now_s()):
                self.effort = _efforts(message, self._joint_names)

    @property
    def measured(self) -> Measured | None:
        """The newest joint states that were taken."""
        return self._measurements.newest

    @property
    def invalid_count(self) -> int:
        """How many joint states were of no use."""
        return self._measurements.refused

    def sense(self, fault: MotionRefusedError | None) -> Senses:
        """What is known of the arm now. `fault`: why nothing may be moved; None: it may."""
        steady_s, unknown = time.monotonic(), self.fault()
        if unknown and fault is None:
            fault = MotionRefusedError(Cause.NO_JOINT_STATES, unknown)
        return Senses(
            None if unknown else self.measured,
            self.effort,
            self._measurements.age_s(steady_s, self._now_s()),
            self._measurements.silent_s(steady_s),
            fault,
        )

    def fault(self) -> str:
        """Why the arm's present state is not known; empty: it is."""
        return self._measurements.fault(time.monotonic(), self._now_s())

    def _now_s(self) -> float:
        return float(self._clock.now().nanoseconds) * 1e-9


def read_joints(
    message: JointState, names: tuple[str, ...], gripper_joint: str, received_s: float
) -> Measured:
    """The arm as joint states tell of it.

    Args:
        message: the joint states.
        names: of the arm's joints, base to tip.
        gripper_joint: the finger; empty: none.
        received_s: when they came, steady time.

    Raises:
        KeyError: a joint is missing.
        ValueError: a value is missing or not finite.
    """
    if not message.velocity:
        raise ValueError(
            "they bring no velocities, so nobody knows whether the arm rests; have the driver "
            "export its velocity state interfaces"
        )
    finger_m = None
    if gripper_joint:
        finger_m = float(in_order(message, (gripper_joint,), "position")[0])
    return Measured(
        in_order(message, names, "position"),
        in_order(message, names, "velocity"),
        finger_m,
        stamp_to_ns(message.header.stamp) * 1e-9,
        received_s,
    )


def _efforts(message: JointState, names: tuple[str, ...]) -> Vector | None:
    """The joints' efforts, where they are measured: many drivers leave them out or not a number."""
    values = dict(zip(message.name, message.effort, strict=False))
    efforts = np.array([values.get(name, np.nan) for name in names])
    return efforts if np.isfinite(efforts).all() else None

# SPDX-License-Identifier: Apache-2.0
"""The arm's measured state, from joint_states."""

import time
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState

from vera_ros.motion.causes import Reason
from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.observation.arm_clock import ArmClock
from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.motion.observation.joint_state_filter import JointStateFilter
from vera_ros.nodes.common.conversions import in_order, stamp_to_ns
from vera_ros.nodes.common.latest import Latest
from vera_ros.printable import printable

_KEPT = 8  # messages between two reads; more of a faster driver would add nothing
_LOG_PERIOD_S = 1.0
_MOST_NAMES = 20  # of other joints, for a message


class ArmReader:
    """Reads and filters joint states when polled.

    The arm is read from messages that name all its joints, the finger from any that names it.

    Args:
        node: the rclpy node.
        joint_names: of the arm, base to tip, n of them.
        gripper_joint: the finger; empty: none.
        velocity_limit: of the arm's joints. Shape (n,), [rad/s].
        oldest_s: maximum age of joint states [s].
        slides: indices of the arm's joints that slide.

    Attributes:
        filter: the accepted joint states.
        clock: estimate of the controller's clock, from their stamps.
        set_by_s: by how much that clock was set, as seen by the last read [s].
        longest_silence_s: longest time so far between two accepted joint states of the arm [s].
    """

    def __init__(
        self,
        node: Any,
        joint_names: tuple[str, ...],
        gripper_joint: str,
        velocity_limit: Vector,
        oldest_s: float,
        slides: frozenset[int] = frozenset(),
    ) -> None:
        self._node = node
        self._slides = slides
        self._gripper_joint = gripper_joint
        self._messages = Latest(node, JointState, "joint_states", _KEPT)
        self._newest: JointState | None = None
        self._arrived_s, self.longest_silence_s = np.inf, 0.0
        self._logged, self._logged_s = 0, -np.inf
        self.clock = ArmClock()
        self.set_by_s = 0.0
        self.filter = JointStateFilter(joint_names, velocity_limit, oldest_s, gripper_joint)

    @property
    def _joint_names(self) -> tuple[str, ...]:
        return self.filter.arm.joint_names

    def read(self) -> None:
        """Process the joint states that arrived since the last read."""
        self.set_by_s = 0.0
        for message, received_s, sequence in self._messages.take():
            try:
                self._take(message, received_s, sequence)
                if self.filter.clock_sample is not None and not self._simulated:
                    self._update_clock(*self.filter.clock_sample)
            except ValueError as error:
                self.filter.rejections.refuse(f"invalid joint states: {error}")
        self._log_events()

    def _take(self, message: JointState, received_s: float, sequence: int | None) -> None:
        """Process one message.

        Raises:
            ValueError: a value is missing or not finite.
        """
        known = self.filter
        missing = [name for name in self._joint_names if name not in message.name]
        has_finger = self._gripper_joint in message.name
        if not missing:
            known.count_publishers(sequence, received_s)
            measured = read_joints(message, self._joint_names, received_s, self._slides)
            # Not now_s: a sample can be ahead of /clock, and would then hide that it went back.
            now_s = self._ours_s() if self._simulated else self.now_s()
            if not known.add(measured, now_s, simulated=self._simulated):
                return
            self._newest = message
            self.longest_silence_s = max(self.longest_silence_s, received_s - self._arrived_s)
            self._arrived_s = received_s
        elif len(missing) < len(self._joint_names):
            known.rejections.refuse(f"joint states without {', '.join(map(repr, missing))}")
            return
        if not has_finger:
            others = [name for name in message.name if name not in self._joint_names]
            known.strangers = tuple(map(printable, others[:_MOST_NAMES])) or known.strangers
        else:
            position_m = float(in_order(message, (self._gripper_joint,), "position")[0])
            known.add_finger(position_m, stamp_to_ns(message.header.stamp) * 1e-9, received_s)

    def _update_clock(self, stamp_s: float, received_s: float) -> None:
        """Update the estimate of the controller's clock with a stamp."""
        by_s = self.clock.observe(stamp_s, received_s)
        if by_s:
            self.set_by_s += by_s
            self.filter.clock_was_set(by_s)

    def _log_events(self) -> None:
        """Log the filter's events; of outliers, at most one per second."""
        for event in self.filter.take_events():
            self._node.get_logger().warning(event)
        new, now_s = self.filter.rejections.outliers - self._logged, time.monotonic()
        if new and now_s - self._logged_s >= _LOG_PERIOD_S:
            self._logged, self._logged_s = self.filter.rejections.outliers, now_s
            self._node.get_logger().warning(
                f"{self.filter.rejections.outlier} ({new} such joint states not counted)"
            )

    @property
    def _simulated(self) -> bool:
        """Whether time is simulated, so that all nodes have the same."""
        return bool(self._node.get_clock().ros_time_is_active)

    @property
    def measured(self) -> Measured | None:
        """The newest accepted joint states; None: none."""
        return self.filter.newest

    @property
    def effort(self) -> Vector | None:
        """The joints' efforts in them; None: not measured. Shape (n,), [Nm]."""
        return None if self._newest is None else _efforts(self._newest, self._joint_names)

    @property
    def invalid_count(self) -> int:
        """Number of invalid joint states."""
        return self.filter.rejections.refused

    @property
    def outliers(self) -> int:
        """Number of joint states with values that no joint can have reached."""
        return self.filter.rejections.outliers

    def sense(self, fault: Reason | None) -> ArmObservation:
        """Return the observation of the arm. `fault`: why it must not move; None: it may."""
        known, steady_s, now_s = self.filter, time.monotonic(), self.now_s()
        return ArmObservation(
            None if known.unknown(steady_s, now_s) else known.newest,
            self.effort,
            known.age_s(steady_s, now_s),
            known.silent_s(steady_s),
            fault or known.fault(steady_s, now_s),
            settled=known.settled(steady_s),
            reacquired=known.reacquired,
            recent=tuple(known.arm.recent),
            elsewhere=known.elsewhere(steady_s),
        )

    def fault(self) -> Reason | None:
        """Return why the joint states forbid motion; None: they do not."""
        return self.filter.fault(time.monotonic(), self.now_s())

    def now_s(self) -> float:
        """Return the controller's time [s], as far as it is known (see ArmClock).

        With /clock, all nodes share one time; the newest joint states may be ahead of it.
        """
        ours_s = self._ours_s()
        if not self._simulated:
            return self.clock.now_s(time.monotonic(), ours_s)
        newest = self.filter.newest
        return ours_s if newest is None else max(ours_s, newest.stamp_s)

    def offset_s(self) -> float:
        """Return the controller's clock minus this machine's, at least [s]; 0: they may agree."""
        if self._simulated:
            return 0.0
        return self.clock.offset_s(time.monotonic(), self._ours_s())

    def in_doubt(self) -> bool:
        """Return whether the controller's clock may just have been set (see ArmClock)."""
        return self.clock.in_doubt(time.monotonic())

    def unsure_s(self) -> float:
        """Return the uncertainty of the controller's time [s]."""
        return self.clock.uncertainty_s(time.monotonic())

    def clocks_fault(self, most_s: float) -> Reason | None:
        """Return why the clocks do not agree well enough (see ArmClock.fault); None: they do."""
        return self.clock.fault(time.monotonic(), self._ours_s(), most_s)

    def _ours_s(self) -> float:
        return float(self._node.get_clock().now().nanoseconds) * 1e-9


def read_joints(
    message: JointState,
    names: tuple[str, ...],
    received_s: float,
    slides: frozenset[int] = frozenset(),
) -> Measured:
    """Return the arm's measured state from joint states, without the finger.

    Args:
        message: the joint states.
        names: of the arm's joints, base to tip.
        received_s: time of arrival, steady time [s].
        slides: indices of those that slide.

    Raises:
        KeyError: a joint is missing.
        ValueError: a value is missing or not finite.
    """
    if not message.velocity:
        raise ValueError(
            "they have no velocities, so whether the arm rests is not known; have the driver "
            "export its velocity state interfaces"
        )
    return Measured(
        in_order(message, names, "position"),
        in_order(message, names, "velocity"),
        None,
        stamp_to_ns(message.header.stamp) * 1e-9,
        received_s,
        slides,
    )


def _efforts(message: JointState, names: tuple[str, ...]) -> Vector | None:
    """Return the joints' efforts; None: not measured (many drivers omit them or send NaN)."""
    values = dict(zip(message.name, message.effort, strict=False))
    efforts = np.array([values.get(name, np.nan) for name in names])
    return efforts if np.isfinite(efforts).all() else None

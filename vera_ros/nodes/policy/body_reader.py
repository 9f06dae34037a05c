# SPDX-License-Identifier: Apache-2.0
"""Proprioception from joint states and TCP pose, now or a moment ago."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.conversions import in_order, stamp_to_ns
from vera_ros.nodes.common.latest import Latest
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.policy.arm_watch import ArmWatch
from vera_ros.policy.observation.history import History, Vector
from vera_ros.policy.ports import Proprioception

_SAME_MOMENT_NS = 1000  # stamps that were computed in seconds are rounded
_KEPT = 16  # messages between two reads: 0.16 s of joint states at 100 Hz
_HISTORY = 64  # measurements
_REACH_NS = 30_000_000  # a measurement is valid for so long after its stamp
_OPEN_M = 0.04  # position of an open finger in the training environment; closed, it is 0


class BodyReader:
    """The body port of an episode (see vera_ros.policy.ports).

    Arm and gripper may publish their joint states separately.

    Args:
        node: the rclpy node.
        max_age_s: maximum age of current joint states and poses [s].
        arm_joints: joints reported as q_robot.
        finger_joints: joints reported as gripper_qpos: two, one for both, or none.
        arm_watch: says whether the arm side has its joint states and controllers, too: it may
            discover a driver later than this node, and would reject a chunk until then.
        opened: position of the finger joints when open [m or rad].
        closed: position of the finger joints when closed [m or rad].
        has_tcp: whether the arm side publishes a TCP's pose; else there is none to report.

    Raises:
        ConfigurationError: more than two fingers, or open and closed are the same.

    Attributes:
        base_frame: frame of the TCP's pose, the arm's base; empty: no pose has arrived.
    """

    def __init__(
        self,
        node: VeraNode,
        max_age_s: float,
        arm_joints: list[str],
        finger_joints: list[str],
        arm_watch: ArmWatch,
        opened: float = _OPEN_M,
        closed: float = 0.0,
        *,
        has_tcp: bool = True,
    ) -> None:
        if len(finger_joints) > 2 or opened == closed:
            raise ConfigurationError(
                f"finger_joints are {finger_joints}, gripper_open_m is {opened}, gripper_closed_m "
                f"{closed}; valid are two joints, one that stands for both fingers, or none, and "
                "two positions of them"
            )
        self._opened, self._closed = opened, closed
        self._arm_watch = arm_watch
        self._max_age_s = max_age_s
        self._joint_states = Latest(node, JointState, "joint_states", _KEPT)
        self._poses = Latest(node, PoseStamped, "tcp_pose", _KEPT)
        self._arm = _Measured(_reader_of(arm_joints), arm_joints)
        self._fingers = _Measured(_reader_of(finger_joints), finger_joints)
        self._pose = _Measured(_read_pose) if has_tcp else None
        self.base_frame = ""

    def proprioception(self, since_ns: int) -> Proprioception | None:
        """Return the current values; None: unknown, too old, or from before `since_ns`."""
        self._take()
        newest = [part.newest for part in self._parts]
        oldest_s, earliest_ns = time.monotonic() - self._max_age_s, since_ns - _SAME_MOMENT_NS
        values = [
            each.values
            for each in newest
            if each is not None and each.received_s >= oldest_s and each.stamp_ns >= earliest_ns
        ]
        if len(values) < len(newest) or not self._arm_watch.connected():
            return None
        return self._proprioception(*values)

    def proprioception_at(self, time_ns: int) -> Proprioception | None:
        """Return the values at a ROS time a moment ago; None: not known."""
        self._take()
        return self._proprioception(*(part.history.at(time_ns) for part in self._parts))

    def explain(self) -> str:
        """Return why the current values are not known, and what the arm side says of it."""
        parts = {
            f"joint_states of {self._arm.names}": self._arm,
            f"joint_states of {self._fingers.names}": self._fingers,
        }
        if self._pose is not None:
            parts["tcp_pose"] = self._pose
        oldest_s = time.monotonic() - self._max_age_s
        missing = [
            name
            for name, part in parts.items()
            if part.newest is None or part.newest.received_s < oldest_s
        ]
        words = f"missing: {', '.join(missing)}" if missing else ""
        known = "; ".join(filter(None, [words, self._arm_watch.complaint()]))
        return known or "nothing has been measured since the arm came to rest"

    def starting(self) -> bool:
        """Return whether the arm side has not been active yet, as far as is known."""
        return self._arm_watch.starting()

    @property
    def _parts(self) -> "list[_Measured]":
        return [self._arm, self._fingers, *([] if self._pose is None else [self._pose])]

    def _proprioception(
        self, arm: Vector | None, fingers: Vector | None, *poses: Vector | None
    ) -> Proprioception | None:
        if arm is None or fingers is None:
            return None
        values = {"q_robot": arm, "gripper_qpos": self._gripper_qpos(fingers)}
        for pose in poses:
            if pose is None:
                return None
            values["eef_pos"] = pose[:3]
            values["eef_quat"] = pose[3:] / np.linalg.norm(pose[3:])  # interpolated: shorter than 1
        return {name: value.astype(np.float32) for name, value in values.items()}

    def _gripper_qpos(self, fingers: Vector) -> Vector:
        """Return the positions of the training gripper's fingers when open as far. Shape (2,), [m].

        An arm without a gripper reports open fingers, as every training episode begins with.
        """
        if not fingers.size:
            fingers = np.array([self._opened])
        return (fingers - self._closed) / (self._opened - self._closed) * [_OPEN_M, -_OPEN_M]

    def _take(self) -> None:
        for message, received_s, _ in self._joint_states.take():
            self._arm.take(message, received_s)
            self._fingers.take(message, received_s)
        for message, received_s, _ in self._poses.take():
            self.base_frame = str(message.header.frame_id)
            if self._pose is not None:
                self._pose.take(message, received_s)


class _Newest(NamedTuple):
    stamp_ns: int
    received_s: float  # steady time
    values: Vector


class _Measured:
    """A measured vector and its history; `read` extracts it from a message, None: not in it."""

    def __init__(self, read: Callable[[Any], Vector | None], names: Sequence[str] = ()) -> None:
        self._read = read
        self.names = list(names)
        self.newest: _Newest | None = None
        self.history = History(_HISTORY, _REACH_NS)

    def take(self, message: Any, received_s: float) -> None:
        values = self._read(message)
        if values is not None:
            stamp_ns = stamp_to_ns(message.header.stamp)
            self.newest = _Newest(stamp_ns, received_s, values)
            self.history.add(stamp_ns, values)


def _reader_of(names: Sequence[str]) -> Callable[[JointState], Vector | None]:
    def read(message: JointState) -> Vector | None:
        try:
            return in_order(message, tuple(names), "position")
        except (KeyError, ValueError):
            return None

    return read


def _read_pose(message: PoseStamped) -> Vector | None:
    p, r = message.pose.position, message.pose.orientation
    pose = np.array([p.x, p.y, p.z, r.x, r.y, r.z, r.w])
    return pose if np.isfinite(pose).all() and np.linalg.norm(pose[3:]) > 0.5 else None

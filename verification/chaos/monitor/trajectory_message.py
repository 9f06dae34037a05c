# SPDX-License-Identifier: Apache-2.0
"""Conversion of JointTrajectory messages to the monitor's data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verification.chaos.monitor.arm_verifier import ARM, FINGERS, Judgement
from verification.chaos.monitor.finger_verifier import FingerTrajectory
from verification.chaos.monitor.recording import Published
from verification.chaos.proxies.note import read_note
from verification.judge.bounds import Vector

_OF_ARM = ("positions", "velocities", "accelerations")


def read_trajectory(
    message: Any, joints: Sequence[str], number: int, arrived_s: float, epoch_ns: int
) -> Published | Judgement:
    """Read the arm's JointTrajectory; return a judgement if it is malformed.

    Args:
        message: the JointTrajectory as the relay forwarded it.
        joints: names of the arm's joints, base to tip.
        number: of the trajectory.
        arrived_s: when the relay forwarded it to the controller [s after the epoch].
        epoch_ns: ROS time of the epoch [ns].
    """
    info = _MessageInfo.of(message, arrived_s, epoch_ns)
    try:
        q, dq, ddq = (_values(message, joints, name) for name in _OF_ARM)
    except ValueError as error:
        return info.unreadable(number, error, ARM)
    times_s = _times_s(message)
    return Published(
        number, info.begins_s, info.published_s, arrived_s, times_s, q, dq, ddq, info.uncertainty_s
    )


def read_finger_trajectory(
    message: Any, joint: str, number: int, arrived_s: float, epoch_ns: int
) -> FingerTrajectory | Judgement:
    """Read the JointTrajectory of the commanded finger, like `read_trajectory`."""
    info = _MessageInfo.of(message, arrived_s, epoch_ns)
    try:
        positions = _values(message, [joint], "positions")[:, 0]
    except ValueError as error:
        return info.unreadable(number, error, FINGERS)
    times_s = _times_s(message)
    return FingerTrajectory(
        number,
        info.begins_s,
        info.published_s,
        arrived_s,
        times_s,
        positions,
        uncertainty_s=info.uncertainty_s,
    )


@dataclass(frozen=True)
class _MessageInfo:
    """Times of a message's publication and arrival, see `Published`."""

    begins_s: float
    published_s: float
    arrived_s: float
    uncertainty_s: float

    @classmethod
    def of(cls, message: Any, arrived_s: float, epoch_ns: int) -> "_MessageInfo":
        published_s, uncertainty_s = arrived_s, 0.0
        if (note := read_note(message.header.frame_id)) is not None:
            published_s, uncertainty_s = (note[0] - epoch_ns) * 1e-9, note[1]
        stamp_ns = _ns(message.header.stamp)
        begins_s = (stamp_ns - epoch_ns) * 1e-9 if stamp_ns else arrived_s
        return cls(begins_s, published_s, arrived_s, uncertainty_s)

    def unreadable(self, number: int, error: ValueError, of: str) -> Judgement:
        return Judgement(
            number,
            self.begins_s,
            self.published_s,
            self.arrived_s,
            violations=(str(error),),
            of=of,
        )


def _values(message: Any, joints: Sequence[str], name: str) -> Vector:
    """Return a field of all points, in the order of the joints. Shape (N, n).

    Raises:
        ValueError: the joints are others, or a point lacks values.
    """
    if sorted(message.joint_names) != sorted(joints):
        names = list(message.joint_names)
        raise ValueError(f"it is for the joints {names}; valid are {list(joints)}")
    rows = [getattr(point, name) for point in message.points]
    if wrong := [index for index, row in enumerate(rows) if len(row) != len(joints)]:
        count = len(rows[wrong[0]])
        raise ValueError(f"point {wrong[0]} has {count} {name}; valid is {len(joints)}")
    columns = [list(message.joint_names).index(joint) for joint in joints]
    return np.array(rows, float).reshape(len(rows), len(joints))[:, columns]


def _times_s(message: Any) -> Vector:
    return np.array([_ns(point.time_from_start) * 1e-9 for point in message.points])


def _ns(stamp: Any) -> int:
    """Convert a Time or a Duration to ns."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)

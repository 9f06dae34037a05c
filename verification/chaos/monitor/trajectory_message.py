# SPDX-License-Identifier: Apache-2.0
"""From a trajectory's message to what the monitor judges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verification.chaos.middlemen.note import read_note
from verification.chaos.monitor.finger_umpire import FingerTrajectory
from verification.chaos.monitor.recording import Published
from verification.chaos.monitor.umpire import ARM, FINGERS, Judgement
from verification.judge.bounds import Vector

_OF_ARM = ("positions", "velocities", "accelerations")


def read_trajectory(
    message: Any, joints: Sequence[str], number: int, arrived_s: float, epoch_ns: int
) -> Published | Judgement:
    """Read the arm's JointTrajectory; what cannot be read is judged at once.

    Args:
        message: as it came.
        joints: names of the arm's joints, base to tip.
        number: counts the trajectories.
        arrived_s: when it was passed on to the controller [s after the epoch].
        epoch_ns: ROS time from which all times count [ns].
    """
    way = _Way.of(message, arrived_s, epoch_ns)
    try:
        q, dq, ddq = (_values(message, joints, name) for name in _OF_ARM)
    except ValueError as error:
        return way.unreadable(number, error, ARM)
    times_s = _times_s(message)
    return Published(
        number, way.begins_s, way.published_s, arrived_s, times_s, q, dq, ddq, way.doubt_s
    )


def read_finger_trajectory(
    message: Any, joint: str, number: int, arrived_s: float, epoch_ns: int
) -> FingerTrajectory | Judgement:
    """The same for the JointTrajectory of the finger that is commanded."""
    way = _Way.of(message, arrived_s, epoch_ns)
    try:
        positions = _values(message, [joint], "positions")[:, 0]
    except ValueError as error:
        return way.unreadable(number, error, FINGERS)
    times_s = _times_s(message)
    return FingerTrajectory(
        number, way.begins_s, way.published_s, arrived_s, times_s, positions, doubt_s=way.doubt_s
    )


@dataclass(frozen=True)
class _Way:
    """When a message was sent and came, see Published."""

    begins_s: float
    published_s: float
    arrived_s: float
    doubt_s: float

    @classmethod
    def of(cls, message: Any, arrived_s: float, epoch_ns: int) -> "_Way":
        published_s, doubt_s = arrived_s, 0.0
        if (note := read_note(message.header.frame_id)) is not None:
            published_s, doubt_s = (note[0] - epoch_ns) * 1e-9, note[1]
        stamp_ns = _ns(message.header.stamp)
        begins_s = (stamp_ns - epoch_ns) * 1e-9 if stamp_ns else arrived_s
        return cls(begins_s, published_s, arrived_s, doubt_s)

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
    """These values of all points, in the order of the joints. Shape (N, n).

    Raises:
        ValueError: they are not all there.
    """
    if sorted(message.joint_names) != sorted(joints):
        raise ValueError(f"it is for the joints {list(message.joint_names)}")
    rows = [getattr(point, name) for point in message.points]
    if wrong := [index for index, row in enumerate(rows) if len(row) != len(joints)]:
        raise ValueError(f"point {wrong[0]} has {len(rows[wrong[0]])} {name}")
    columns = [list(message.joint_names).index(joint) for joint in joints]
    return np.array(rows, float).reshape(len(rows), len(joints))[:, columns]


def _times_s(message: Any) -> Vector:
    return np.array([_ns(point.time_from_start) * 1e-9 for point in message.points])


def _ns(stamp: Any) -> int:
    """Of a Time; of a Duration as well, whose names differ from nothing that matters here."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)

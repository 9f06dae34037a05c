# SPDX-License-Identifier: Apache-2.0
"""From a trajectory's message to what the monitor judges."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.bounds import Vector
from chaos.finger_umpire import FingerTrajectory
from chaos.recording import Published
from chaos.umpire import FINGERS, Judgement

_OF_ARM = ("positions", "velocities", "accelerations")


def read_trajectory(
    message: Any, joints: Sequence[str], number: int, published_s: float, epoch_ns: int
) -> Published | Judgement:
    """Read the arm's JointTrajectory; what cannot be read is judged at once.

    Args:
        message: as it came.
        joints: names of the arm's joints, base to tip.
        number: counts the trajectories.
        published_s: when it was published [s after the epoch].
        epoch_ns: ROS time from which all times count [ns].
    """
    begins_s = _begins_s(message, published_s, epoch_ns)
    try:
        values = [_values(message, joints, name) for name in _OF_ARM]
    except ValueError as error:
        return Judgement(number, begins_s, violations=(str(error),))
    return Published(number, begins_s, published_s, _times_s(message), *values)


def read_finger_trajectory(
    message: Any, joint: str, number: int, published_s: float, epoch_ns: int
) -> FingerTrajectory | Judgement:
    """The same for the JointTrajectory of the finger that is commanded."""
    begins_s = _begins_s(message, published_s, epoch_ns)
    try:
        positions = _values(message, [joint], "positions")[:, 0]
    except ValueError as error:
        return Judgement(number, begins_s, violations=(str(error),), of=FINGERS)
    return FingerTrajectory(number, begins_s, published_s, _times_s(message), positions)


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


def _begins_s(message: Any, published_s: float, epoch_ns: int) -> float:
    stamp_ns = _ns(message.header.stamp)
    return (stamp_ns - epoch_ns) * 1e-9 if stamp_ns else published_s


def _times_s(message: Any) -> Vector:
    return np.array([_ns(point.time_from_start) * 1e-9 for point in message.points])


def _ns(stamp: Any) -> int:
    """Of a Time; of a Duration as well, whose names differ from nothing that matters here."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)

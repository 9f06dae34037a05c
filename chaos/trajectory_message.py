# SPDX-License-Identifier: Apache-2.0
"""From a trajectory's message to what the monitor judges."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.bounds import Vector
from chaos.recording import Published
from chaos.umpire import Judgement


def read_trajectory(
    message: Any, joints: Sequence[str], number: int, published_s: float, epoch_ns: int
) -> Published | Judgement:
    """Read a JointTrajectory; what cannot be read is judged at once.

    Args:
        message: as it came.
        joints: names of the arm's joints, base to tip.
        number: counts the trajectories.
        published_s: when it was published [s after the epoch].
        epoch_ns: ROS time from which all times count [ns].
    """
    stamp_ns = _ns(message.header.stamp)
    begins_s = (stamp_ns - epoch_ns) * 1e-9 if stamp_ns else published_s
    if sorted(message.joint_names) != sorted(joints):
        return _unreadable(number, begins_s, f"it is for the joints {list(message.joint_names)}")
    columns = [list(message.joint_names).index(name) for name in joints]
    values: list[Vector] = []
    for name in ("positions", "velocities", "accelerations"):
        rows = [getattr(point, name) for point in message.points]
        if wrong := [index for index, row in enumerate(rows) if len(row) != len(joints)]:
            return _unreadable(
                number, begins_s, f"point {wrong[0]} has {len(rows[wrong[0]])} {name}"
            )
        values.append(np.array(rows, float).reshape(len(rows), len(joints))[:, columns])
    times = np.array([_ns(point.time_from_start) * 1e-9 for point in message.points])
    return Published(number, begins_s, published_s, times, *values)


def _unreadable(number: int, begins_s: float, violation: str) -> Judgement:
    return Judgement(number, begins_s, violations=(violation,))


def _ns(stamp: Any) -> int:
    """Of a Time; of a Duration as well, whose names differ from nothing that matters here."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)

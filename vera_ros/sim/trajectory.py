# SPDX-License-Identifier: Apache-2.0
"""A joint trajectory as its message has it, and the checks before a controller takes it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vera_ros.errors import TrajectoryRejectedError

Array = NDArray[np.float64]

# A final velocity below this counts as rest, as in the controller.
_REST_RAD_S = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class TrajectoryPoints:
    """The points of a trajectory, as its message has them.

    Attributes:
        times_s: time of each point after the trajectory's stamp. Length N.
        positions: N rows of n joints, [rad or m].
        velocities: N rows of n, a row may be empty; None: no point has any.
        accelerations: as the velocities.
    """

    times_s: Sequence[float]
    positions: Sequence[ArrayLike] | Array
    velocities: Sequence[ArrayLike] | Array | None = None
    accelerations: Sequence[ArrayLike] | Array | None = None


@dataclass(frozen=True)
class Knot:
    """Where to be at a moment; without dq or ddq where the point had none. Shapes (n,)."""

    time_s: float
    q: Array
    dq: Array | None = None
    ddq: Array | None = None


def checked_knots(points: TrajectoryPoints, start_s: float, order: list[int]) -> list[Knot]:
    """Check the points and return them as knots.

    Args:
        points: the message's points.
        start_s: the time that the points' times count from.
        order: for each joint of the controller, its column in the points.

    Raises:
        TrajectoryRejectedError: with the reason.
    """
    times_s = np.asarray(points.times_s, float)
    if times_s.size == 0:
        raise TrajectoryRejectedError("the trajectory has no points; send at least one")
    if not (np.isfinite(times_s).all() and np.isfinite(start_s)):
        raise TrajectoryRejectedError(
            f"the trajectory's times are not finite (stamp {start_s}); send finite times"
        )
    late = np.flatnonzero(np.diff(times_s) <= 0)
    if late.size:
        i = int(late[0])
        raise TrajectoryRejectedError(
            f"the time of point {i + 1} ({times_s[i + 1]:.6f} s) is not after that of point {i} "
            f"({times_s[i]:.6f} s); times must strictly increase"
        )
    positions = _rows("positions", points.positions, times_s.size, order)
    velocities = _rows("velocities", points.velocities, times_s.size, order)
    accelerations = _rows("accelerations", points.accelerations, times_s.size, order)
    knots = []
    for i, (q, dq, ddq) in enumerate(zip(positions, velocities, accelerations, strict=True)):
        if q is None or (dq is None and ddq is not None):
            raise TrajectoryRejectedError(
                f"point {i} lacks {'positions' if q is None else 'velocities'}; send positions, "
                "positions and velocities, or these and accelerations"
            )
        knots.append(Knot(start_s + float(times_s[i]), q, dq, ddq))
    final = knots[-1].dq
    if final is not None and np.abs(final).max() > _REST_RAD_S:
        raise TrajectoryRejectedError(
            f"the last point has the velocities {final.tolist()}; end the trajectory at rest"
        )
    return knots


def _rows(
    field: str, rows: Sequence[ArrayLike] | Array | None, count: int, order: list[int]
) -> list[Array | None]:
    """Return each point's values in our order of joints, None where it has none."""
    if rows is None:
        return [None] * count
    if len(rows) != count:
        raise TrajectoryRejectedError(
            f"there are {count} points but {len(rows)} rows of {field}; send one row for each"
        )
    checked: list[Array | None] = []
    for i, row in enumerate(rows):
        values = np.asarray(row, float)
        if values.size not in (0, len(order)):
            raise TrajectoryRejectedError(
                f"point {i} has {values.size} {field} for {len(order)} joints; send one for each"
            )
        if not np.isfinite(values).all():
            raise TrajectoryRejectedError(
                f"point {i} has {field} that are not finite: {values.tolist()}; send finite numbers"
            )
        checked.append(values[order] if values.size else None)
    return checked

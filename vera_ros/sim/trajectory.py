# SPDX-License-Identifier: Apache-2.0
"""Joint trajectories: their points, a controller's checks, and their splines."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vera_ros.errors import TrajectoryRejectedError

Array = NDArray[np.float64]

# A final velocity up to this counts as rest, as in the controller.
_REST_RAD_S = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class TrajectoryPoints:
    """The points of a trajectory, as its message has them.

    Attributes:
        times_s: time of each point after the trajectory's stamp [s]. Length N.
        positions: N rows of n joints, [rad or m].
        velocities: N rows of n joints, a row may be empty; None: no point has any.
        accelerations: as the velocities.
        effort: as the velocities.
    """

    times_s: Sequence[float]
    positions: Sequence[ArrayLike] | Array
    velocities: Sequence[ArrayLike] | Array | None = None
    accelerations: Sequence[ArrayLike] | Array | None = None
    effort: Sequence[ArrayLike] | Array | None = None


@dataclass(frozen=True)
class Knot:
    """A point of a trajectory; dq and ddq are None where the point has none. Shapes (n,)."""

    time_ns: int
    q: Array
    dq: Array | None = None
    ddq: Array | None = None


@dataclass(frozen=True)
class Setpoint:
    """What the joints are commanded; `active` until the last point. Shapes (n,)."""

    q: Array
    dq: Array
    ddq: Array
    active: bool


class Trajectory:
    """A trajectory as a controller plays it, from the state before it to its last point, and on.

    Up to its first point it is interpolated from the state before. Where the first point is already
    due, that state plays no part.

    Args:
        knots: the points, in the order of time; at least one.
        before: where the joints are before, with velocities and accelerations.
    """

    def __init__(self, knots: Sequence[Knot], before: Knot) -> None:
        self._knots = [before, *knots]
        self._times_ns = [knot.time_ns for knot in knots]
        self._segment: int | None = None
        self._coefficients: Array = np.zeros((6, before.q.size))

    @np.errstate(invalid="ignore", over="ignore")  # what is not finite goes through
    def sample(self, time_ns: int) -> Setpoint | None:
        """Return the setpoint of a moment; past the end, the last point; None before the start."""
        if time_ns < self._knots[0].time_ns:
            return None
        if time_ns >= self._times_ns[-1]:
            last, zeros = self._knots[-1], np.zeros(len(self._knots[-1].q))
            return Setpoint(
                last.q,
                zeros if last.dq is None else last.dq,
                zeros if last.ddq is None else last.ddq,
                active=False,
            )
        segment = bisect_right(self._times_ns, time_ns)  # 0: from before to the first point
        if segment != self._segment:
            self._coefficients = _polynomial(self._knots[segment], self._knots[segment + 1])
            self._segment = segment
        t = (time_ns - self._knots[segment].time_ns) / 1e9
        powers = np.array(
            [
                [1, t, t**2, t**3, t**4, t**5],
                [0, 1, 2 * t, 3 * t**2, 4 * t**3, 5 * t**4],
                [0, 0, 2, 6 * t, 12 * t**2, 20 * t**3],
            ]
        )
        q, dq, ddq = powers @ self._coefficients
        return Setpoint(q, dq, ddq, active=True)


def _polynomial(a: Knot, b: Knot) -> Array:
    """Return the coefficients, lowest power first, of the motion from knot a. Shape (6, n).

    Quintic where both knots have velocities and accelerations, cubic where both have velocities,
    linear where neither do (Biagiotti and Melchiorri, Trajectory Planning for Automatic Machines
    and Robots, 2.1). For accelerations without velocities the controller has no rule, and commands
    0 rad: so does this.
    """
    h = (b.time_ns - a.time_ns) / 1e9
    delta = b.q - a.q
    c = np.zeros((6, delta.size))
    with_ddq = a.ddq is not None and b.ddq is not None
    if (a.dq is None or b.dq is None) and with_ddq:
        return c
    c[0] = a.q
    if a.dq is None or b.dq is None:
        c[1] = delta / h
    elif a.ddq is None or b.ddq is None:
        c[1] = a.dq
        c[2] = (3 * delta - (2 * a.dq + b.dq) * h) / h**2
        c[3] = (-2 * delta + (a.dq + b.dq) * h) / h**3
    else:
        c[1] = a.dq
        c[2] = a.ddq / 2
        c[3] = (20 * delta - (8 * b.dq + 12 * a.dq) * h - (3 * a.ddq - b.ddq) * h**2) / (2 * h**3)
        c[4] = (-30 * delta + (14 * b.dq + 16 * a.dq) * h + (3 * a.ddq - 2 * b.ddq) * h**2) / (
            2 * h**4
        )
        c[5] = (12 * delta - 6 * (b.dq + a.dq) * h + (b.ddq - a.ddq) * h**2) / (2 * h**5)
    return c


def checked_knots(points: TrajectoryPoints, joints: int) -> list[Knot]:
    """Check the points as a controller does, and return them as knots, with unchanged times.

    Args:
        points: the message's points.
        joints: number of joints.

    Raises:
        TrajectoryRejectedError: a check fails; the message has the reason.
    """
    times_s = np.asarray(points.times_s, float)
    if times_s.size == 0:
        raise TrajectoryRejectedError("the trajectory has no points; send at least one")
    if not np.isfinite(times_s).all():
        raise TrajectoryRejectedError(
            f"the trajectory's times are not finite: {times_s.tolist()}; send finite times"
        )
    times_ns = [round(time_s * 1e9) for time_s in times_s.tolist()]
    late = np.flatnonzero(np.diff(times_ns) <= 0)
    if late.size:
        i = int(late[0])
        raise TrajectoryRejectedError(
            f"the time of point {i + 1} ({times_s[i + 1]:.6f} s) is not after that of point {i} "
            f"({times_s[i]:.6f} s); times must strictly increase"
        )
    if points.effort is not None and any(np.size(row) for row in points.effort):
        raise TrajectoryRejectedError(
            "the trajectory has efforts, and positions are commanded; send none"
        )
    positions = _rows("positions", points.positions, len(times_ns), joints)
    velocities = _rows("velocities", points.velocities, len(times_ns), joints)
    accelerations = _rows("accelerations", points.accelerations, len(times_ns), joints)
    knots = []
    for i, q in enumerate(positions):
        if q is None:
            raise TrajectoryRejectedError(f"point {i} lacks positions; send them for each point")
        knots.append(Knot(times_ns[i], q, velocities[i], accelerations[i]))
    final = knots[-1].dq
    if final is not None and (np.abs(final) > _REST_RAD_S).any():
        raise TrajectoryRejectedError(
            f"the last point has the velocities {final.tolist()}; end the trajectory at rest"
        )
    return knots


def _rows(
    field: str, rows: Sequence[ArrayLike] | Array | None, count: int, joints: int
) -> list[Array | None]:
    """Return each point's values, None where it has none."""
    if rows is None:
        return [None] * count
    if len(rows) != count:
        raise TrajectoryRejectedError(
            f"there are {count} points but {len(rows)} rows of {field}; send one row for each"
        )
    checked: list[Array | None] = []
    for i, row in enumerate(rows):
        values = np.array(row, float)
        if values.size not in (0, joints):
            raise TrajectoryRejectedError(
                f"point {i} has {values.size} {field} for {joints} joints; send one for each"
            )
        checked.append(values if values.size else None)
    return checked

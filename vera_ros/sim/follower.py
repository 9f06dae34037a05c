# SPDX-License-Identifier: Apache-2.0
"""A trajectory follower that takes, refuses and interpolates as a joint_trajectory_controller.

The rules are those of ros2_control's controller on Jazzy (position interface, splines, no partial
goals), and stricter where it would let a fault through: values that are not finite, repeated joint
names, and accelerations without velocities are refused.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vera_ros.errors import TrajectoryRejectedError
from vera_ros.sim.trajectory import Array, Knot, TrajectoryPoints, checked_knots


@dataclass(frozen=True)
class Setpoint:
    """What the joints are to do now; `active` until the last point is reached. Shapes (n,)."""

    q: Array
    dq: Array
    ddq: Array
    active: bool


class TrajectoryFollower:
    """Follows one trajectory at a time; a new one replaces it outright."""

    def __init__(
        self, joint_names: Sequence[str], q: ArrayLike, *, open_loop: bool = False
    ) -> None:
        """Hold a position until a trajectory comes.

        Args:
            joint_names: the joints, in the order of every array that goes in or out.
            q: the position to hold. Shape (n,).
            open_loop: start a trajectory from the last setpoint instead of the measured state.
        """
        self._joint_names = tuple(joint_names)
        self._open_loop = open_loop
        self.hold(q)

    def hold(self, q: ArrayLike) -> None:
        """Forget the trajectory and hold this position. Shape (n,)."""
        self._knots = [Knot(-np.inf, np.array(q, float))]
        self._times_s = [-np.inf]
        self._segment = -1
        self._coefficients: Array = np.zeros((6, len(self._joint_names)))
        self._zero: Array = np.zeros(len(self._joint_names))

    def accept(
        self,
        joint_names: Sequence[str],
        points: TrajectoryPoints,
        stamp_s: float,
        now_s: float,
        q: ArrayLike,
        dq: ArrayLike,
    ) -> None:
        """Follow this trajectory from now on, or refuse it and go on as before.

        Args:
            joint_names: the order of the joints in the points.
            points: where to be when.
            stamp_s: when the points' times count from; 0 means now.
            now_s: the time of reception.
            q: measured positions. Shape (n,).
            dq: measured velocities. Shape (n,).

        Raises:
            TrajectoryRejectedError: with the reason.
        """
        order = self._order(joint_names)
        start_s = stamp_s if stamp_s != 0 else now_s
        knots = checked_knots(points, start_s, order)
        if knots[-1].time_s < now_s:
            raise TrajectoryRejectedError(
                f"the trajectory ended at {knots[-1].time_s:.3f} s and it is {now_s:.3f} s; "
                "stamp it later, or 0 for now"
            )
        if self._open_loop:
            last = self.sample(now_s)
            before = Knot(now_s, last.q, last.dq, last.ddq)
        else:
            first_ddq = knots[0].ddq
            ddq = None if first_ddq is None else np.zeros_like(first_ddq)
            before = Knot(now_s, np.array(q, float), np.array(dq, float), ddq)
        # A point that is already due is not approached: the trajectory goes on from there.
        self._knots = knots if knots[0].time_s <= now_s else [before, *knots]
        self._times_s = [knot.time_s for knot in self._knots]
        self._segment = -1

    def sample(self, now_s: float) -> Setpoint:
        """Return the setpoint of this moment; past the end, the last point."""
        last = self._knots[-1]
        if now_s >= last.time_s:
            dq = self._zero if last.dq is None else last.dq
            ddq = self._zero if last.ddq is None else last.ddq
            return Setpoint(last.q, dq, ddq, active=False)
        segment = max(bisect_right(self._times_s, now_s) - 1, 0)
        if segment != self._segment:
            self._coefficients = _polynomial(self._knots[segment], self._knots[segment + 1])
            self._segment = segment
        t = max(now_s - self._times_s[segment], 0.0)
        powers = np.array(
            [
                [1, t, t**2, t**3, t**4, t**5],
                [0, 1, 2 * t, 3 * t**2, 4 * t**3, 5 * t**4],
                [0, 0, 2, 6 * t, 12 * t**2, 20 * t**3],
            ]
        )
        q, dq, ddq = powers @ self._coefficients
        return Setpoint(q, dq, ddq, active=True)

    def _order(self, joint_names: Sequence[str]) -> list[int]:
        """Return for each of our joints its column in the trajectory."""
        if sorted(joint_names) != sorted(self._joint_names):
            raise TrajectoryRejectedError(
                f"the trajectory names the joints {list(joint_names)}; name each of "
                f"{list(self._joint_names)} once, in any order"
            )
        columns = list(joint_names)
        return [columns.index(name) for name in self._joint_names]


def _polynomial(a: Knot, b: Knot) -> Array:
    """Return the coefficients, lowest power first, of the motion from knot a. Shape (6, n).

    Quintic where both knots have accelerations, cubic where both have velocities, else linear
    (Biagiotti and Melchiorri, Trajectory Planning for Automatic Machines and Robots, 2.1).
    """
    h = b.time_s - a.time_s
    delta = b.q - a.q
    c = np.zeros((6, delta.size))
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

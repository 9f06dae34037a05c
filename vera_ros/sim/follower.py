# SPDX-License-Identifier: Apache-2.0
"""A trajectory follower that behaves, cycle by cycle, like a joint_trajectory_controller.

The rules are those of ros2_control's controller on Jazzy with a position interface, splines, no
partial goals, no tolerances and no continuous joints. It is as lenient as that one: it checks
neither limits nor that values are finite, and plays whatever it accepts.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from vera_ros.errors import TrajectoryRejectedError
from vera_ros.sim.trajectory import (
    Array,
    Knot,
    Setpoint,
    Trajectory,
    TrajectoryPoints,
    checked_knots,
)

PERIOD_S = 0.002  # 500 Hz
_JUMP_NS = 1_000_000_000


class TrajectoryFollower:
    """Follows one trajectory at a time; a new one replaces it outright.

    Each cycle commands where the trajectory is one control period later. A trajectory begins in the
    first cycle after it was accepted; where its first point is not due by then, the joints are led
    there from the state before: the measured one, now, or, in open loop, the last command, which is
    taken for the state of the cycle in which it was given, a period too early. In motion the first
    period is therefore covered twice as fast, as with the real controller.
    """

    def __init__(
        self,
        joint_names: Sequence[str],
        q: ArrayLike,
        *,
        open_loop: bool = False,
        period_s: float = PERIOD_S,
    ) -> None:
        """Hold a position until a trajectory comes.

        Args:
            joint_names: the joints, in the order of every array that goes in or out.
            q: the position to hold. Shape (n,).
            open_loop: start a trajectory from the last command instead of the measured state.
            period_s: the control period.
        """
        self._joint_names = tuple(joint_names)
        self._open_loop = open_loop
        self._period_ns = round(period_s * 1e9)
        self._sorted: Array = np.zeros(len(self._joint_names))
        self._next_ns: int | None = None
        self.hold(q)

    def hold(self, q: ArrayLike) -> None:
        """Forget the trajectory and hold this position, as when activated. Shape (n,)."""
        knot, zero = Knot(0, np.array(q, float)), np.zeros(len(self._joint_names))
        self._pending: tuple[int, list[int], list[Knot]] | None = None
        self._trajectory = Trajectory([knot], Knot(0, knot.q, zero, zero))
        self._time_ns = 0  # of the trajectory, which runs by the cycles' periods
        self._last = Setpoint(knot.q, zero, zero, active=False)
        self._last_ns: int | None = None  # the cycle of the last command

    def accept(
        self, joint_names: Sequence[str], points: TrajectoryPoints, stamp_ns: int, now_ns: int
    ) -> None:
        """Follow this trajectory from the next cycle on, or refuse it and go on as before.

        Args:
            joint_names: the order of the joints in the points.
            points: the trajectory's points.
            stamp_ns: time that the points' times count from [ns]; 0 means the next cycle.
            now_ns: the time of reception [ns].

        Raises:
            TrajectoryRejectedError: the trajectory is not acceptable; the message has the reason.
        """
        columns = self._columns(joint_names)
        knots = checked_knots(points, len(columns))
        end_ns = stamp_ns + knots[-1].time_ns
        if stamp_ns != 0 and end_ns < now_ns:
            raise TrajectoryRejectedError(
                f"the trajectory ended at {end_ns * 1e-9:.3f} s and it is {now_ns * 1e-9:.3f} s; "
                "stamp it later, or 0 for now"
            )
        self._pending = (stamp_ns, columns, knots)

    def update(
        self, now_ns: int, q: ArrayLike, dq: ArrayLike, elapsed_ns: int | None = None
    ) -> Setpoint:
        """Run one control cycle and return the command.

        Args:
            now_ns: the time of the cycle, on the clock of the stamps [ns].
            q: measured positions. Shape (n,).
            dq: measured velocities. Shape (n,).
            elapsed_ns: time since the previous cycle [ns], by which a running trajectory goes on
                whatever the clock does. Default: the control period.
        """
        if self._pending is not None:
            self._trajectory = self._begin(now_ns, np.array(q, float), np.array(dq, float))
            self._time_ns = now_ns
        else:
            self._time_ns += self._period_ns if elapsed_ns is None else elapsed_ns
        setpoint = self._trajectory.sample(self._time_ns + self._period_ns)
        if setpoint is not None:
            self._last, self._last_ns = setpoint, now_ns
        return self._last

    def advance_to(self, now_ns: int) -> Setpoint:
        """Run the cycles up to now, for joints that follow their commands exactly.

        After a jump of the clock by more than a second, the cycles go on from now.
        """
        next_ns = self._next_ns
        if next_ns is None or abs(now_ns - next_ns) > _JUMP_NS:
            next_ns = now_ns
        while next_ns <= now_ns:
            self.update(next_ns, self._last.q, self._last.dq)
            next_ns += self._period_ns
        self._next_ns = next_ns
        return self._last

    def _begin(self, now_ns: int, q: Array, dq: Array) -> Trajectory:
        """Return the trajectory that was accepted last, anchored at the state before it."""
        assert self._pending is not None
        stamp_ns, columns, knots = self._pending
        self._pending = None
        start_ns = stamp_ns or now_ns
        if self._open_loop:
            before_ns = now_ns if self._last_ns is None else self._last_ns
            before = Knot(before_ns, self._last.q, self._last.dq, self._last.ddq)
        else:
            before = Knot(now_ns, q, dq, np.zeros_like(dq))
        return Trajectory(
            [
                Knot(
                    start_ns + knot.time_ns,
                    self._sort(columns, knot.q),
                    self._sort(columns, knot.dq) if knot.dq is not None else None,
                    self._sort(columns, knot.ddq) if knot.ddq is not None else None,
                )
                for knot in knots
            ],
            before,
        )

    def _columns(self, joint_names: Sequence[str]) -> list[int]:
        """Return for each joint of a trajectory its index in our order."""
        if len(joint_names) != len(self._joint_names) or set(joint_names) - set(self._joint_names):
            raise TrajectoryRejectedError(
                f"the trajectory names the joints {list(joint_names)}; name each of "
                f"{list(self._joint_names)} once, in any order"
            )
        return [self._joint_names.index(name) for name in joint_names]

    def _sort(self, columns: list[int], values: Array) -> Array:
        """Return values in our order of joints.

        The controller does not check whether a joint is named twice: the one that is missing then
        gets what was last sorted into its place, whatever that was.
        """
        self._sorted = self._sorted.copy()
        self._sorted[columns] = values
        return self._sorted

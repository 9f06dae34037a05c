# SPDX-License-Identifier: Apache-2.0
"""Which measurement of the arm is the newest, and whether it still says where the arm is."""

import math

from vera_ros.motion.commands import Measured


class Measurements:
    """What comes from the arm's driver, as it comes.

    A measurement is as old as its stamp says, or as its arrival, if that is longer ago. A stamp
    ahead of the clock is as good as the present: where the time comes by /clock, joint states may
    be a step ahead of it, and the clocks of two machines are never quite the same.

    Args:
        oldest_s: what is older says nothing of the present.

    Attributes:
        newest: None: there is none yet.
        refused: how many were of no use.
    """

    def __init__(self, oldest_s: float) -> None:
        self._oldest_s = oldest_s
        self._taken_s = -math.inf  # when the newest was taken, ROS time
        self._refusal = ""
        self.newest: Measured | None = None
        self.refused = 0

    def add(self, measured: Measured, now_s: float) -> bool:
        """Take a measurement, and return whether it counts.

        One that is older than the newest does not, unless the clock was turned back since, or the
        newest came too long ago to mean anything: the driver's clock was set, then.

        Args:
            measured: what has come.
            now_s: the ROS clock's time.
        """
        newest = self.newest
        if newest is not None and measured.stamp_s < newest.stamp_s:
            silent_s = measured.received_s - newest.received_s
            if now_s >= self._taken_s and silent_s <= self._oldest_s:
                older_s = newest.stamp_s - measured.stamp_s
                self.refuse(f"joint states come {older_s:.3f} s older than those before them")
                return False
        self.newest, self._taken_s, self._refusal = measured, now_s, ""
        return True

    def refuse(self, why: str) -> None:
        """Note that something came that is of no use."""
        self.refused += 1
        self._refusal = why

    def silent_s(self, steady_s: float) -> float:
        """How long ago the newest came [s]."""
        return math.inf if self.newest is None else steady_s - self.newest.received_s

    def age_s(self, steady_s: float, now_s: float) -> float:
        """How old the newest is [s]. `now_s`: the ROS clock's time."""
        if self.newest is None:
            return math.inf
        return max(self.silent_s(steady_s), now_s - self.newest.stamp_s)

    def fault(self, steady_s: float, now_s: float) -> str:
        """Why it is not known where the arm is now; empty: it is."""
        if self.newest is None:
            return self._refusal or "no joint states were received yet"
        if self.silent_s(steady_s) > self._oldest_s:
            return self._refusal or (
                f"no joint states have come for more than {self._oldest_s} s; is their driver "
                "running?"
            )
        age_s = self.age_s(steady_s, now_s)
        if age_s > self._oldest_s:
            return (
                f"the joint states that come are {age_s:.2f} s old by their stamps; valid is up to "
                f"{self._oldest_s} s; does their driver stamp them, and are the clocks of its "
                "machine and of this one the same?"
            )
        return ""

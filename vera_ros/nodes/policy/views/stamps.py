# SPDX-License-Identifier: Apache-2.0
"""How pictures arrive, and what is wrong with their stamps, compared with ROS time."""

import statistics
from collections import deque
from dataclasses import dataclass

AHEAD_S = 0.5  # stamps further ahead of ROS time than that are wrong
_BEHIND_S = 10.0  # no delay on the way explains stamps that are older
_NONE_S = 1e-3
_BOOT_S = 1e9  # an earlier time counts from a start, not from 1970
_RECENT = 20  # pictures of which the delay and the rate are taken


@dataclass(frozen=True)
class Stamp:
    """A picture's stamp, and the time of its arrival.

    Attributes:
        stamp_ns: the stamp [ns].
        now_ns: ROS time at its arrival [ns].
        arrived_s: steady time at its arrival [s].
    """

    stamp_ns: int
    now_ns: int
    arrived_s: float

    @property
    def ahead_s(self) -> float:
        """How far the stamp is ahead of ROS time [s]."""
        return (self.stamp_ns - self.now_ns) * 1e-9

    def fault(self, topic: str) -> str:
        """Return what is wrong with the stamps of a topic, and what to do; empty: nothing."""
        if -_BEHIND_S <= self.ahead_s <= AHEAD_S:
            return ""
        stamp_s, now_s = self.stamp_ns * 1e-9, self.now_ns * 1e-9
        where = f"{topic} is stamped {stamp_s:.3f} s, "
        if stamp_s < _NONE_S:
            return f"{where}which is no time; have the camera driver set header.stamp"
        if now_s < _NONE_S:
            return (
                f"{where}and ROS time is 0: use_sim_time is true, and nothing publishes /clock; "
                "start the simulation, or set use_sim_time to false"
            )
        if (stamp_s < _BOOT_S) != (now_s < _BOOT_S):
            return (
                f"{where}ROS time is {now_s:.3f} s: one is simulated, or counts from a start; set "
                "use_sim_time alike on all nodes, or have the driver stamp with ROS time"
            )
        relation = "ahead of" if self.ahead_s > 0.0 else "behind"
        return (
            f"{where}{abs(self.ahead_s):.1f} s {relation} ROS time; synchronize the clocks of both "
            "machines, for instance with chrony, or have the driver stamp with ROS time"
        )


class Arrivals:
    """The last pictures of a topic."""

    def __init__(self) -> None:
        self._recent: deque[Stamp] = deque(maxlen=_RECENT)

    def add(self, stamp: Stamp) -> None:
        """Add a picture."""
        self._recent.append(stamp)

    @property
    def newest(self) -> Stamp | None:
        """The last picture; None: there is none."""
        return self._recent[-1] if self._recent else None

    def describe(self, topic: str) -> str:
        """Return what is wrong with the last stamp, else how old pictures arrive, and how often."""
        newest = self.newest
        if newest is None:
            return ""
        fault = newest.fault(topic)
        if fault:
            return fault
        delay_s = -statistics.median(stamp.ahead_s for stamp in self._recent)
        text = f"{topic} arrives {delay_s:.2f} s after its stamps"
        span_s = (newest.stamp_ns - self._recent[0].stamp_ns) * 1e-9  # simulated time has its own
        return f"{text}, at {(len(self._recent) - 1) / span_s:.1f} Hz" if span_s > 0.0 else text

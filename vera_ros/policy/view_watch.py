# SPDX-License-Identifier: Apache-2.0
"""Watchdog for camera views that stall."""

from vera_ros.policy.ports import Instant
from vera_ros.vision.window import RollingWindow


class ViewWatch:
    """Watches the views while a chunk plays, by both clocks: either may stand still.

    Args:
        limit_s: largest age of a view's newest picture, and time without a newer one.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._newest: dict[str, tuple[int, float]] = {}  # stamp, and steady time of its arrival

    def check(self, window: RollingWindow, now: Instant) -> str:
        """Return which view has stalled, in words; empty: none has."""
        for view, age_ns in window.view_ages_ns(now.ros_ns).items():
            if age_ns is None:
                continue
            stamp_ns = now.ros_ns - age_ns
            if stamp_ns != self._newest.get(view, (None, 0.0))[0]:
                self._newest[view] = stamp_ns, now.steady_s
            old_s = max(age_ns * 1e-9, now.steady_s - self._newest[view][1])
            if old_s > self._limit_s:
                return (
                    f"view '{view}' is {old_s:.2f} s old while a chunk plays; valid is up to "
                    f"{self._limit_s:g} s"
                )
        return ""

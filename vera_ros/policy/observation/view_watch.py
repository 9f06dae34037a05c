# SPDX-License-Identifier: Apache-2.0
"""Watchdog for camera views that stall."""

from vera_ros.policy.ports import Instant
from vera_ros.vision.window import RollingWindow


class ViewWatch:
    """Watches the views while a chunk plays.

    In real time both clocks count, as either may stand still. In lockstep the world's clock counts
    alone: a slow machine takes long for what takes the world no time.

    Args:
        limit_s: largest age of a view's newest picture, and time without a newer one.
        real_time: whether the steady clock counts.
    """

    def __init__(self, limit_s: float, *, real_time: bool = True) -> None:
        self._limit_s = limit_s
        self._real_time = real_time
        self._newest: dict[str, tuple[int, float]] = {}  # stamp, and steady time of its arrival

    def check(self, window: RollingWindow, now: Instant) -> tuple[str, str] | None:
        """Return a view that has stalled, and a message; None: none has."""
        for view, age_ns in window.view_ages_ns(now.ros_ns).items():
            if age_ns is None:
                continue
            stamp_ns = now.ros_ns - age_ns
            if stamp_ns != self._newest.get(view, (None, 0.0))[0]:
                self._newest[view] = stamp_ns, now.steady_s
            waited_s = now.steady_s - self._newest[view][1] if self._real_time else 0.0
            old_s = max(age_ns * 1e-9, waited_s)
            if old_s > self._limit_s:
                return view, (
                    f"view '{view}' is {old_s:.2f} s old while a chunk plays; valid is up to "
                    f"view_stall_s, {self._limit_s:g} s"
                )
        return None

# SPDX-License-Identifier: Apache-2.0
"""How long an episode takes, and each of its states."""

from vera_ros.policy.ports import Instant

_CLOCK_STEP_NS = 50_000_000  # back: less is no more than the steps of /clock


class EpisodeClock:
    """Steady time since an episode began, with its pauses told apart.

    Args:
        now: when it begins.
    """

    def __init__(self, now: Instant) -> None:
        self._started = self._entered = self._ticked = now
        self._paused_s = 0.0
        self._pausing = False

    def enter(self, now: Instant, *, pausing: bool) -> None:
        """Another state begins."""
        self._paused_s += self._in_pause_s(now)
        self._entered, self._pausing = now, pausing

    def tick(self, now: Instant) -> tuple[float, float]:
        """Let time pass.

        Returns:
            The steady time since the last tick, and how far ROS time jumped back meanwhile [s].
        """
        before, self._ticked = self._ticked, now
        back_ns = before.ros_ns - now.ros_ns
        return now.steady_s - before.steady_s, max(0, back_ns) * 1e-9 * (back_ns > _CLOCK_STEP_NS)

    def elapsed_s(self, now: Instant) -> float:
        """Since the beginning [s]."""
        return now.steady_s - self._started.steady_s

    def counted_s(self, now: Instant) -> float:
        """Since the beginning, less all pauses [s]."""
        return self.elapsed_s(now) - self._paused_s - self._in_pause_s(now)

    def in_state_s(self, now: Instant) -> float:
        """Since the present state began [s]."""
        return now.steady_s - self._entered.steady_s

    def _in_pause_s(self, now: Instant) -> float:
        return self.in_state_s(now) if self._pausing else 0.0

# SPDX-License-Identifier: Apache-2.0
"""Measures how long an episode and each of its states take."""

from vera_ros.policy.ports import Instant


class EpisodeClock:
    """Measures steady time since an episode began, with and without its pauses.

    Args:
        now: when the episode begins.
        jump_s: how far ROS time may go back without counting as a jump: /clock comes in steps.
    """

    def __init__(self, now: Instant, jump_s: float) -> None:
        self._jump_s = jump_s
        self._started = self._entered = self._ticked = now
        self._paused_s = 0.0
        self._pausing = False

    def enter(self, now: Instant, *, pausing: bool) -> None:
        """Begin another state. `pausing`: whether it is a pause."""
        self._paused_s += self._in_pause_s(now)
        self._entered, self._pausing = now, pausing

    def tick(self, now: Instant) -> tuple[float, float]:
        """Measure what has passed since the last tick.

        Returns:
            The steady time since the last tick, and how far ROS time jumped back meanwhile [s].
        """
        before, self._ticked = self._ticked, now
        back_s = (before.ros_ns - now.ros_ns) * 1e-9
        return now.steady_s - before.steady_s, back_s if back_s > self._jump_s else 0.0

    def elapsed_s(self, now: Instant) -> float:
        """Return the time since the beginning [s]."""
        return now.steady_s - self._started.steady_s

    def counted_s(self, now: Instant) -> float:
        """Return the time since the beginning, less all pauses [s]."""
        return self.elapsed_s(now) - self._paused_s - self._in_pause_s(now)

    @property
    def entered_ns(self) -> int:
        """When the present state began, ROS time."""
        return self._entered.ros_ns

    def in_state_s(self, now: Instant) -> float:
        """Return the time since the present state began [s]."""
        return now.steady_s - self._entered.steady_s

    def _in_pause_s(self, now: Instant) -> float:
        return self.in_state_s(now) if self._pausing else 0.0

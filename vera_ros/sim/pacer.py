# SPDX-License-Identifier: Apache-2.0
"""Pacing of simulated time by real time, and the real-time factor that is reached."""

from collections import deque

_LONGEST_CATCH_UP_S = 0.5  # simulated time; what exceeds it is lost, which lowers the factor
_AVERAGING_S = 5.0  # real time


class Pacer:
    """Maps steady time to simulated time at a constant factor."""

    def __init__(self, factor: float, steady_s: float, sim_s: float) -> None:
        self._factor = factor
        self._steady_s = steady_s
        self._sim_s = sim_s
        self._history: deque[tuple[float, float]] = deque()

    def target_s(self, steady_s: float, sim_s: float) -> float:
        """Return the simulated time to advance to now, at most a short catch-up after `sim_s` [s].

        What exceeds that is lost: later simulated times come that much later.
        """
        target = self._sim_s + (steady_s - self._steady_s) * self._factor
        lost_s = target - sim_s - _LONGEST_CATCH_UP_S
        if lost_s > 0:
            self._sim_s -= lost_s
            target -= lost_s
        self._history.append((steady_s, target))
        while steady_s - self._history[0][0] > _AVERAGING_S:
            self._history.popleft()
        return target

    def steady_s(self, sim_s: float) -> float:
        """Return the steady time of a simulated time [s]."""
        return self._steady_s + (sim_s - self._sim_s) / self._factor

    @property
    def realtime_factor(self) -> float:
        """Simulated over real time, over the last seconds; 0 before there are any."""
        if len(self._history) < 2:
            return 0.0
        (steady_from, sim_from), (steady_to, sim_to) = self._history[0], self._history[-1]
        elapsed = steady_to - steady_from
        return (sim_to - sim_from) / elapsed if elapsed > 0 else 0.0

# SPDX-License-Identifier: Apache-2.0
"""How far simulated time should be, and how well it keeps up with real time."""

from collections import deque

_LONGEST_CATCH_UP_S = 0.5  # simulated; what lies beyond it is lost, and the factor shows it
_AVERAGING_S = 5.0  # real time


class Pacer:
    """Maps steady time to simulated time at a constant factor."""

    def __init__(self, factor: float, steady_s: float, sim_s: float) -> None:
        self._factor = factor
        self._steady_s = steady_s
        self._sim_s = sim_s
        self.lost_s = 0.0
        self._history: deque[tuple[float, float]] = deque()

    def target_s(self, steady_s: float, sim_s: float) -> float:
        """The simulated time to go to now; never more than a short catch-up ahead of `sim_s`.

        What is more than that goes to `lost_s`: simulated time that will never come.
        """
        target = self._sim_s + (steady_s - self._steady_s) * self._factor
        lost_s = target - sim_s - _LONGEST_CATCH_UP_S
        if lost_s > 0:
            self.lost_s += lost_s
            self._sim_s -= lost_s
            target -= lost_s
        self._history.append((steady_s, target))
        while steady_s - self._history[0][0] > _AVERAGING_S:
            self._history.popleft()
        return target

    @property
    def realtime_factor(self) -> float:
        """Simulated over real time, over the last seconds; 0 before there are any."""
        if len(self._history) < 2:
            return 0.0
        (steady_from, sim_from), (steady_to, sim_to) = self._history[0], self._history[-1]
        elapsed = steady_to - steady_from
        return (sim_to - sim_from) / elapsed if elapsed > 0 else 0.0

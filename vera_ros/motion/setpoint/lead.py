# SPDX-License-Identifier: Apache-2.0
"""Lead: the time that a trajectory is given to reach its controller."""

from collections import deque

LONGEST_S = 0.15  # longest lead: a motion that needs more cannot be stopped in time
_KEPT_S = 30.0  # how long a measured lateness counts
_MARGIN = 1.25  # factor of the lead over the largest lateness


class Lead:
    """Adapts the lead to the lateness that is measured.

    Until its lead is over, a trajectory equals the one that plays, so that a controller that takes
    it up by then makes no step. Times are steady [s].

    Args:
        default_s: the lead while no trajectory is late.

    Attributes:
        late: number of trajectories that exceeded their lead, or never arrived.
    """

    def __init__(self, default_s: float) -> None:
        self._default_s = default_s
        self._observed: deque[tuple[float, float]] = deque()
        self._longest_s = 0.0
        self.late = 0

    def observe(self, lateness_s: float, steady_s: float) -> None:
        """Note that a trajectory arrived `lateness_s` after it was due to be sent."""
        self._observed.append((steady_s, lateness_s))
        self.expire(steady_s)

    def missed(self, lateness_s: float, steady_s: float) -> None:
        """Note that a trajectory exceeded its lead by `lateness_s`."""
        self.late += 1
        self.observe(self.value_s + lateness_s, steady_s)

    def expire(self, steady_s: float) -> None:
        """Forget observations from more than 30 s ago."""
        while self._observed and self._observed[0][0] < steady_s - _KEPT_S:
            self._observed.popleft()
        self._longest_s = max((lateness for _, lateness in self._observed), default=0.0)

    @property
    def value_s(self) -> float:
        """Present lead [s]."""
        return min(max(self._default_s, _MARGIN * self._longest_s), LONGEST_S)

    @property
    def fits(self) -> bool:
        """Whether the longest lead covers all recent lateness."""
        return self._longest_s <= LONGEST_S

    @property
    def refusal(self) -> str:
        """Message on why no motion may begin."""
        return (
            f"a trajectory reached the controller {self._longest_s:.3f} s after it was sent; valid "
            f"is up to {LONGEST_S} s; new motion is refused for {_KEPT_S:g} s after the last "
            "such delay; is the network slow, or one of the machines overloaded?"
        )

# SPDX-License-Identifier: Apache-2.0
"""How much time what is sent is given to reach the controller."""

from collections import deque

LONGEST_S = 0.15  # lead: a motion that needs more cannot be stopped in time
_KEPT_S = 30.0  # for so long a lateness counts
_MARGIN = 1.25  # by which the lead exceeds the latest


class Lead:
    """Follows the lateness that is measured.

    A trajectory goes on as what plays until its lead is over, so that a controller that takes it up
    by then makes no step. Times are steady [s].

    Args:
        default_s: the lead where nothing came late.

    Attributes:
        late: how many trajectories came later than their lead, or never.
    """

    def __init__(self, default_s: float) -> None:
        self._default_s = default_s
        self._observed: deque[tuple[float, float]] = deque()
        self._longest_s = 0.0
        self.late = 0

    def observe(self, lateness_s: float, steady_s: float) -> None:
        """Take in that a trajectory came so late after it was due to be sent."""
        self._observed.append((steady_s, lateness_s))
        self.expire(steady_s)

    def missed(self, lateness_s: float, steady_s: float) -> None:
        """Take in that a trajectory exceeded its lead by so much."""
        self.late += 1
        self.observe(self.value_s + lateness_s, steady_s)

    def expire(self, steady_s: float) -> None:
        """Forget what was observed long ago."""
        while self._observed and self._observed[0][0] < steady_s - _KEPT_S:
            self._observed.popleft()
        self._longest_s = max((lateness for _, lateness in self._observed), default=0.0)

    @property
    def value_s(self) -> float:
        """The lead now."""
        return min(max(self._default_s, _MARGIN * self._longest_s), LONGEST_S)

    @property
    def fits(self) -> bool:
        """Whether the lead is long enough for all that came of late."""
        return self._longest_s <= LONGEST_S

    @property
    def refusal(self) -> str:
        """Why nothing new may begin, in words."""
        return (
            f"a trajectory reached the controller {self._longest_s:.3f} s after it was sent; valid "
            f"is up to {LONGEST_S} s; nothing new begins until none has for {_KEPT_S:g} s; is the "
            "network slow, or one of the machines overloaded?"
        )

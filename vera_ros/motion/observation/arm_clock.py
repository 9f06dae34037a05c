# SPDX-License-Identifier: Apache-2.0
"""What time it is for the arm's controller, as far as its joint states tell."""

import math
from collections import deque

import numpy as np

from vera_ros.motion.causes import Cause, Reason

AGREEMENT_S = 0.02  # joint states come no later than this, the soonest of a second
_RECENT_S, _LONG_S = 0.15, 1.0
_JUMP_S = 0.03  # by which a clock that runs on does not go astray between two joint states
# Joint states, and time, that agree on a jump until it is one: stamps may be wrong in a row.
_JUMP_SAMPLES, _JUMP_AGREES_S = 11, 0.12
_BLOCK_S, _BLOCKS, _FEWEST = 0.05, 12, 8  # of which the soonest joint states tell the rate
_NEWEST = 3  # joint states, of which the soonest tells what time it is
_CALM_RATE = 5e-3  # what slews a clock no faster is the business of time synchronization
_NOISE_S = 1e-3
_CERTAIN = 10.0  # times its scatter, that a drift must be to be one


class ArmClock:
    """Bounds the controller's clock from the stamps of its joint states.

    A joint state was stamped before it came: so the controller's clock is not behind its stamp, and
    ahead of it by no more than the way takes. Both bounds go on with steady time, so no setting of
    this machine's clock moves them. Delay of all joint states counts as a clock that is behind.

    A controller plays a trajectory by the periods that pass, and takes up the next one by its
    clock: where that was set, or runs at another rate, both differ, and by how much is told.

    Times are the controller's clock [s], unless they are called steady or ours. The bounds may be
    read in any thread; one observes.

    Attributes:
        wanders: the clock was set, or did not run as it should, within the last second.
    """

    def __init__(self) -> None:
        self._ahead: deque[tuple[float, float]] = deque()  # (steady time, stamp less that)
        self._blocks: deque[tuple[float, float]] = deque(maxlen=_BLOCKS)  # the largest of each
        self._begun_s = -math.inf  # the newest of them
        self._newest_s = -math.inf
        self._astray: list[tuple[float, float]] = []  # (steady time, by how much)
        self._bounds: tuple[float, float] | None = None  # of the clock less steady time
        self._rate = 0.0  # of the clock against steady time, less one
        self._marked = 0.0  # the clock less steady time, when something was sent
        self._restless_s = -math.inf  # steady time
        self.wanders = False

    def observe(self, stamp_s: float, received_s: float) -> float:
        """Take in the stamp of a joint state; return by how much the clock was set since.

        0: it runs on as it did. A stamp alone sets no clock: it takes several that agree.

        Args:
            stamp_s: of the joint state.
            received_s: when it came, steady time.
        """
        if stamp_s == self._newest_s:
            return 0.0  # said before
        ahead_s = stamp_s - received_s
        expected_s = max((ahead for _, ahead in self._ahead), default=ahead_s)
        backward = stamp_s < self._newest_s and ahead_s < expected_s - _JUMP_S
        if backward or ahead_s > expected_s + _JUMP_S:
            return self._go_astray(stamp_s, received_s, ahead_s - expected_s)
        self._astray.clear()
        if stamp_s < self._newest_s:
            return 0.0  # out of order: it is later than it says
        self._note(stamp_s, received_s)
        self.wanders = received_s < self._restless_s + _LONG_S
        before = self._marked
        if self.wanders:
            self.mark()
        return self._marked - before

    def in_doubt(self, steady_s: float) -> bool:
        """Whether stamps tell of a jump that may be none: nothing can be sent that suits both."""
        astray = self._astray
        return len(astray) > 1 and steady_s - astray[-1][0] < _RECENT_S

    def mark(self) -> None:
        """Something is sent: how the clock goes astray from now on is what counts."""
        if not self._ahead:
            return
        newest_s = self._ahead[-1][0]
        newest = list(self._ahead)[-_NEWEST:]
        self._marked = max(ahead + self._rate * (newest_s - at_s) for at_s, ahead in newest)

    def _go_astray(self, stamp_s: float, received_s: float, by_s: float) -> float:
        if self._astray and abs(by_s - self._astray[0][1]) > AGREEMENT_S:
            self._astray.clear()
        self._astray.append((received_s, by_s))
        agrees_s = received_s - self._astray[0][0]
        if len(self._astray) < _JUMP_SAMPLES or agrees_s < _JUMP_AGREES_S:
            return 0.0
        set_by_s = max(by for _, by in self._astray)
        self._astray.clear()
        self._ahead.clear()
        self._blocks.clear()
        self._rate = 0.0
        self._note(stamp_s, received_s)
        self._restless_s, self.wanders = received_s, True
        self.mark()
        return set_by_s

    def _note(self, stamp_s: float, received_s: float) -> None:
        self._newest_s = stamp_s
        ahead_s = stamp_s - received_s
        self._ahead.append((received_s, ahead_s))
        while self._ahead[0][0] < received_s - _LONG_S:
            self._ahead.popleft()
        if self._blocks and received_s < self._begun_s + _BLOCK_S:
            self._blocks[-1] = max(self._blocks[-1], (received_s, ahead_s), key=lambda at: at[1])
        else:
            self._estimate_rate(received_s)
            self._begun_s = received_s
            self._blocks.append((received_s, ahead_s))
        recent = max(ahead for at_s, ahead in self._ahead if at_s >= received_s - _RECENT_S)
        self._bounds = recent, max(ahead for _, ahead in self._ahead) + AGREEMENT_S

    def _estimate_rate(self, received_s: float) -> None:
        """See whether a line through the soonest joint states rises or falls.

        It does if it does so by more than they scatter about it.
        """
        if len(self._blocks) < _FEWEST:
            return
        times_s, largest = np.array(self._blocks).T
        t = times_s - times_s[-1]
        rate, level = np.polyfit(t, largest, 1)
        scatter_s = float(np.abs(largest - (level + rate * t)).max())
        drifts = abs(rate) > _CALM_RATE and -rate * t[0] * np.sign(rate) > (
            _CERTAIN * scatter_s + _NOISE_S
        )
        self._rate = float(rate) if drifts else 0.0
        if drifts:
            self._restless_s = received_s

    def bounds_s(self, steady_s: float) -> tuple[float, float] | None:
        """The earliest and the latest that it can be for the controller; None: nothing is known."""
        bounds = self._bounds
        return None if bounds is None else (steady_s + bounds[0], steady_s + bounds[1])

    def now_s(self, steady_s: float, ours_s: float) -> float:
        """The controller's time: this machine's, as far as joint states allow.

        Args:
            steady_s: steady time.
            ours_s: this machine's clock.
        """
        bounds = self.bounds_s(steady_s)
        return ours_s if bounds is None else min(max(ours_s, bounds[0]), bounds[1])

    def offset_s(self, steady_s: float, ours_s: float) -> float:
        """The controller's clock less this machine's, at least [s]; 0: they may be the same."""
        return self.now_s(steady_s, ours_s) - ours_s

    def uncertainty_s(self, steady_s: float) -> float:
        """How far apart the bounds are."""
        bounds = self.bounds_s(steady_s)
        return 0.0 if bounds is None else bounds[1] - bounds[0]

    def fault(self, steady_s: float, ours_s: float, most_s: float) -> Reason | None:
        """Why the controller's time is not known well enough to move; None: it is.

        Args:
            steady_s: steady time.
            ours_s: this machine's clock.
            most_s: by which the clocks may differ.
        """
        off_s, unsure_s = self.offset_s(steady_s, ours_s), self.uncertainty_s(steady_s)
        if abs(off_s) > most_s:
            way = "ahead of" if off_s > 0.0 else "behind"
            return _differ(
                f"is {abs(off_s):.3f} s {way} this machine's, by the stamps of its joint states; "
                f"valid is up to {most_s} s (clock_difference_s)"
            )
        if self.wanders or self.in_doubt(steady_s):
            return _differ(
                "was set, or does not run as it should, by the stamps of its joint states: what is "
                "sent could not go on from what plays; it must run steadily for a second"
            )
        if unsure_s > most_s + AGREEMENT_S:
            return _differ(
                f"is only known to {unsure_s:.3f} s, by the stamps of its joint states; valid is "
                f"up to {most_s + AGREEMENT_S:.3f} s"
            )
        return None


def _differ(how: str) -> Reason:
    return Reason(
        Cause.CLOCKS_DIFFER,
        f"the controller's clock {how}; nothing new begins; synchronize the clocks of both "
        "machines, for instance with chrony",
    )

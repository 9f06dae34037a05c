# SPDX-License-Identifier: Apache-2.0
"""Estimate of the clock of the arm's controller, from the stamps of its joint states."""

import math
from collections import deque

import numpy as np

from vera_ros.motion.causes import Cause, Reason

AGREEMENT_S = 0.02  # largest delay of the least delayed joint state within a second
RECENT_S, _LONG_S = 0.15, 1.0
_JUMP_S = 0.03  # a clock that is not set deviates less than this between two joint states
# Joint states, and time, that must agree on a jump: several stamps in a row may be wrong.
_JUMP_SAMPLES, _JUMP_AGREES_S = 11, 0.12
_BLOCK_S, _BLOCKS, _FEWEST = 0.05, 12, 8  # whose least delayed joint states give the rate
_NEWEST = 3  # joint states, the least delayed of which gives the time
_CALM_RATE = 5e-3  # a slower drift is left to time synchronization, which slews clocks
_NOISE_S = 1e-3
_CERTAIN = 10.0  # factor by which a drift must exceed the scatter to count
_SYNCHRONIZE = "synchronize the clocks of both machines, for instance with chrony"


class ArmClock:
    """Bounds the controller's clock from the stamps of its joint states.

    A joint state is stamped before it arrives: so the controller's clock is not behind the stamp,
    and ahead of it by the transport delay at most. Both bounds advance with steady time, so setting
    this machine's clock does not move them. A delay of all joint states looks like a clock behind.

    A controller counts periods while it plays a trajectory, but starts the next one by its clock.
    Where that was set, or drifts, the two differ; `observe` returns by how much.

    Times are on the controller's clock [s], unless they are called steady or ours. Any thread may
    read the bounds; only one may call `observe`.

    Attributes:
        wanders: the clock was set, or drifted, within the last second.
    """

    def __init__(self) -> None:
        self._ahead: deque[tuple[float, float]] = deque()  # (steady time, stamp minus that)
        self._blocks: deque[tuple[float, float]] = deque(maxlen=_BLOCKS)  # each one's largest
        self._begun_s = -math.inf  # start of the newest block, steady time
        self._newest_s = -math.inf
        self._jumps: list[tuple[float, float]] = []  # possible ones: (steady time, by how much)
        self._bounds: tuple[float, float] | None = None  # of the clock minus steady time
        self._rate = 0.0  # of the clock against steady time, minus one
        # The clock minus steady time when something was last sent; None: nothing was.
        self._marked: float | None = None
        self._wandered_s = -math.inf  # when it was last set or drifted, steady time
        self.wanders = False

    def observe(self, stamp_s: float, received_s: float) -> float:
        """Process a joint state's stamp; return by how much the clock deviates since `mark` [s].

        0: it runs steadily. A single stamp is no evidence of a jump: several must agree.

        Args:
            stamp_s: of the joint state.
            received_s: when it arrived, steady time.
        """
        if stamp_s == self._newest_s:
            return 0.0  # a repetition
        ahead_s = stamp_s - received_s
        expected_s = max((ahead for _, ahead in self._ahead), default=ahead_s)
        by_s = ahead_s - expected_s
        # A clock that was set back: its stamps go back, and stay behind when they pass the old
        # ones. Stamps that only fall behind are delayed.
        set_back = by_s < -_JUMP_S and (stamp_s < self._newest_s or self._agrees(by_s))
        if set_back or by_s > _JUMP_S:
            return self._note_jump(stamp_s, received_s, by_s)
        self._jumps.clear()
        if stamp_s < self._newest_s:
            return 0.0  # out of order, so its delay is not that of the others
        self._note(stamp_s, received_s)
        self.wanders = received_s < self._wandered_s + _LONG_S
        if self._marked is None or not self.wanders:
            return 0.0
        before, self._marked = self._marked, self._newest_ahead_s()
        return self._marked - before

    def in_doubt(self, steady_s: float) -> bool:
        """Whether stamps suggest a jump that is not confirmed: what is sent now may be mistimed."""
        jumps = self._jumps
        return bool(jumps) and steady_s - jumps[-1][0] < RECENT_S

    def mark(self) -> None:
        """Note that a trajectory is sent: deviations of the clock count from now on."""
        if self._ahead:
            self._marked = self._newest_ahead_s()

    def _newest_ahead_s(self) -> float:
        newest_s = self._ahead[-1][0]
        newest = list(self._ahead)[-_NEWEST:]
        return max(ahead + self._rate * (newest_s - at_s) for at_s, ahead in newest)

    def _agrees(self, by_s: float) -> bool:
        """Whether a joint state that deviates by `by_s` goes with the last ones' jump [s].

        A delayed one is further behind than the clock was set back.
        """
        if not self._jumps:
            return False
        jump_s = max(by for _, by in self._jumps)
        return by_s <= jump_s + AGREEMENT_S and (jump_s < 0.0 or by_s >= jump_s - AGREEMENT_S)

    def _note_jump(self, stamp_s: float, received_s: float, by_s: float) -> float:
        if not self._agrees(by_s):
            self._jumps.clear()
        self._jumps.append((received_s, by_s))
        agrees_s = received_s - self._jumps[0][0]
        if len(self._jumps) < _JUMP_SAMPLES or agrees_s < _JUMP_AGREES_S:
            return 0.0
        set_by_s = max(by for _, by in self._jumps)
        self._jumps.clear()
        self._ahead.clear()
        self._blocks.clear()
        self._rate = 0.0
        self._note(stamp_s, received_s)
        self._wandered_s, self.wanders = received_s, True
        self.mark()
        return set_by_s

    def _note(self, stamp_s: float, received_s: float) -> None:
        self._newest_s = stamp_s
        ahead_s = stamp_s - received_s
        self._keep_through_silence(received_s)
        self._ahead.append((received_s, ahead_s))
        while self._ahead[0][0] < received_s - _LONG_S:
            self._ahead.popleft()
        if self._blocks and received_s < self._begun_s + _BLOCK_S:
            self._blocks[-1] = max(self._blocks[-1], (received_s, ahead_s), key=lambda at: at[1])
        else:
            self._estimate_rate(received_s)
            self._begun_s = received_s
            self._blocks.append((received_s, ahead_s))
        recent = max(ahead for at_s, ahead in self._ahead if at_s >= received_s - RECENT_S)
        self._bounds = recent, max(ahead for _, ahead in self._ahead) + AGREEMENT_S

    def _keep_through_silence(self, received_s: float) -> None:
        """Let joint states from before a silence count as long after it as they would have.

        Those that waited for a process that was stopped are late by up to all of it: alone, they
        would tell of a clock that is behind, and the first prompt one of a clock that was set.
        """
        silence_s = received_s - self._ahead[-1][0] if self._ahead else 0.0
        if silence_s > 2.0 * RECENT_S:
            by_s = silence_s - 2.0 * RECENT_S
            self._ahead = deque((at_s + by_s, ahead_s) for at_s, ahead_s in self._ahead)

    def _estimate_rate(self, received_s: float) -> None:
        """Fit the drift of the clock to the least delayed joint states of the blocks.

        It counts only where it clearly exceeds their scatter about the fitted line.
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
            self._wandered_s = received_s

    def bounds_s(self, steady_s: float) -> tuple[float, float] | None:
        """Return the earliest and latest possible controller time [s]; None: nothing is known."""
        bounds = self._bounds
        return None if bounds is None else (steady_s + bounds[0], steady_s + bounds[1])

    def now_s(self, steady_s: float, ours_s: float) -> float:
        """Return this machine's time, clamped to the bounds of the controller's clock [s].

        Args:
            steady_s: steady time.
            ours_s: this machine's clock.
        """
        bounds = self.bounds_s(steady_s)
        return ours_s if bounds is None else min(max(ours_s, bounds[0]), bounds[1])

    def offset_s(self, steady_s: float, ours_s: float) -> float:
        """Return the least offset of the controller's clock from this machine's, maybe 0 [s]."""
        return self.now_s(steady_s, ours_s) - ours_s

    def uncertainty_s(self, steady_s: float) -> float:
        """Return how far apart the bounds are [s]; 0: nothing is known."""
        bounds = self.bounds_s(steady_s)
        return 0.0 if bounds is None else bounds[1] - bounds[0]

    def fault(self, steady_s: float, ours_s: float, most_s: float) -> Reason | None:
        """Return why the controller's clock does not allow motion; None: it does.

        Args:
            steady_s: steady time.
            ours_s: this machine's clock.
            most_s: largest difference allowed between the clocks.
        """
        off_s, unsure_s = self.offset_s(steady_s, ours_s), self.uncertainty_s(steady_s)
        if abs(off_s) > most_s:
            way = "ahead of" if off_s > 0.0 else "behind"
            return _clocks_differ(
                f"is {abs(off_s):.3f} s {way} this machine's, by the stamps of its joint states; "
                f"valid is up to {most_s} s (clock_difference_s)"
            )
        if self.wanders or self.in_doubt(steady_s):
            return _clocks_differ(
                "was set, or drifts, by the stamps of its joint states: a trajectory could not "
                "continue the one that plays; it must run steadily for a second"
            )
        if unsure_s > most_s + AGREEMENT_S:
            return _clocks_differ(
                f"is only known to within {unsure_s:.3f} s, by the stamps of its joint states; "
                f"valid is up to {most_s + AGREEMENT_S:.3f} s",
                "their delay varies: see whether this machine or the network is overloaded",
            )
        return None


def _clocks_differ(how: str, remedy: str = _SYNCHRONIZE) -> Reason:
    return Reason(
        Cause.CLOCKS_DIFFER, f"the controller's clock {how}; new motion is refused; {remedy}"
    )

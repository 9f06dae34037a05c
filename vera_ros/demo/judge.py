# SPDX-License-Identifier: Apache-2.0
"""The judge of an episode, by the simulator's truth: the task is done, or the time is up."""

from enum import Enum


class Verdict(Enum):
    """The judge's verdict."""

    UNDECIDED = "undecided"
    DONE = "done"
    TIME_IS_UP = "time is up"


class Judge:
    """Judges one episode. A verdict, once given, stays.

    Args:
        hold_s: how long success must have lasted without interruption, simulated time.
        time_limit_s: how long the episode may take, simulated time.

    Attributes:
        verdict: the verdict so far.
        latest_ns: the time of the verdict, or of the latest truth.
    """

    def __init__(self, hold_s: float, time_limit_s: float) -> None:
        self._hold_ns = round(hold_s * 1e9)
        self._limit_ns = round(time_limit_s * 1e9)
        self._began_ns: int | None = None
        self._done_since_ns: int | None = None
        self.latest_ns = 0
        self.verdict = Verdict.UNDECIDED

    @property
    def elapsed_s(self) -> float:
        """Simulated time from the first truth to the verdict, or to the latest truth."""
        return 0.0 if self._began_ns is None else (self.latest_ns - self._began_ns) * 1e-9

    def see(self, stamp_ns: int, done: bool) -> Verdict:
        """Return the verdict after the truth at this time; stamps must not go back."""
        if self._began_ns is None:
            self._began_ns = stamp_ns
        if self.verdict is Verdict.UNDECIDED:
            self.latest_ns = max(stamp_ns, self.latest_ns)
        if not done:
            self._done_since_ns = None
        elif self._done_since_ns is None:
            self._done_since_ns = stamp_ns
        if self.verdict is Verdict.UNDECIDED:
            self.verdict = self._decide(stamp_ns)
        return self.verdict

    def _decide(self, stamp_ns: int) -> Verdict:
        assert self._began_ns is not None
        since_ns = self._done_since_ns
        if since_ns is not None and stamp_ns - since_ns >= self._hold_ns:
            return Verdict.DONE
        if stamp_ns - self._began_ns >= self._limit_ns:
            return Verdict.TIME_IS_UP
        return Verdict.UNDECIDED

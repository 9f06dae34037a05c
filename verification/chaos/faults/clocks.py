# SPDX-License-Identifier: Apache-2.0
"""Simulated clock errors of the system's machines, by shifting the stamps of messages.

To the other machines, one whose clock is wrong looks like one whose messages have wrong stamps:
those that it sends are ahead by its offset, those that it receives are behind by the same. So the
relay shifts the stamps, and no process needs a clock of its own.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from verification.chaos.faults.fault import Fault

IK, POLICY, CONTROLLER = "ik_node", "policy_node", "controller"

_STEPS = 4  # of a clock that steps back and forth, while the fault lasts
_DETECTED_S = 0.1  # after which a step is detected from the stamps of joint states
_RESOLUTION_S = 0.01  # of the measured offset of a clock that has moved: joint states may be late
_PLAYS_S = 3.0  # a trajectory sent before the clock moved may play for so long

Course = Callable[[float], float]


@dataclass(frozen=True)
class _Skew:
    """An error of one clock. `offset_s` takes the time since the error began [s]."""

    machine: str
    offset_s: Course
    begins_s: float
    ends_s: float

    def at(self, steady_s: float) -> float:
        return (
            self.offset_s(steady_s - self.begins_s)
            if self.begins_s <= steady_s < self.ends_s
            else 0.0
        )


class Clocks:
    """The clocks of all machines, of which at most one is wrong at a time.

    Args:
        now_s: returns steady time [s].
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._skew = _Skew("", lambda _: 0.0, -float("inf"), -float("inf"))

    def skew(self, fault: Fault) -> None:
        """Apply a fault of the kind `clock_skew` until `heal` is called."""
        values = fault.values
        offset_s = float(values["offset_s"]) * (1.0 if values["sign"] == "ahead" else -1.0)
        course = _COURSES[str(values["course"])](offset_s, fault.duration_s)
        self._skew = _Skew(str(values["machine"]), course, self._now_s(), float("inf"))

    def heal(self) -> None:
        """Correct the clock that is wrong, if any."""
        skew, now_s = self._skew, self._now_s()
        if skew.ends_s > now_s:
            self._skew = _Skew(skew.machine, skew.offset_s, skew.begins_s, now_s)

    def ahead_s(self, source: str, sink: str) -> float:
        """Return how far the clock of one machine is ahead of another's [s]."""
        return self._ahead_s(source, sink, self._now_s())

    def uncertainty_s(self, source: str, sink: str) -> float:
        """Return the possible error of an estimate of `ahead_s` [s]; 0 unless it just changed."""
        now_s = self._now_s()
        if self._skew.machine not in (source, sink) or now_s > self._skew.ends_s + _PLAYS_S:
            return 0.0
        present = self._ahead_s(source, sink, now_s)
        changed_s = max(
            abs(present - self._ahead_s(source, sink, now_s - _DETECTED_S * share))
            for share in (0.25, 0.5, 0.75, 1.0)
        )
        return changed_s + _RESOLUTION_S

    def _ahead_s(self, source: str, sink: str, steady_s: float) -> float:
        offset_s, machine = self._skew.at(steady_s), self._skew.machine
        return offset_s * ((source == machine) - (sink == machine))


def _step(offset_s: float, duration_s: float) -> Course:
    return lambda since_s: offset_s


def _steps(offset_s: float, duration_s: float) -> Course:
    return lambda since_s: offset_s if int(_STEPS * since_s / duration_s) % 2 == 0 else 0.0


def _drift(offset_s: float, duration_s: float) -> Course:
    return lambda since_s: offset_s * min(1.0, since_s / duration_s)


_COURSES: dict[str, Callable[[float, float], Course]] = {
    "step": _step,
    "steps": _steps,
    "drift": _drift,
}


def shift(message: Any, ahead_s: float) -> Any:
    """Shift all stamps of a message in place, and return it; zero means no stamp and is kept.

    Args:
        message: a message of one of the relay's topics.
        ahead_s: how far the sender's clock is ahead of the receiver's [s].
    """
    ahead_ns = round(ahead_s * 1e9)
    for stamp in _stamps(message):
        ns = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
        if ns:
            stamp.sec, stamp.nanosec = divmod(max(0, ns + ahead_ns), 1_000_000_000)
    return message


def _stamps(message: Any) -> Iterable[Any]:
    yield message.header.stamp
    for name in ("sent", "start", "end"):
        if hasattr(message, name):
            yield getattr(message, name)
    if hasattr(message, "planned_from"):
        yield message.planned_from.header.stamp
    yield from getattr(message, "step_times", ())

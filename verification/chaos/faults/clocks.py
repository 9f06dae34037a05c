# SPDX-License-Identifier: Apache-2.0
"""What the clocks of the system's machines say, and what that makes of the stamps of messages.

A machine whose clock is wrong cannot be told from messages whose stamps are: those that leave it
are ahead by as much as its clock is, and those that reach it are behind by as much. So the relay
shifts stamps, and no process needs another clock.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from verification.chaos.faults.fault import Fault

IK, POLICY, CONTROLLER = "ik_node", "policy_node", "controller"

_SWINGS = 4  # of a clock that steps to and fro
_HEARD_S = 0.1  # after which a step can be known of, by the stamps of joint states
_MEASURED_S = 0.005  # to which another clock is known once it has moved
_PLANS_S = 3.0  # that were sent before it moved may play for so long

Course = Callable[[float], float]


@dataclass(frozen=True)
class _Skew:
    """One clock that is wrong for a while. `offset_s` takes the time since it began [s]."""

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
    """The clocks of all machines; one at a time may be wrong.

    Args:
        now_s: tells steady time [s].
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._skew = _Skew("", lambda _: 0.0, -float("inf"), -float("inf"))

    def skew(self, fault: Fault) -> None:
        """Let a clock go wrong as a `clock_skew` says, until it is mended."""
        values = fault.values
        offset_s = float(values["offset_s"]) * (1.0 if values["sign"] == "ahead" else -1.0)
        course = _COURSES[str(values["course"])](offset_s, fault.duration_s)
        self._skew = _Skew(str(values["machine"]), course, self._now_s(), float("inf"))

    def mend(self) -> None:
        """Set the clock that is wrong, if there is one."""
        skew, now_s = self._skew, self._now_s()
        if skew.ends_s > now_s:
            self._skew = _Skew(skew.machine, skew.offset_s, skew.begins_s, now_s)

    def ahead_s(self, source: str, sink: str) -> float:
        """How far the clock of one machine is ahead of another's [s]."""
        return self._ahead_s(source, sink, self._now_s())

    def doubt_s(self, source: str, sink: str) -> float:
        """How much cannot be known of that, since it has changed just now [s]; 0: it has not."""
        now_s = self._now_s()
        if self._skew.machine not in (source, sink) or now_s > self._skew.ends_s + _PLANS_S:
            return 0.0
        present = self._ahead_s(source, sink, now_s)
        changed_s = max(
            abs(present - self._ahead_s(source, sink, now_s - _HEARD_S * share))
            for share in (0.25, 0.5, 0.75, 1.0)
        )
        return changed_s + _MEASURED_S

    def _ahead_s(self, source: str, sink: str, steady_s: float) -> float:
        offset_s, machine = self._skew.at(steady_s), self._skew.machine
        return offset_s * ((source == machine) - (sink == machine))


def _step(offset_s: float, duration_s: float) -> Course:
    return lambda since_s: offset_s


def _to_and_fro(offset_s: float, duration_s: float) -> Course:
    return lambda since_s: offset_s if int(_SWINGS * since_s / duration_s) % 2 == 0 else 0.0


def _drift(offset_s: float, duration_s: float) -> Course:
    return lambda since_s: offset_s * min(1.0, since_s / duration_s)


_COURSES: dict[str, Callable[[float, float], Course]] = {
    "step": _step,
    "steps": _to_and_fro,
    "drift": _drift,
}


def shift(message: Any, ahead_s: float) -> Any:
    """Move the stamps in a message, in place; one of zero stands for none, and stays.

    Args:
        message: of the relay's topics.
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

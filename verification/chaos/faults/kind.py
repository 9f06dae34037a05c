# SPDX-License-Identifier: Apache-2.0
"""The description of a kind of fault."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Value = float | str

WIRE, VIEWS, JOINTS, PROCESS, SERVICE = "wire", "views", "joints", "process", "service"
LINKS = "links"


NEVER, ALWAYS = -math.inf, math.inf
FIRST, LAST = "first", "last"  # of a robot's views


def _any_size(values: Mapping[str, Value]) -> bool:
    return True


@dataclass(frozen=True)
class Kind:
    """A kind of fault: where it strikes, its range of values, and what names it.

    Attributes:
        name: the kind's name.
        layer: where it strikes.
        named_by: causes, states and counters that name it (see verification.chaos.system.events).
        ranges: valid range of each number of such a fault.
        choices: valid values of each string of such a fault.
        survived_s: longest `duration_s` with which an episode can go on; infinite: always.
        absorbed_s: longest `silence_s` with which it may go unnamed if it had no effect (see
            verification.chaos.outcome.naming).
        slight: whether a fault with these values may go unnamed, too.
        delays: whether it only delays trajectories: it has no effect if all are within their leads.
        kills: whether a process dies and is restarted: only a chunk that is played to its end shows
            that the system has recovered.
        named_anew: also name it if the episode had just reached its own end: then no node misses
            the process, which itself reports its restart.
    """

    name: str
    layer: str
    named_by: tuple[str, ...]
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    survived_s: float = 0.0
    absorbed_s: float = NEVER
    slight: Callable[[Mapping[str, Value]], bool] = _any_size
    delays: bool = False
    kills: bool = False
    named_anew: tuple[str, ...] = ()

    @property
    def lies_in_wait(self) -> bool:
        """Whether it is not met before the next question that goes over the wire."""
        return self.layer == WIRE and self.absorbed_s == NEVER

# SPDX-License-Identifier: Apache-2.0
"""What a kind of fault is."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Value = float | str

WIRE, VIEWS, JOINTS, PROCESS, SERVICE = "wire", "views", "joints", "process", "service"
LINKS = "links"


NEVER, ALWAYS = -math.inf, math.inf


def _any_size(values: Mapping[str, Value]) -> bool:
    return True


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Attributes:
        name: of the kind.
        layer: where it strikes.
        named_by: what the system says of it: names of causes, states and counters, and words.
        ranges: of the numbers that a fault of this kind has.
        choices: of the words that it has.
        survived_s: an episode can go on where `duration_s` is not above this; infinite: always.
        absorbed_s: nothing need be said of it where `silence_s` is not above this and nothing came
            of it, see verification.chaos.outcome.naming.
        slight: and where this holds for the fault's values.
        delays: it only delays trajectories: nothing came of it where all came within their leads.
        kills: a process dies and is started again: only a chunk that was played to its end shows
            that all is well again.
        named_anew: names it as well where the episode had just come to its own good end: then
            no node misses the process, and what it says when it begins anew is all there is.
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

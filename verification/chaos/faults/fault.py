# SPDX-License-Identifier: Apache-2.0
"""One fault of a kind, with its numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from verification.chaos.faults.kind import Value
from verification.chaos.faults.kinds import KINDS


@dataclass(frozen=True)
class Fault:
    """One fault that is to strike.

    Attributes:
        number: from 0, in the order of the run.
        kind: a name among `KINDS`.
        values: numbers and words of the kind.
        phase_s: how long after the arm began to play it strikes.
    """

    number: int
    kind: str
    values: Mapping[str, Value] = field(default_factory=dict)
    phase_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """How long it lasts; 0: a moment."""
        return float(self.values.get("duration_s", 0.0))

    @property
    def silence_s(self) -> float:
        """How long nothing current comes through: what is held back does, after a while."""
        return min(self.duration_s, float(self.values.get("delay_s", math.inf)))

    @property
    def is_slight(self) -> bool:
        """Whether nothing need be said of it, should nothing come of it."""
        kind = KINDS[self.kind]
        return self.silence_s <= kind.absorbed_s and kind.slight(self.values)

    @property
    def can_go_on(self) -> bool:
        """Whether an episode can go on, in a new session of the server where it must be."""
        survived_s = KINDS[self.kind].survived_s
        return survived_s == math.inf or 0.0 < self.duration_s <= survived_s

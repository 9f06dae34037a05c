# SPDX-License-Identifier: Apache-2.0
"""A fault: its kind and the values of its parameters."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from verification.chaos.faults.kind import Value
from verification.chaos.faults.kinds import KINDS


@dataclass(frozen=True)
class Fault:
    """A fault to be injected.

    Attributes:
        number: counts from 0 in the order of the run.
        kind: a key of `KINDS`.
        values: of the kind's `ranges` and `choices`, by name.
        phase_s: delay of the injection after the arm plays (again) [s].
    """

    number: int
    kind: str
    values: Mapping[str, Value] = field(default_factory=dict)
    phase_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """How long the fault lasts [s]; 0: it is instantaneous."""
        return float(self.values.get("duration_s", 0.0))

    @property
    def silence_s(self) -> float:
        """How long no current message arrives [s]; delayed messages arrive after `delay_s`."""
        return min(self.duration_s, float(self.values.get("delay_s", math.inf)))

    @property
    def is_slight(self) -> bool:
        """Whether the system need not report the fault if it has no effect."""
        kind = KINDS[self.kind]
        return self.silence_s <= kind.absorbed_s and kind.slight(self.values)

    @property
    def can_go_on(self) -> bool:
        """Whether an episode can continue despite the fault, possibly in a new server session."""
        survived_s = KINDS[self.kind].survived_s
        return survived_s == math.inf or 0.0 < self.duration_s <= survived_s

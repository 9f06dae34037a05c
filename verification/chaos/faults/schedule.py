# SPDX-License-Identifier: Apache-2.0
"""The random schedule of faults; the same seed gives the same faults."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kind import FIRST, LAST, Kind, Value
from verification.chaos.faults.kinds import KINDS

_LATEST_PHASE_S = 1.2  # about the period of chunks: a fault may meet any part of it


def schedule(
    seed: int, views: Sequence[str], kinds: Sequence[str] = tuple(KINDS)
) -> Iterator[Fault]:
    """Yield faults without end: every kind once in random order, then all of them again.

    Args:
        seed: of the random numbers, 0 or more.
        views: names of the robot's views.
        kinds: names of the kinds to draw.
    """
    rng = np.random.default_rng(seed)
    number = 0
    while True:
        for index in rng.permutation(len(kinds)):
            yield _draw(number, KINDS[kinds[index]], views, rng)
            number += 1


def _draw(number: int, kind: Kind, views: Sequence[str], rng: np.random.Generator) -> Fault:
    values: dict[str, Value] = {
        name: _between(low, high, rng) for name, (low, high) in kind.ranges.items()
    }
    values |= {name: str(rng.choice(choice)) for name, choice in kind.choices.items()}
    ends = {FIRST: views[0], LAST: views[-1]}
    values = {name: ends.get(str(value), value) for name, value in values.items()}
    return Fault(number, kind.name, values, round(rng.uniform(0.0, _LATEST_PHASE_S), 3))


def _between(low: float, high: float, rng: np.random.Generator) -> float:
    """Draw from a log-uniform distribution: small values are as frequent as large ones."""
    return round(math.exp(rng.uniform(math.log(low), math.log(high))), 3)

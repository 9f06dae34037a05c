# SPDX-License-Identifier: Apache-2.0
"""Random chunks, valid and invalid, as a policy, a faulty server or a faulty arm may cause them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from verification.bench.gate.subjects import PANDA, Subject
from verification.rig import CONTROL_DT_S, Vector

Rng = np.random.Generator

_NO_GRIPPER = np.zeros(0, bool)
_MARGINS_RAD = (0.0, 0.02, 0.02 + 1e-9, 0.0201, 0.021, 0.03, 0.05, 0.1, -1e-9, -0.01)
_DURATIONS_S = (
    np.nan, np.inf, -np.inf, 0.0, -0.05, 5e-324, 1e-300, 1e-9, 1e-3, 2e-3, 0.01, 0.02, 0.2, 0.5,
    1.0, 1.0 + 1e-9, 10.0, 1e9, 1e308,
)  # fmt: skip
_START_IN_S = (None, None, None, 0.0, 0.0, 5e-3, 0.03, 0.2, -0.1, 1e-9, float("nan"))


@dataclass(frozen=True)
class Chunk:
    """Chunk that arrives while the previous motion plays.

    Attributes:
        deltas: commanded deltas. Shape (H, C) if valid, [m, rad].
        close: gripper commands; empty: none. Shape (H,).
        share: share of the remaining motion that plays before it arrives; 1: all of it.
        start_in_s: start, after the arrival; None: as soon as possible.
    """

    deltas: Any
    close: npt.NDArray[np.bool_] = field(default_factory=lambda: _NO_GRIPPER)
    control_dt_s: float = CONTROL_DT_S
    share: float = 1.0
    session_id: str = "a"
    start_in_s: float | None = None


@dataclass(frozen=True)
class Stop:
    """Operator's stop after `share` of the remaining motion."""

    share: float


@dataclass(frozen=True)
class Brake:
    """Stop in place of an arm that is `offset` (Shape (n,), [rad]) off its plan."""

    share: float
    offset: Vector


@dataclass(frozen=True)
class Round:
    """Sequence of events for one arm, which begins at rest.

    Attributes:
        kind: a key of KINDS.
        q: measured joint positions at rest. Shape (n,) if valid, [rad].
        events: chunks, stops and brakes, in this order.
    """

    kind: str
    q: Any
    events: tuple[Chunk | Stop | Brake, ...]


def draw(kind: str, rng: Rng, of: Subject = PANDA) -> Round:
    """Draw a random round of a kind, which is a key of KINDS, for an arm."""
    return KINDS[kind](kind, rng, of)


def _ordinary(kind: str, rng: Rng, of: Subject) -> Round:
    return Round(kind, _near_start(rng, of), (Chunk(_walk(rng, of), _gripper(rng)),))


def _extreme(kind: str, rng: Rng, of: Subject) -> Round:
    row = rng.choice([-1.0, 0.0, 1.0], of.columns) * of.scale
    return Round(kind, _near_start(rng, of), (Chunk(np.tile(row, (_rows(rng, 64), 1))),))


def _alternating(kind: str, rng: Rng, of: Subject) -> Round:
    rows = _rows(rng, 32)
    signs = np.where(np.arange(rows) // rng.integers(1, 4) % 2, 1.0, -1.0)[:, None]
    row = rng.choice([0.0, 1.0], of.columns) * of.scale
    return Round(kind, _near_start(rng, of), (Chunk(signs * row),))


def _zero(kind: str, rng: Rng, of: Subject) -> Round:
    zeros = np.zeros((_rows(rng, 32), of.columns)) * rng.choice([1.0, -1.0])
    return Round(kind, rng.choice([_near_start(rng, of), _any_q(rng, of)]), (Chunk(zeros),))


def _scaled(kind: str, rng: Rng, of: Subject) -> Round:
    deltas = _walk(rng, of) * 10.0 ** rng.uniform(-8, 3)
    return Round(kind, _near_start(rng, of), (Chunk(deltas),))


def _with_values(*values: float) -> Callable[[str, Rng, Subject], Round]:
    """Return a factory of chunks that have `values` in a few elements, or in all."""

    def make(kind: str, rng: Rng, of: Subject) -> Round:
        deltas = _walk(rng, of)
        share = rng.choice([0.0, 0.05, 0.3, 1.0])
        where = rng.random(deltas.shape) < share
        where.flat[rng.integers(where.size)] = True
        deltas[where] = rng.choice(values, int(where.sum()))
        return Round(kind, _near_start(rng, of), (Chunk(deltas, _gripper(rng)),))

    return make


def _wrong_size(kind: str, rng: Rng, of: Subject) -> Round:
    rows = _rows(rng, 16)
    c = of.columns
    shapes = [(0, c), (rows, c - 1), (rows, c + 1), (rows, 0), (c,), (), (0,), (2, rows, c)]
    shapes.append((c, rows + c))
    deltas: Any = rng.uniform(-0.02, 0.02, shapes[rng.integers(len(shapes))])
    if rng.random() < 0.2:
        deltas = np.ones((rows, c), rng.choice(["float32", "int64"])) * 0
    return Round(kind, _near_start(rng, of), (Chunk(deltas),))


def _at_limits(kind: str, rng: Rng, of: Subject) -> Round:
    q = _near_start(rng, of)
    margin = np.array(rng.choice(_MARGINS_RAD, of.n))
    limit = np.where(rng.random(of.n) < 0.5, of.lower + margin, of.upper - margin)
    at_limit = rng.random(of.n) < rng.choice((0.0, 0.0, 0.5))
    at_limit[rng.choice((*of.often_at_limits, int(rng.integers(of.n))))] = True
    return Round(kind, np.where(at_limit, limit, q), (Chunk(_walk(rng, of)),))


def _singular(kind: str, rng: Rng, of: Subject) -> Round:
    q = of.singular[rng.integers(len(of.singular))]
    q = q + rng.choice([0.0, 1e-9, 1e-3, 0.05]) * _spread(rng, of)
    return Round(kind, np.clip(q, of.lower + 0.02, of.upper - 0.02), (Chunk(_walk(rng, of)),))


def _any_posture(kind: str, rng: Rng, of: Subject) -> Round:
    return Round(kind, _any_q(rng, of), (Chunk(_walk(rng, of)),))


def _odd_duration(kind: str, rng: Rng, of: Subject) -> Round:
    chunk = Chunk(_walk(rng, of, 32), control_dt_s=float(rng.choice(_DURATIONS_S)))
    return Round(kind, _near_start(rng, of), (chunk,))


def _bad_state(kind: str, rng: Rng, of: Subject) -> Round:
    q = _near_start(rng, of)
    if rng.random() < 0.6:
        q[rng.integers(of.n)] = rng.choice([np.nan, np.inf, -np.inf, 1e30, 1e308, 7.0])
    else:
        q = np.resize(q, int(rng.choice([0, 1, of.n - 1, of.n + 1, 2 * of.n])))
    return Round(kind, q, (Chunk(_walk(rng, of), _gripper(rng)),))


def _long(kind: str, rng: Rng, of: Subject) -> Round:
    walk = _walk(rng, of, 32) * rng.choice([0.1, 1.0])
    deltas = np.resize(walk, (int(rng.integers(100, 700)), of.columns))
    return Round(kind, _near_start(rng, of), (Chunk(deltas),))


def _odd_gripper(kind: str, rng: Rng, of: Subject) -> Round:
    deltas = _walk(rng, of)
    count = int(rng.choice([len(deltas), len(deltas), len(deltas) - 1, len(deltas) + 3, 1]))
    close = rng.random(count) < 0.5
    return Round(
        kind,
        _near_start(rng, of),
        (Chunk(deltas, close), Chunk(_walk(rng, of), ~close, share=_random_share(rng))),
    )


def _hand_over(kind: str, rng: Rng, of: Subject) -> Round:
    chunks = [Chunk(_walk(rng, of), _gripper(rng))]
    for _ in range(int(rng.integers(1, 5))):
        deltas = _walk(rng, of)
        if rng.random() < 0.15:
            deltas[rng.integers(len(deltas))] = rng.choice([np.nan, 1e30, 5e-324])
        session_id = str(rng.choice(["a", "a", "a", "b"]))
        start_in_s = _START_IN_S[rng.integers(len(_START_IN_S))]
        chunks.append(
            Chunk(
                deltas,
                _gripper(rng),
                share=_random_share(rng),
                session_id=session_id,
                start_in_s=start_in_s,
            )
        )
    return Round(kind, _near_start(rng, of), tuple(chunks))


def _interrupted(kind: str, rng: Rng, of: Subject) -> Round:
    if rng.random() < 0.6:
        interruption: Stop | Brake = Stop(_random_share(rng))
    else:
        offset = rng.choice([0.0, 1e-3, 0.03, 0.2]) * _spread(rng, of)
        interruption = Brake(_random_share(rng), offset)
    first = Chunk(_walk(rng, of, 24), _gripper(rng))
    then = Chunk(_walk(rng, of), _gripper(rng), share=_random_share(rng))
    return Round(kind, _near_start(rng, of), (first, interruption, then))


KINDS: dict[str, Callable[[str, Rng, Subject], Round]] = {
    "ordinary": _ordinary,
    "extreme": _extreme,
    "alternating": _alternating,
    "zero": _zero,
    "scaled": _scaled,
    "nan": _with_values(np.nan),
    "inf": _with_values(np.inf, -np.inf),
    "huge": _with_values(1e30, -1e30, 1e308, 1e6, -100.0),
    "denormal": _with_values(5e-324, -5e-324, 1e-310, -0.0),
    "wrong size": _wrong_size,
    "at limits": _at_limits,
    "singular": _singular,
    "any posture": _any_posture,
    "odd duration": _odd_duration,
    "bad state": _bad_state,
    "too long": _long,
    "odd gripper": _odd_gripper,
    "hand-over": _hand_over,
    "interrupted": _interrupted,
}


def _walk(rng: Rng, of: Subject, most: int = 16) -> Vector:
    """Draw 1 to `most` deltas, correlated in time, within the action range. Shape (H, C)."""
    rows = _rows(rng, most)
    keep = rng.choice([0.0, 0.85, 0.97])
    noise = rng.standard_normal((rows, of.columns)) * rng.choice([0.1, 0.5, 1.5])
    actions = np.empty((rows, of.columns))
    actions[0] = noise[0]
    for row in range(1, rows):
        actions[row] = keep * actions[row - 1] + np.sqrt(1 - keep**2) * noise[row]
    actions[:, rng.random(of.columns) < 0.3] = 0.0
    return np.asarray(np.clip(actions, -1.0, 1.0) * of.scale)


def _rows(rng: Rng, most: int) -> int:
    return int(rng.integers(1, most + 1))


def _spread(rng: Rng, of: Subject) -> Vector:
    return rng.uniform(-1.0, 1.0, of.n)


def _near_start(rng: Rng, of: Subject) -> Vector:
    return np.asarray(of.start_q + rng.choice([0.02, 0.2, 0.5]) * of.room * _spread(rng, of))


def _any_q(rng: Rng, of: Subject) -> Vector:
    return rng.uniform(of.lower, of.upper)


def _random_share(rng: Rng) -> float:
    """Draw a share of a motion, also its ends and values close to them."""
    return float(rng.choice([0.0, 1e-6, rng.random(), rng.random(), rng.random(), 0.999, 1.0]))


def _gripper(rng: Rng) -> npt.NDArray[np.bool_]:
    """Draw gripper commands, more than any chunk has actions: the player truncates them."""
    return _NO_GRIPPER if rng.random() < 0.7 else rng.random(64) < rng.choice([0.0, 0.5, 1.0])

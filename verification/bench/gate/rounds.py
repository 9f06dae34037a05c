# SPDX-License-Identifier: Apache-2.0
"""Random chunks, valid and invalid, as a policy, a faulty server or a faulty arm may cause them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from verification.rig import ACTION_SCALE, CONTROL_DT_S, START_Q, Vector

Rng = np.random.Generator

_NO_GRIPPER = np.zeros(0, bool)
_PANDA_LOWER = np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973])
_PANDA_UPPER = np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973])
_MARGINS_RAD = (0.0, 0.02, 0.02 + 1e-9, 0.0201, 0.021, 0.03, 0.05, 0.1, -1e-9, -0.01)
_SINGULAR = (
    np.zeros(7),
    np.array([0.0, 0.0, 0.0, -0.0698, 0.0, 0.0, 0.0]),
    np.array([0.0, 0.6, 0.0, -0.09, 0.0, 0.7, 0.785]),  # elbow straight
    np.array([0.3, 0.2, 0.1, -2.0, 0.0, 0.0, 0.0]),  # wrist axes aligned
    np.array([0.0, -0.8, 0.0, -2.8, 0.0, 2.0, 0.0]),  # wrist above the shoulder
)
_DURATIONS_S = (
    np.nan, np.inf, -np.inf, 0.0, -0.05, 5e-324, 1e-300, 1e-9, 1e-3, 2e-3, 0.01, 0.02, 0.2, 0.5,
    1.0, 1.0 + 1e-9, 10.0, 1e9, 1e308,
)  # fmt: skip
_START_IN_S = (None, None, None, 0.0, 0.0, 5e-3, 0.03, 0.2, -0.1, 1e-9, float("nan"))


@dataclass(frozen=True)
class Chunk:
    """Chunk that arrives while the previous motion plays.

    Attributes:
        deltas: commanded deltas. Shape (H, 6) if valid, [m, rad].
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
    """Stop in place of an arm that is `offset` (Shape (7,), [rad]) off its plan."""

    share: float
    offset: Vector


@dataclass(frozen=True)
class Round:
    """Sequence of events for one arm, which begins at rest.

    Attributes:
        kind: a key of KINDS.
        q: measured joint positions at rest. Shape (7,) if valid, [rad].
        events: chunks, stops and brakes, in this order.
    """

    kind: str
    q: Any
    events: tuple[Chunk | Stop | Brake, ...]


def draw(kind: str, rng: Rng) -> Round:
    """Draw a random round of a kind, which is a key of KINDS."""
    return KINDS[kind](kind, rng)


def _ordinary(kind: str, rng: Rng) -> Round:
    return Round(kind, _near_start(rng), (Chunk(_walk(rng), _gripper(rng)),))


def _extreme(kind: str, rng: Rng) -> Round:
    row = rng.choice([-1.0, 0.0, 1.0], 6) * ACTION_SCALE
    return Round(kind, _near_start(rng), (Chunk(np.tile(row, (_rows(rng, 64), 1))),))


def _alternating(kind: str, rng: Rng) -> Round:
    rows = _rows(rng, 32)
    signs = np.where(np.arange(rows) // rng.integers(1, 4) % 2, 1.0, -1.0)[:, None]
    return Round(kind, _near_start(rng), (Chunk(signs * rng.choice([0.0, 1.0], 6) * ACTION_SCALE),))


def _zero(kind: str, rng: Rng) -> Round:
    zeros = np.zeros((_rows(rng, 32), 6)) * rng.choice([1.0, -1.0])
    return Round(kind, rng.choice([_near_start(rng), _any_q(rng)]), (Chunk(zeros),))


def _scaled(kind: str, rng: Rng) -> Round:
    deltas = _walk(rng) * 10.0 ** rng.uniform(-8, 3)
    return Round(kind, _near_start(rng), (Chunk(deltas),))


def _with_values(*values: float) -> Callable[[str, Rng], Round]:
    """Return a factory of chunks that have `values` in a few elements, or in all."""

    def make(kind: str, rng: Rng) -> Round:
        deltas = _walk(rng)
        share = rng.choice([0.0, 0.05, 0.3, 1.0])
        where = rng.random(deltas.shape) < share
        where.flat[rng.integers(where.size)] = True
        deltas[where] = rng.choice(values, int(where.sum()))
        return Round(kind, _near_start(rng), (Chunk(deltas, _gripper(rng)),))

    return make


def _wrong_size(kind: str, rng: Rng) -> Round:
    rows = _rows(rng, 16)
    shapes = [(0, 6), (rows, 5), (rows, 7), (rows, 0), (6,), (), (0,), (2, rows, 6), (6, rows + 6)]
    deltas: Any = rng.uniform(-0.02, 0.02, shapes[rng.integers(len(shapes))])
    if rng.random() < 0.2:
        deltas = np.ones((rows, 6), rng.choice(["float32", "int64"])) * 0
    return Round(kind, _near_start(rng), (Chunk(deltas),))


def _at_limits(kind: str, rng: Rng) -> Round:
    q = _near_start(rng)
    margin = np.array(rng.choice(_MARGINS_RAD, 7))
    limit = np.where(rng.random(7) < 0.5, _PANDA_LOWER + margin, _PANDA_UPPER - margin)
    at_limit = rng.random(7) < rng.choice((0.0, 0.0, 0.5))
    at_limit[rng.choice((3, 4, 5, 6, 6, int(rng.integers(7))))] = True
    return Round(kind, np.where(at_limit, limit, q), (Chunk(_walk(rng)),))


def _singular(kind: str, rng: Rng) -> Round:
    q = _SINGULAR[rng.integers(len(_SINGULAR))] + rng.choice([0.0, 1e-9, 1e-3, 0.05]) * _spread(rng)
    return Round(kind, np.clip(q, _PANDA_LOWER + 0.02, _PANDA_UPPER - 0.02), (Chunk(_walk(rng)),))


def _any_posture(kind: str, rng: Rng) -> Round:
    return Round(kind, _any_q(rng), (Chunk(_walk(rng)),))


def _odd_duration(kind: str, rng: Rng) -> Round:
    chunk = Chunk(_walk(rng, 32), control_dt_s=float(rng.choice(_DURATIONS_S)))
    return Round(kind, _near_start(rng), (chunk,))


def _bad_state(kind: str, rng: Rng) -> Round:
    q = _near_start(rng)
    if rng.random() < 0.6:
        q[rng.integers(7)] = rng.choice([np.nan, np.inf, -np.inf, 1e30, 1e308, 7.0])
    else:
        q = np.resize(q, int(rng.choice([0, 1, 6, 8, 14])))
    return Round(kind, q, (Chunk(_walk(rng), _gripper(rng)),))


def _long(kind: str, rng: Rng) -> Round:
    deltas = np.resize(_walk(rng, 32) * rng.choice([0.1, 1.0]), (int(rng.integers(100, 700)), 6))
    return Round(kind, _near_start(rng), (Chunk(deltas),))


def _odd_gripper(kind: str, rng: Rng) -> Round:
    deltas = _walk(rng)
    count = int(rng.choice([len(deltas), len(deltas), len(deltas) - 1, len(deltas) + 3, 1]))
    close = rng.random(count) < 0.5
    return Round(
        kind,
        _near_start(rng),
        (Chunk(deltas, close), Chunk(_walk(rng), ~close, share=_random_share(rng))),
    )


def _hand_over(kind: str, rng: Rng) -> Round:
    chunks = [Chunk(_walk(rng), _gripper(rng))]
    for _ in range(int(rng.integers(1, 5))):
        deltas = _walk(rng)
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
    return Round(kind, _near_start(rng), tuple(chunks))


def _interrupted(kind: str, rng: Rng) -> Round:
    if rng.random() < 0.6:
        interruption: Stop | Brake = Stop(_random_share(rng))
    else:
        offset = rng.choice([0.0, 1e-3, 0.03, 0.2]) * _spread(rng)
        interruption = Brake(_random_share(rng), offset)
    first = Chunk(_walk(rng, 24), _gripper(rng))
    then = Chunk(_walk(rng), _gripper(rng), share=_random_share(rng))
    return Round(kind, _near_start(rng), (first, interruption, then))


KINDS: dict[str, Callable[[str, Rng], Round]] = {
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


def _walk(rng: Rng, most: int = 16) -> Vector:
    """Draw 1 to `most` deltas, correlated in time, within the action range. Shape (H, 6)."""
    rows = _rows(rng, most)
    keep = rng.choice([0.0, 0.85, 0.97])
    noise = rng.standard_normal((rows, 6)) * rng.choice([0.1, 0.5, 1.5])
    actions = np.empty((rows, 6))
    actions[0] = noise[0]
    for row in range(1, rows):
        actions[row] = keep * actions[row - 1] + np.sqrt(1 - keep**2) * noise[row]
    actions[:, rng.random(6) < 0.3] = 0.0
    return np.asarray(np.clip(actions, -1.0, 1.0) * ACTION_SCALE)


def _rows(rng: Rng, most: int) -> int:
    return int(rng.integers(1, most + 1))


def _spread(rng: Rng) -> Vector:
    return rng.uniform(-1.0, 1.0, 7)


def _near_start(rng: Rng) -> Vector:
    return np.asarray(START_Q + rng.choice([0.02, 0.2, 0.5]) * _spread(rng))


def _any_q(rng: Rng) -> Vector:
    return rng.uniform(_PANDA_LOWER, _PANDA_UPPER)


def _random_share(rng: Rng) -> float:
    """Draw a share of a motion, also its ends and values close to them."""
    return float(rng.choice([0.0, 1e-6, rng.random(), rng.random(), rng.random(), 0.999, 1.0]))


def _gripper(rng: Rng) -> npt.NDArray[np.bool_]:
    """Draw gripper commands, more than any chunk has actions: the player truncates them."""
    return _NO_GRIPPER if rng.random() < 0.7 else rng.random(64) < rng.choice([0.0, 0.5, 1.0])

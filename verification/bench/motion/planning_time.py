# SPDX-License-Identifier: Apache-2.0
"""How long planning a chunk takes, part by part, against its length."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from vera_ros.motion.causes import MotionRefusedError
from verification.bench.motion.traces import Traces
from verification.rig import CONTROL_DT_S, Rig, Vector, make_rig

LENGTHS = (1, 2, 4, 8, 10, 16, 24, 32, 48, 64)
PARTS = ("response", "ik", "limits", "gate")


class Stopwatch:
    """Stands before an object and sums the time that its methods take, calls of its own aside."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.elapsed_s = 0.0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value):
            return value

        def timed(*args: Any, **kwargs: Any) -> Any:
            begin = time.perf_counter()
            try:
                return value(*args, **kwargs)
            finally:
                self.elapsed_s += time.perf_counter() - begin

        setattr(self, name, timed)
        return timed


@dataclass(frozen=True)
class LengthTimes:
    """Times of the chunks of one length.

    Attributes:
        actions: the length.
        total_s: response, IK, limits and gate together. Shape (R,), [s].
        parts_s: of each part, "limits" being what is left of planning. Shape (R,) each, [s].
        refused: chunks that were refused, not counted in the times.
    """

    actions: int
    total_s: Vector
    parts_s: dict[str, Vector]
    refused: int

    def numbers(self) -> dict[str, object]:
        """What the JSON file says."""
        if not len(self.total_s):
            return {"actions": self.actions, "chunks": 0, "refused": self.refused}
        played_s = self.actions * CONTROL_DT_S
        return {
            "actions": self.actions,
            "chunks": len(self.total_s),
            "refused": self.refused,
            "median_ms": float(np.median(self.total_s)) * 1e3,
            "p95_ms": float(np.percentile(self.total_s, 95)) * 1e3,
            "play_time_over_median": played_s / float(np.median(self.total_s)),
            "parts_median_ms": {
                part: float(np.median(times)) * 1e3 for part, times in self.parts_s.items()
            },
        }


def measure(traces: Traces) -> list[LengthTimes]:
    """Plan and check chunks of every length, made of the traces' actions."""
    watches: list[Stopwatch] = []

    def wrap(inner: Any) -> Stopwatch:
        watches.append(Stopwatch(inner))
        return watches[-1]

    rig = make_rig(wrap_response=wrap, wrap_paths=wrap)
    response, ik = watches
    _time_one(rig, response, ik, traces.q0[0], traces.deltas(0)[:2])  # warm up
    rows: dict[int, list[tuple[float, ...] | None]] = {length: [] for length in LENGTHS}
    for run, q0 in enumerate(traces.q0):  # the lengths in turns: a busy moment hits them all
        for length, results in rows.items():
            deltas = there_and_back(traces.deltas(run), length)
            results.append(_time_one(rig, response, ik, q0, deltas))
    return [_length_times(length, results) for length, results in rows.items()]


def there_and_back(deltas: Vector, length: int) -> Vector:
    """The first `length` actions of a run that turns round at its end, and again at its start."""
    period = np.concatenate((deltas, -deltas[::-1]))
    return np.asarray(np.resize(period, (length, deltas.shape[1])))


def _length_times(length: int, results: list[tuple[float, ...] | None]) -> LengthTimes:
    timed = [row for row in results if row is not None]
    table = np.array(timed).reshape(-1, len(PARTS))
    parts = dict(zip(PARTS, table.T, strict=True))
    return LengthTimes(length, table.sum(axis=1), parts, len(results) - len(timed))


def _time_one(
    rig: Rig, response: Stopwatch, ik: Stopwatch, q: Vector, deltas: Vector
) -> tuple[float, ...] | None:
    """Seconds of each part; None when the chunk is refused."""
    response.elapsed_s = ik.elapsed_s = 0.0
    begin = time.perf_counter()
    try:
        trajectory = rig.plan(q, deltas).trajectory()
        planned = time.perf_counter()
        rig.check(trajectory, q)
    except MotionRefusedError:
        return None
    checked = time.perf_counter()
    rest_s = planned - begin - response.elapsed_s - ik.elapsed_s
    return response.elapsed_s, ik.elapsed_s, rest_s, checked - planned

# SPDX-License-Identifier: Apache-2.0
"""Planning time of a chunk against its length, split into parts."""

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
    """Proxy that sums the time spent in calls of an object's methods from outside."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.elapsed_s = 0.0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value):
            return value
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
    """Planning times of the chunks of one length.

    Attributes:
        actions: number of actions per chunk.
        total_s: response, IK, limits and gate together. Shape (R,), [s].
        parts_s: time of each of PARTS; "limits" is the rest of planning. Shape (R,) each, [s].
        refused: number of refused chunks, which are not timed.
    """

    actions: int
    total_s: Vector
    parts_s: dict[str, Vector]
    refused: int

    def numbers(self) -> dict[str, object]:
        """Return the results for the JSON file."""
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
    """Time planning and gate for chunks of all LENGTHS, built from the traces' actions."""
    watches: list[Stopwatch] = []

    def wrap(inner: Any) -> Stopwatch:
        watches.append(Stopwatch(inner))
        return watches[-1]

    rig = make_rig(wrap_response=wrap, wrap_paths=wrap)
    response, ik = watches
    _time_one(rig, response, ik, traces.q0[0], traces.deltas(0)[:2])  # warm up
    rows: dict[int, list[tuple[float, ...] | None]] = {length: [] for length in LENGTHS}
    for run, q0 in enumerate(
        traces.q0
    ):  # lengths alternate, so that load on the machine affects all
        for length, results in rows.items():
            deltas = there_and_back(traces.deltas(run), length)
            results.append(_time_one(rig, response, ik, q0, deltas))
    return [_length_times(length, results) for length, results in rows.items()]


def there_and_back(deltas: Vector, length: int) -> Vector:
    """Return `length` actions of a run that is played forth and back. Shape (length, 6)."""
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
    """Return the time of each of PARTS [s]; None: the chunk is refused."""
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

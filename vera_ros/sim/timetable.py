# SPDX-License-Identifier: Apache-2.0
"""The schedule of periodic streams within a span of simulated time."""

from collections.abc import Iterator, Mapping


def timetable(
    steps: int, step_s: float, rates_hz: Mapping[str, float]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the moments of a span at which something is due, in order.

    Every rate counts from the span's start, so what is due does not depend on when that is, and
    everything is due at the end.

    Args:
        steps: length of the span in physics steps; 0: only the end, which is now.
        step_s: duration of a step [s].
        rates_hz: rate of each stream [Hz], by name; at most once a step.

    Yields:
        Steps since the span's start, and the names of what is due then.
    """
    moments: dict[int, list[str]] = {}
    for name, rate_hz in rates_hz.items():
        period = 1.0 / (rate_hz * step_s)
        inner = (round(index * period) for index in range(1, int(steps / period) + 1))
        for at in sorted({at for at in inner if at < steps} | {steps}):
            moments.setdefault(at, []).append(name)
    for at in sorted(moments):
        yield at, tuple(moments[at])

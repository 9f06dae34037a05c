# SPDX-License-Identifier: Apache-2.0
"""Comparison of the latencies at the beginning and at the end of a run."""

from collections.abc import Sequence

from vera_ros.distribution import Distribution
from verification.chaos.outcome.soak import thirds

# The faults themselves dominate the 99th percentile, so it is not judged.
_JUDGED = ("median", "p90")
_MAX_GROWTH, _MAX_GROWTH_S = 0.2, 0.01  # together: more than noise


def drift(latencies_s: Sequence[float]) -> tuple[Distribution, Distribution] | None:
    """Return the latencies of the first and of the last third after warm-up; None: too few."""
    parts = thirds(latencies_s)
    return None if parts is None else (Distribution.of(parts[0]), Distribution.of(parts[1]))


def complaints(name: str, latencies_s: Sequence[float]) -> list[str]:
    """Return a message for each percentile that grew too much, or one if there are too few."""
    parts = drift(latencies_s)
    if parts is None:
        return [f"{name}: growth not known, since there are too few chunks; let it run for longer"]
    found = []
    for judged in _JUDGED:
        first_s, last_s = (float(getattr(part, judged)) for part in parts)
        if last_s > first_s * (1.0 + _MAX_GROWTH) + _MAX_GROWTH_S:
            found.append(
                f"{name}: its {judged} grew from {first_s * 1e3:.0f} to {last_s * 1e3:.0f} ms "
                f"(valid: by at most {_MAX_GROWTH:.0%} and {_MAX_GROWTH_S * 1e3:.0f} ms)"
            )
    return found

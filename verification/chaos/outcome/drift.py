# SPDX-License-Identifier: Apache-2.0
"""Whether chunks take longer at the end of a run than at its beginning."""

from collections.abc import Sequence

from vera_ros.distribution import Distribution
from verification.chaos.outcome.soak import thirds

# What is more than noise. The 99th percentile is what the faults make of it, and is not judged.
_JUDGED = ("median", "p90")
_MOST_MORE, _MOST_MORE_S = 0.2, 0.01


def drift(latencies_s: Sequence[float]) -> tuple[Distribution, Distribution] | None:
    """The latencies of the first and of the last third, without the warm-up; None: too few."""
    parts = thirds(latencies_s)
    return None if parts is None else (Distribution.of(parts[0]), Distribution.of(parts[1]))


def complaints(name: str, latencies_s: Sequence[float]) -> list[str]:
    """What has become slower, in words; that it is not known is no comfort."""
    parts = drift(latencies_s)
    if parts is None:
        return [f"{name}: whether it grows is not known: there were too few chunks"]
    found = []
    for judged in _JUDGED:
        first_s, last_s = (float(getattr(part, judged)) for part in parts)
        if last_s > first_s * (1.0 + _MOST_MORE) + _MOST_MORE_S:
            found.append(
                f"{name}: its {judged} grew from {first_s * 1e3:.0f} to {last_s * 1e3:.0f} ms "
                f"(up to {_MOST_MORE:.0%} and {_MOST_MORE_S * 1e3:.0f} ms)"
            )
    return found

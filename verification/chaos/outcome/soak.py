# SPDX-License-Identifier: Apache-2.0
"""Resource usage of processes, sampled from /proc, and its growth over a run."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

_MB = 1024.0  # in kB, the unit of /proc
_WARM_UP_SHARE = 0.2  # of the samples
_MIN_SAMPLES = 6
_MAX_MEMORY_PERCENT = 5.0
_MAX_MORE = 1  # threads, files or sockets: connections come and go

T = TypeVar("T")


@dataclass(frozen=True)
class Usage:
    """Resource usage of a process at one time.

    Attributes:
        at_s: steady time [s].
        pid: process id, which changes with a restart.
        rss_mb: resident memory [MiB].
        threads: number of threads.
        files: number of open file descriptors, including sockets.
        sockets: number of open sockets.
    """

    at_s: float
    pid: int
    rss_mb: float
    threads: int
    files: int
    sockets: int


@dataclass(frozen=True)
class Growth:
    """Growth from the first to the last third of the samples of a process, after its warm-up.

    Attributes:
        last: the last sample.
        rss_percent: growth of the memory [%]; None, like all others: too few samples.
        threads, files, sockets: increase of their numbers.
    """

    last: Usage
    rss_percent: float | None = None
    threads: float | None = None
    files: float | None = None
    sockets: float | None = None

    def complaints(self) -> list[str]:
        """Return a message for each resource that grew too much, or one if that is not known."""
        if self.rss_percent is None:
            return ["growth not known, since there are too few samples; let it run for longer"]
        found = []
        if self.rss_percent > _MAX_MEMORY_PERCENT:
            limit = f"(valid: at most {_MAX_MEMORY_PERCENT:g} %)"
            found.append(f"its memory grew by {self.rss_percent:.1f} % {limit}")
        for name in ("threads", "files", "sockets"):
            more = getattr(self, name)
            if more > _MAX_MORE:
                found.append(f"it has {more:.0f} more {name} (valid: at most {_MAX_MORE})")
        return found


def sample(pid: int, at_s: float) -> Usage | None:
    """Sample the resource usage of a process; None: it does not exist any more."""
    folder = Path("/proc") / str(pid)
    try:
        lines = (folder / "status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        rss_mb = int(status["VmRSS"].split()[0]) / _MB
        links = []
        for descriptor in (folder / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                links.append(os.readlink(descriptor))
    except (OSError, KeyError):
        return None
    sockets = sum(link.startswith("socket:") for link in links)
    return Usage(at_s, pid, rss_mb, int(status["Threads"]), len(links), sockets)


def thirds(values: Sequence[T]) -> tuple[Sequence[T], Sequence[T]] | None:
    """Return the first and the last third of the values after a warm-up; None: too few."""
    warm = values[round(len(values) * _WARM_UP_SHARE) :]
    third = len(warm) // 3
    return (warm[:third], warm[-third:]) if len(warm) >= _MIN_SAMPLES else None


def growth(samples: Sequence[Usage]) -> Growth:
    """Return how the usage of a process grows over its samples, at least one."""
    parts = thirds(samples)
    if parts is None:
        return Growth(samples[-1])
    first, last = parts

    def more(name: str) -> float:
        return float(
            median(getattr(u, name) for u in last) - median(getattr(u, name) for u in first)
        )

    return Growth(
        samples[-1],
        100.0 * more("rss_mb") / median(usage.rss_mb for usage in first),
        more("threads"),
        more("files"),
        more("sockets"),
    )


class Soak:
    """Samples of the resource usage of processes, by name."""

    def __init__(self) -> None:
        self.samples: dict[str, list[Usage]] = {}

    def sample(self, pids: Mapping[str, int], at_s: float) -> None:
        """Sample each process that exists. `pids`: by name. `at_s`: steady time [s]."""
        for name, pid in pids.items():
            usage = sample(pid, at_s)
            if usage is not None:
                self.samples.setdefault(name, []).append(usage)

    def lives(self, name: str) -> list[list[Usage]]:
        """Return the samples of a process, one list for each time that it was started."""
        by_pid: dict[int, list[Usage]] = {}
        for usage in self.samples[name]:
            by_pid.setdefault(usage.pid, []).append(usage)
        return list(by_pid.values())

    def growth(self) -> dict[str, Growth]:
        """Return the growth of every process, over the longest of its lives."""
        return {name: growth(max(self.lives(name), key=len)) for name in self.samples}

    def complaints(self) -> list[str]:
        """Return a message for each process and resource that grew too much."""
        return [
            f"{name}: {complaint}"
            for name, grown in self.growth().items()
            for complaint in grown.complaints()
        ]

    def numbers(self) -> dict[str, object]:
        """Return growth and samples by process, for the JSON file."""
        grown = self.growth()
        return {
            name: {
                "growth": asdict(grown[name]),
                "samples": [asdict(usage) for usage in samples],
            }
            for name, samples in self.samples.items()
        }

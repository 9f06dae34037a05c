# SPDX-License-Identifier: Apache-2.0
"""What processes use, sampled from /proc, and whether that grows from beginning to end."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

_MB = 1024.0  # of the kB that /proc counts in
_WARM_UP = 0.2  # of the samples
_FEWEST = 6
_MOST_PERCENT = 5.0  # of memory
_MOST_MORE = 1  # of threads, files or sockets: a connection comes and goes

T = TypeVar("T")


@dataclass(frozen=True)
class Usage:
    """What a process uses at one moment.

    Attributes:
        at_s: steady time [s].
        pid: its id; another one when it was started again.
        rss_mb: memory that it holds.
        threads: of the process.
        files: open ones, sockets included.
        sockets: open ones.
    """

    at_s: float
    pid: int
    rss_mb: float
    threads: int
    files: int
    sockets: int


@dataclass(frozen=True)
class Growth:
    """From the first third of a life's samples to the last, without its warm-up.

    Attributes:
        last: the last sample.
        rss_percent: of the memory; None, as all others: too few samples.
        threads, files, sockets: how many more.
    """

    last: Usage
    rss_percent: float | None = None
    threads: float | None = None
    files: float | None = None
    sockets: float | None = None

    def complaints(self) -> list[str]:
        """What grows as a leak does, in words; that it is not known is no comfort."""
        if self.rss_percent is None:
            return ["whether it grows is not known: it was sampled too few times"]
        found = []
        if self.rss_percent > _MOST_PERCENT:
            found.append(f"its memory grew by {self.rss_percent:.1f} % (up to {_MOST_PERCENT:g} %)")
        for name in ("threads", "files", "sockets"):
            more = getattr(self, name)
            if more > _MOST_MORE:
                found.append(f"it has {more:.0f} more {name} (up to {_MOST_MORE})")
        return found


def sample(pid: int, at_s: float) -> Usage | None:
    """What a process uses now; None: it is gone."""
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
    """The first and the last third of what came after a warm-up; None: that is too little."""
    warm = values[round(len(values) * _WARM_UP) :]
    third = len(warm) // 3
    return (warm[:third], warm[-third:]) if len(warm) >= _FEWEST else None


def growth(samples: Sequence[Usage]) -> Growth:
    """How the usage of a process grows over its samples, of which there is one at least."""
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
    """Samples of processes, by name."""

    def __init__(self) -> None:
        self.samples: dict[str, list[Usage]] = {}

    def sample(self, pids: Mapping[str, int], at_s: float) -> None:
        """Take a sample of each process that is there."""
        for name, pid in pids.items():
            usage = sample(pid, at_s)
            if usage is not None:
                self.samples.setdefault(name, []).append(usage)

    def lives(self, name: str) -> list[list[Usage]]:
        """The samples of a process, apart for every time that it was started."""
        by_pid: dict[int, list[Usage]] = {}
        for usage in self.samples[name]:
            by_pid.setdefault(usage.pid, []).append(usage)
        return list(by_pid.values())

    def growth(self) -> dict[str, Growth]:
        """Of every process, in the longest of its lives."""
        return {name: growth(max(self.lives(name), key=len)) for name in self.samples}

    def complaints(self) -> list[str]:
        """What grows as a leak does, in words."""
        return [
            f"{name}: {complaint}"
            for name, grown in self.growth().items()
            for complaint in grown.complaints()
        ]

    def numbers(self) -> dict[str, object]:
        """What the JSON file says."""
        grown = self.growth()
        return {
            name: {
                "growth": asdict(grown[name]),
                "samples": [asdict(usage) for usage in samples],
            }
            for name, samples in self.samples.items()
        }

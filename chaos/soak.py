# SPDX-License-Identifier: Apache-2.0
"""What processes use, sampled from /proc, and how that grows."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

_MB = 1024.0  # of the kB that /proc counts in
_WARM_UP = 0.2  # of the samples
_FEWEST = 6


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
    """From the first third of the samples to the last, without a warm-up; None: too few samples.

    Attributes:
        last: the last sample.
        rss_percent: of the memory.
        threads, files, sockets: how many more.
    """

    last: Usage
    rss_percent: float | None = None
    threads: float | None = None
    files: float | None = None
    sockets: float | None = None


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


def growth(samples: Sequence[Usage]) -> Growth:
    """How the usage grows over the samples, of which there is one at least."""
    warm = samples[round(len(samples) * _WARM_UP) :]
    if len(warm) < _FEWEST:
        return Growth(samples[-1])
    third = len(warm) // 3
    first, last = warm[:third], warm[-third:]

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

    def growth(self) -> dict[str, Growth]:
        """Of every process."""
        return {name: growth(samples) for name, samples in self.samples.items()}

    def numbers(self) -> dict[str, object]:
        """What the JSON file says."""
        return {
            name: {
                "growth": asdict(growth(samples)),
                "samples": [asdict(usage) for usage in samples],
            }
            for name, samples in self.samples.items()
        }

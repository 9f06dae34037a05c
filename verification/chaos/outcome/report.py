# SPDX-License-Identifier: Apache-2.0
"""What a run has shown: numbers for a file, and whether all is well."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vera_ros.distribution import Distribution
from verification.chaos.monitor.umpire import FINGERS
from verification.chaos.outcome import drift
from verification.chaos.outcome.outcomes import CRASH, HANG, MISSED, Outcome, Summary, summarise
from verification.chaos.outcome.soak import Soak

_LEAST_WENT_ON = 0.95

Finding = Mapping[str, Any]


def read_findings(path: Path) -> list[Finding]:
    """What the monitor has written."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@dataclass(frozen=True)
class Report:
    """All of a run.

    Attributes:
        options: as given.
        duration_s: of the run.
        outcomes: of the faults.
        findings: of the monitor.
        soak: what the processes used.
        server_latency_s, pipeline_latency_s: of all chunks.
        absent: kinds that could not be tried.
        is_soak: whether growth is judged as well.
    """

    options: Mapping[str, Any]
    duration_s: float
    outcomes: Sequence[Outcome]
    findings: Sequence[Finding]
    soak: Soak
    server_latency_s: Sequence[float]
    pipeline_latency_s: Sequence[float]
    absent: Sequence[str]
    is_soak: bool = False

    @property
    def trajectories(self) -> list[Finding]:
        """Every trajectory that was published, judged."""
        return [finding for finding in self.findings if finding["finding"] == "trajectory"]

    @property
    def refused(self) -> list[Finding]:
        """Trajectories and motions that must not have been."""
        return [
            finding
            for finding in self.findings
            if finding["finding"] == "arm" or finding.get("violations")
        ]

    @property
    def unseen(self) -> int:
        """Trajectories of which it was not seen from where the arm went on."""
        return sum(not finding["source"] for finding in self.trajectories)

    @property
    def of_fingers(self) -> int:
        """Trajectories that move the fingers and not the arm."""
        return sum(finding["of"] == FINGERS for finding in self.trajectories)

    def summaries(self) -> tuple[dict[str, Summary], Summary]:
        """By kind, and all together."""
        return summarise(self.outcomes)

    def went_on_share(self) -> float:
        """Of the episodes that could go on."""
        whole = self.summaries()[1]
        return whole.did / whole.could if whole.could else 1.0

    def growth_complaints(self) -> list[str]:
        """What has grown from the beginning of a soak to its end, in words."""
        if not self.is_soak:
            return []
        return [
            *self.soak.complaints(),
            *drift.complaints("server latency", self.server_latency_s),
            *drift.complaints("pipeline latency", self.pipeline_latency_s),
        ]

    def failures(self) -> int:
        """Faults that were not played to their end: hangs, crashes, and those that never struck."""
        results = self.summaries()[1].results
        return sum(results.get(result, 0) for result in (HANG, CRASH, MISSED))

    @property
    def good(self) -> bool:
        """Whether all is as it should be, see the help of the command."""
        wrong = (
            self.refused,
            self.failures(),
            self.summaries()[1].unnamed,
            self.growth_complaints(),
        )
        return not any(wrong) and self.went_on_share() >= _LEAST_WENT_ON

    def numbers(self) -> dict[str, Any]:
        """What the JSON file says."""
        by_kind, whole = self.summaries()
        return {
            "options": dict(self.options),
            "duration_s": self.duration_s,
            "good": self.good,
            "trajectories": len(self.trajectories),
            "of_fingers": self.of_fingers,
            "unseen": self.unseen,
            "refused": self.refused,
            "went_on_share": self.went_on_share(),
            "all": asdict(whole),
            "kinds": {name: asdict(summary) for name, summary in by_kind.items()},
            "absent": list(self.absent),
            "faults": [asdict(outcome) for outcome in self.outcomes],
            "server_latency_s": asdict(Distribution.of(self.server_latency_s)),
            "pipeline_latency_s": asdict(Distribution.of(self.pipeline_latency_s)),
            "grown": self.growth_complaints(),
            "soak": self.soak.numbers(),
            "findings": list(self.findings),
        }

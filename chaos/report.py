# SPDX-License-Identifier: Apache-2.0
"""What a run has shown: numbers for a file, and whether all is well."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chaos.outcomes import CRASH, HANG, Outcome, Summary, summarise
from chaos.soak import Soak
from vera_ros.demo.report import Distribution

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
    """

    options: Mapping[str, Any]
    duration_s: float
    outcomes: Sequence[Outcome]
    findings: Sequence[Finding]
    soak: Soak
    server_latency_s: Sequence[float]
    pipeline_latency_s: Sequence[float]
    absent: Sequence[str]

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
        """Trajectories of which nobody saw from where the arm went on."""
        return sum(not finding["source"] for finding in self.trajectories)

    def summaries(self) -> tuple[dict[str, Summary], Summary]:
        """By kind, and all together."""
        return summarise(self.outcomes)

    def went_on_share(self) -> float:
        """Of the episodes that could go on."""
        whole = self.summaries()[1]
        return whole.did / whole.could if whole.could else 1.0

    @property
    def good(self) -> bool:
        """Whether nothing was refused, hung, crashed or went unnamed, and episodes went on."""
        whole = self.summaries()[1]
        failures = whole.results.get(HANG, 0) + whole.results.get(CRASH, 0)
        return not (self.refused or failures or whole.unnamed) and (
            self.went_on_share() >= _LEAST_WENT_ON
        )

    def numbers(self) -> dict[str, Any]:
        """What the JSON file says."""
        by_kind, whole = self.summaries()
        return {
            "options": dict(self.options),
            "duration_s": self.duration_s,
            "good": self.good,
            "trajectories": len(self.trajectories),
            "unseen": self.unseen,
            "refused": self.refused,
            "went_on_share": self.went_on_share(),
            "all": asdict(whole),
            "kinds": {name: asdict(summary) for name, summary in by_kind.items()},
            "absent": list(self.absent),
            "faults": [asdict(outcome) for outcome in self.outcomes],
            "server_latency_s": asdict(Distribution.of(self.server_latency_s)),
            "pipeline_latency_s": asdict(Distribution.of(self.pipeline_latency_s)),
            "soak": self.soak.numbers(),
            "findings": list(self.findings),
        }

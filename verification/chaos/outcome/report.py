# SPDX-License-Identifier: Apache-2.0
"""The report of a run: its numbers, and whether it passes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vera_ros.distribution import Distribution
from verification.chaos.monitor.arm_verifier import FINGERS
from verification.chaos.outcome import drift
from verification.chaos.outcome.outcomes import CRASH, HANG, MISSED, Outcome, Summary, summarise
from verification.chaos.outcome.soak import Soak

_MIN_CONTINUED_SHARE = 0.95

Finding = Mapping[str, Any]

# A smaller step of the set-point may be the scatter of joint states (ik_node: setpoint/join_watch).
_LEAST_STEP_RAD = 6e-3


def makes_late_step(finding: Finding) -> bool:
    """Whether a trajectory of the arm arrived too late, and joint states can show it."""
    late = finding.get("late_s", 0.0) > 0.0
    return late and (not finding["taken"] or finding["step_rad"] > _LEAST_STEP_RAD)


def read_findings(path: Path) -> list[Finding]:
    """Read the monitor's file of findings, one JSON object per line."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@dataclass(frozen=True)
class Report:
    """Results of a run.

    Attributes:
        options: of the command line.
        duration_s: of the run [s].
        outcomes: of the faults.
        findings: of the monitor.
        soak: resource usage of the processes.
        server_latency_s, pipeline_latency_s: of all chunks [s].
        absent: kinds of faults for which the system lacks a service.
        is_soak: whether growth of resources and latencies fails the run.
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
        """The judgements of all published trajectories."""
        return [finding for finding in self.findings if finding["finding"] == "trajectory"]

    @property
    def refused(self) -> list[Finding]:
        """The trajectories and motions of the arm that break a rule."""
        return [
            finding
            for finding in self.findings
            if finding["finding"] == "arm" or finding.get("violations")
        ]

    @property
    def unseen(self) -> int:
        """Number of trajectories whose starting state is not known."""
        return sum(not finding["source"] for finding in self.trajectories)

    @property
    def of_fingers(self) -> int:
        """Number of trajectories of the fingers."""
        return sum(finding["of"] == FINGERS for finding in self.trajectories)

    def summaries(self) -> tuple[dict[str, Summary], Summary]:
        """Return the counts by kind, and over all kinds."""
        return summarise(self.outcomes)

    def went_on_share(self) -> float:
        """Return the share of episodes that continued, of those that could."""
        whole = self.summaries()[1]
        return whole.did / whole.could if whole.could else 1.0

    def growth_complaints(self) -> list[str]:
        """Return a message for each resource and latency that grew during a soak."""
        if not self.is_soak:
            return []
        return [
            *self.soak.complaints(),
            *drift.complaints("server latency", self.server_latency_s),
            *drift.complaints("pipeline latency", self.pipeline_latency_s),
        ]

    def failures(self) -> int:
        """Return the number of hangs, crashes, and faults that never took effect."""
        results = self.summaries()[1].results
        return sum(results.get(result, 0) for result in (HANG, CRASH, MISSED))

    @property
    def good(self) -> bool:
        """Whether the run passes; `scripts/chaos --help` lists the conditions."""
        wrong = (
            self.refused,
            self.failures(),
            self.summaries()[1].unnamed,
            self.growth_complaints(),
        )
        return not any(wrong) and self.went_on_share() >= _MIN_CONTINUED_SHARE

    def numbers(self) -> dict[str, Any]:
        """Return the content of the JSON file."""
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

# SPDX-License-Identifier: Apache-2.0
"""The report of a run: all findings, their counts and the exit code."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vera_ros.doctor.finding import Finding, Verdict
from vera_ros.doctor.options import Options


@dataclass(frozen=True)
class Report:
    """The findings of one run.

    Attributes:
        version: of vera_ros.
        options: the run's options.
        areas: the findings under each heading, in the order of the page.
        duration_s: how long the run took.
    """

    version: str
    options: Options
    areas: Mapping[str, Sequence[Finding]]
    duration_s: float

    def count(self, verdict: Verdict) -> int:
        """Return the number of findings with this verdict."""
        return Counter(f.verdict for findings in self.areas.values() for f in findings)[verdict]

    @property
    def exit_code(self) -> int:
        """1 if something fails, else 0: what is unknown may work, and is said in the summary."""
        return 1 if self.count(Verdict.FAILURE) else 0

    @property
    def summary(self) -> str:
        """Number of findings of each verdict, and the duration, in one line."""
        unknown = self.count(Verdict.UNKNOWN)
        counts = [
            _some(self.count(Verdict.FAILURE), "failure"),
            *([f"{unknown} unknown (no answer in time)"] if unknown else []),
            _some(self.count(Verdict.WARNING), "warning"),
            f"{self.count(Verdict.OK)} ok",
            f"{self.count(Verdict.SKIPPED)} not needed or not checked",
        ]
        return f"{', '.join(counts)} ({self.duration_s:.1f} s)"

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            "version": self.version,
            "options": self.options.as_json(),
            "exit_code": self.exit_code,
            "duration_s": self.duration_s,
            "findings": [
                {
                    "area": area,
                    "name": finding.name,
                    "verdict": finding.verdict.value,
                    "found": finding.found,
                    "mend": finding.mend,
                }
                for area, findings in self.areas.items()
                for finding in findings
            ],
        }

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        path.write_text(json.dumps(self.as_json(), indent=2) + "\n")


def _some(count: int, word: str) -> str:
    return f"{count or 'no'} {word}{'' if count == 1 else 's'}"

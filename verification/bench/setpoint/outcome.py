# SPDX-License-Identifier: Apache-2.0
"""Results of the runs, per kind of disturbance, and their table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.table import Table

from verification.bench.setpoint.trial import Trial
from verification.bench.tables import make_table


@dataclass
class Outcome:
    """Results of the runs of one kind: worst values, complaints and counts (see Trial)."""

    runs: int = 0
    velocity: float = 0.0
    acceleration: float = 0.0
    step_rad: float = 0.0
    complaints: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, trial: Trial) -> None:
        """Add the results of a run."""
        self.runs += 1
        self.velocity = max(self.velocity, trial.velocity)
        self.acceleration = max(self.acceleration, trial.acceleration)
        self.step_rad = max(self.step_rad, trial.step_rad)
        self.complaints += trial.complaints
        self.counts.update(trial.counts)

    def numbers(self) -> dict[str, object]:
        """Return the results for the JSON file."""
        return {
            "runs": self.runs,
            "velocity_share": self.velocity,
            "acceleration_share": self.acceleration,
            "largest_step_rad": self.step_rad,
            "complaints": len(self.complaints),
            "counts": dict(self.counts),
        }


def setpoint_table(outcomes: Mapping[str, Outcome]) -> Table:
    """Return a table of the results, one row per kind of disturbance."""
    table = make_table("Set-point under disturbances, as shares of the joints' limits")
    table.add_column("kind", no_wrap=True)
    for name in ("runs", "velocity", "acceleration", "largest\nstep, rad", "complaints"):
        table.add_column(name, justify="right")
    table.add_column("counted")
    for kind, outcome in outcomes.items():
        table.add_row(
            kind,
            str(outcome.runs),
            f"{outcome.velocity:.3f}",
            f"{outcome.acceleration:.3f}",
            f"{outcome.step_rad:.4f}" if outcome.step_rad >= 5e-5 else "",
            str(len(outcome.complaints)),
            ", ".join(f"{what}: {count}" for what, count in outcome.counts.items()),
        )
    return table

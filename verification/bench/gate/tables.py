# SPDX-License-Identifier: Apache-2.0
"""Table of the counts of `scripts/bench gate`."""

from rich.table import Table
from rich.text import Text

from verification.bench.gate.player import Outcome
from verification.bench.tables import make_table


def outcome_table(outcomes: dict[str, Outcome]) -> Table:
    """Return a table of the counts, one row per kind of chunk."""
    table = make_table("Chunks sent through planner and gate")
    table.add_column("kind", no_wrap=True)
    for name in ("chunks", "played", "stops", "violations", "unexpected"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("refused", overflow="fold")
    for kind, outcome in outcomes.items():
        causes = (f"{count} {cause}" for cause, count in outcome.refused.most_common())
        table.add_row(
            kind,
            str(outcome.chunks),
            str(outcome.played),
            str(outcome.stops),
            Text(str(outcome.violations), "bold red" if outcome.violations else "green"),
            Text(str(outcome.unexpected), "bold red" if outcome.unexpected else "green"),
            ", ".join(causes),
        )
    return table

# SPDX-License-Identifier: Apache-2.0
"""Table of the times that `scripts/bench hold` measured."""

from typing import Any

from rich.table import Table

from verification.bench.tables import make_table


def hold_table(numbers: dict[str, Any]) -> Table:
    """Return a table of the times of holds: median, percentiles, maximum."""
    table = make_table(f"Holds: {numbers['holds']}, ms from the call of the service")
    table.add_column("to")
    for name in ("median", "p90", "p99", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    for what, key in (
        ("the end of the lead, if it began with the call", "lead_ms"),
        ("the first slower point", "to_first_slower_point_ms"),
        ("the stop's end", "to_rest_ms"),
        ("the response: arm at rest", "to_answer_ms"),
    ):
        table.add_row(what, *(f"{value:.1f}" for value in numbers[key].values()))
    return table

# SPDX-License-Identifier: Apache-2.0
"""Tables of the results of `scripts/bench motion`."""

from typing import Any

from rich.table import Table

from verification.bench.ik.comparison import Comparison
from verification.bench.motion.planning_time import PARTS, LengthTimes
from verification.bench.motion.plans import PlanReport
from verification.bench.motion.response_accuracy import AFTER, KindErrors
from verification.bench.tables import make_table


def response_table(errors: list[KindErrors]) -> Table:
    """Return a table of the response model's errors, one row per kind of trace."""
    table = make_table("Response model: TCP error against the traces, mean (max), without limits")
    table.add_column("kind", no_wrap=True)
    table.add_column("runs", justify="right")
    counts = [n for n in AFTER if n <= errors[0].position_m.shape[1]]
    for unit in ("mm", "mrad"):
        for count in counts:
            table.add_column(f"{unit}\nafter {count}", justify="right", no_wrap=True)
    for kind in errors:
        after = [kind.after(count) for count in counts]
        table.add_row(
            kind.kind,
            f"{len(kind.position_m)}" + (f" (-{kind.refused})" if kind.refused else ""),
            *(f"{e['position_mean_mm']:.2f} ({e['position_max_mm']:.1f})" for e in after),
            *(f"{e['rotation_mean_mrad']:.1f} ({e['rotation_max_mrad']:.0f})" for e in after),
        )
    return table


def ik_table(comparison: Comparison) -> Table:
    """Return a table of one set of chunks, one row per solver."""
    numbers: dict[str, Any] = comparison.numbers()
    table = make_table(
        f"IK, {comparison.name}: {numbers['chunks']} chunks of 10 steps, "
        f"{numbers['solvable_steps']} of {numbers['steps']} solvable"
    )
    table.add_column("solver")
    for name in (
        "ms per\nchunk",
        "\np95",
        "time over\nvera_ros",
        "within 1 mm,\n1 mrad",
        "mm\nmedian",
        "\np99",
        "largest joint step\nover dq_max dt",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for solver, row in numbers["solvers"].items():
        share = row["solvable_within_1mm_1mrad"]
        table.add_row(
            solver,
            f"{row['chunk_median_ms']:.3f}",
            f"{row['chunk_p95_ms']:.3f}",
            f"{row['times_ours_median']:.1f}",
            "-" if share is None else f"{share:.2%}",
            f"{row['position_median_mm']:.4f}",
            f"{row['position_p99_mm']:.3f}",
            f"{row['largest_joint_step']:.2f}",
        )
    return table


def time_table(times: list[LengthTimes]) -> Table:
    """Return a table of planning times, one row per chunk length."""
    table = make_table("Planning a chunk: response, IK, limits and gate together, medians in ms")
    for name in ("actions", "chunks", "total (p95)", "per action", "play / plan", *PARTS):
        table.add_column(name, justify="right")
    for length in times:
        row: dict[str, Any] = length.numbers()
        chunks = f"{row['chunks']}" + (f" (-{length.refused})" if length.refused else "")
        if row["chunks"] == 0:
            table.add_row(str(length.actions), chunks)
            continue
        table.add_row(
            str(length.actions),
            chunks,
            f"{row['median_ms']:.2f} ({row['p95_ms']:.2f})",
            f"{row['median_ms'] / length.actions:.3f}",
            f"{row['play_time_over_median']:.0f}",
            *(f"{row['parts_median_ms'][part]:.2f}" for part in PARTS),
        )
    return table


def plans_table(report: PlanReport) -> Table:
    """Return a table of the plans' limit margins and tracking errors."""
    row: dict[str, Any] = report.numbers()
    table = make_table(f"Plans of the traces' first {report.actions} actions", header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    refused = ", ".join(f"{count} {cause}" for cause, count in report.refused.items())
    table.add_row("planned", f"{row['plans']}; refused: {refused or 'none'}")
    if row["plans"]:
        table.add_row(
            "time stretch", f"median {row['stretch_median']:.2f}, max {row['stretch_max']:.2f}"
        )
    for name, share in row["largest_share_of_limit"].items():
        table.add_row(name, f"at most {share:.1%} of its limit")
    played = row["simulated_arm_from_plan"]
    table.add_row(
        "simulated arm, tracking error",
        "not played: MuJoCo is not installed"
        if played is None
        else f"mean {played['mean_mm']:.2f} mm, max {played['max_mm']:.2f} mm (largest per plan)",
    )
    table.add_row("limits violated", "; ".join(report.violations) or "none")
    return table

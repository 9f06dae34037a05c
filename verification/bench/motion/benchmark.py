# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench motion`: runs all measurements and prints their tables."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from verification.bench.ik.comparison import Comparison, compare
from verification.bench.motion import planning_time, plans, response_accuracy
from verification.bench.motion.planning_time import LengthTimes
from verification.bench.motion.plans import PlanReport
from verification.bench.motion.response_accuracy import KindErrors
from verification.bench.motion.tables import ik_table, plans_table, response_table, time_table
from verification.bench.motion.traces import Traces
from verification.bench.tables import make_console
from verification.rig import make_rig

PLANNED_ACTIONS = 10
_SEED = 0


@dataclass(frozen=True)
class MotionReport:
    """Results of all measurements.

    Attributes:
        traces: path of the traces file.
        errors: errors of the response model, per kind of trace.
        comparisons: IK comparisons, one per set of chunks.
        missing: how to install the IK solvers that are missing.
        times: planning times, per chunk length.
        plans: plans of the traces' first actions.
    """

    traces: Path
    errors: list[KindErrors]
    comparisons: list[Comparison]
    missing: list[str]
    times: list[LengthTimes]
    plans: PlanReport

    def numbers(self) -> dict[str, object]:
        """Return the results for the JSON file."""
        return {
            "traces": self.traces.name,
            "response": [errors.numbers() for errors in self.errors],
            "ik": {
                comparison.name.replace(" ", "_"): comparison.numbers()
                for comparison in self.comparisons
            },
            "ik_missing": self.missing,
            "planning_time": [times.numbers() for times in self.times],
            "plans": self.plans.numbers(),
        }


def run(path: Path, plot: Path | None, *, runs: int, chunks: int) -> tuple[dict[str, object], bool]:
    """Measure, print tables, plot; return the results, and whether every plan kept its limits.

    Raises:
        ConfigurationError: the traces or the folder for the plots cannot be used.
        MissingDependencyError: plots are requested, but matplotlib is not installed.
    """
    traces = Traces.load(path)
    if plot is not None:
        from verification.bench.motion import plots

        plots.prepare(plot)
    rig = make_rig()
    console = make_console()
    console.print(
        f"traces: {path.name}, {len(traces.q0)} runs of {traces.actions.shape[1]} actions"
    )
    errors = response_accuracy.measure(rig, traces)
    console.print(response_table(errors))
    comparisons, missing = compare(rig, chunks, _SEED)
    for comparison in comparisons:
        console.print(ik_table(comparison))
    for line in missing:
        console.print(line)
    subset = _subset(traces, runs)
    times = planning_time.measure(subset)
    console.print(time_table(times))
    report = plans.measure(rig, subset, PLANNED_ACTIONS)
    console.print(plans_table(report))
    whole = MotionReport(path, errors, comparisons, missing, times, report)
    if plot is not None:
        for file in plots.draw(whole, plot):
            console.print(f"wrote {file}")
    return whole.numbers(), not report.violations


def _subset(traces: Traces, runs: int) -> Traces:
    """Return `runs` runs, or all, evenly spread over the file."""
    count = min(runs, len(traces.q0))
    chosen = np.linspace(0, len(traces.q0) - 1, count).round().astype(int)
    return replace(
        traces,
        **{
            name: getattr(traces, name)[chosen]
            for name in ("kind", "q0", "actions", "tcp_position", "tcp_rotation")
        },
    )

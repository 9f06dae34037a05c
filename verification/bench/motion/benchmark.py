# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench motion`: runs every measurement and shows it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from verification.bench.ik import race as ik_race
from verification.bench.ik.race import Heat
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
    """Everything that was measured.

    Attributes:
        traces: the file of traces.
        errors: of the response model, per kind.
        heats: of the IK race.
        missing: rivals that are not installed.
        times: of planning, per chunk length.
        plans: of the traces' first actions.
    """

    traces: Path
    errors: list[KindErrors]
    heats: list[Heat]
    missing: list[str]
    times: list[LengthTimes]
    plans: PlanReport

    def numbers(self) -> dict[str, object]:
        """What the JSON file says."""
        return {
            "traces": self.traces.name,
            "response": [errors.numbers() for errors in self.errors],
            "ik": {heat.name.replace(" ", "_"): heat.numbers() for heat in self.heats},
            "ik_missing": self.missing,
            "planning_time": [times.numbers() for times in self.times],
            "plans": self.plans.numbers(),
        }


def run(path: Path, plot: Path | None, *, runs: int, chunks: int) -> tuple[dict[str, object], bool]:
    """Measure, print tables, draw; return the numbers and whether every plan kept its limits.

    Raises:
        ConfigurationError: the traces or the folder for the pictures cannot be used.
        MissingDependencyError: pictures are wanted and there is no matplotlib.
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
    heats, missing = ik_race.run(rig, chunks, _SEED)
    for heat in heats:
        console.print(ik_table(heat))
    for line in missing:
        console.print(line)
    some = _some(traces, runs)
    times = planning_time.measure(some)
    console.print(time_table(times))
    report = plans.measure(rig, some, PLANNED_ACTIONS)
    console.print(plans_table(report))
    whole = MotionReport(path, errors, heats, missing, times, report)
    if plot is not None:
        for file in plots.draw(whole, plot):
            console.print(f"wrote {file}")
    return whole.numbers(), not report.violations


def _some(traces: Traces, runs: int) -> Traces:
    """So many runs, evenly spread over the file."""
    count = min(runs, len(traces.q0))
    chosen = np.linspace(0, len(traces.q0) - 1, count).round().astype(int)
    return replace(
        traces,
        **{
            name: getattr(traces, name)[chosen]
            for name in ("kind", "q0", "actions", "tcp_position", "tcp_rotation")
        },
    )

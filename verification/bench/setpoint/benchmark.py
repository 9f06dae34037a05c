# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench setpoint`: the set-point when clocks, joint states and networks fail.

It runs in simulated time, but with the real code from the chunk to the trajectory; see arm_side.
"""

import multiprocessing
import time

import numpy as np

from vera_ros.errors import ConfigurationError
from verification.bench.setpoint.disturbances import DISTURBANCES
from verification.bench.setpoint.outcome import Outcome, setpoint_table
from verification.bench.setpoint.trial import Trial
from verification.bench.tables import make_console
from verification.rig import Rig, make_rig

_BLOCK = 20  # runs per job of a worker process
_EXAMPLES = 5


def run(runs: int, seed: int, processes: int) -> tuple[dict[str, object], bool]:
    """Run every disturbance `runs` times; return the results, and whether there is no complaint.

    Raises:
        ConfigurationError: the seed is negative.
    """
    if seed < 0:
        raise ConfigurationError(f"--seed is {seed}; valid is 0 or more")
    console = make_console()
    begin = time.perf_counter()
    jobs = [
        (kind, seed, number, min(_BLOCK, runs - number))
        for kind in DISTURBANCES
        for number in range(0, runs, _BLOCK)
    ]
    outcomes = {kind: Outcome() for kind in DISTURBANCES}
    with multiprocessing.get_context("spawn").Pool(min(processes, len(jobs)), _set_up) as pool:
        for kind, trials in pool.imap(_run_block, jobs):
            outcome = outcomes[kind]
            for trial in trials:
                outcome.add(trial)
            if outcome.runs == runs:
                console.print(f"{kind}: {runs} runs, {time.perf_counter() - begin:.0f} s")
    console.print(setpoint_table(outcomes))
    for kind, outcome in outcomes.items():
        for complaint in outcome.complaints[:_EXAMPLES]:
            console.print(f"{kind}: {complaint}", markup=False)
    numbers = {kind: outcome.numbers() for kind, outcome in outcomes.items()}
    good = not any(outcome.complaints for outcome in outcomes.values())
    return {"seed": seed, "duration_s": time.perf_counter() - begin, "kinds": numbers}, good


_rigs: list[Rig] = []  # the rig of this worker process


def _set_up() -> None:
    _rigs.append(make_rig())


def _run_block(job: tuple[str, int, int, int]) -> tuple[str, list[Trial]]:
    kind, seed, first, count = job
    trials = [
        DISTURBANCES[kind](_rigs[0], np.random.default_rng([seed, number]))
        for number in range(first, first + count)
    ]
    return kind, trials

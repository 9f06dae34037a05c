# SPDX-License-Identifier: Apache-2.0
"""The command line of `scripts/chaos`."""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vera_ros.bringup.graph_options import packaged_arms
from vera_ros.errors import ConfigurationError, VeraRosError
from verification.chaos.faults.kinds import KINDS, find_kind
from verification.chaos.wiring import EMBODIMENTS

if TYPE_CHECKING:
    from verification.chaos.run import Run

_DESCRIPTION = """\
Injects faults into the simulated system, one at a time, while an independent monitor judges every
trajectory and the motion of the arm."""

_EPILOG = """\
The exit code is 0 if the monitor refused no trajectory and no motion, no fault ended in a hang or a
crash or failed to take effect, the system named every fault that was not absorbed (had no effect),
and 95 % of the episodes that could continue did; with --soak, also neither resources nor latencies
may have grown. It is 1 otherwise, 2 for an invalid option, 130 after Ctrl-C.

faults: """
_DEFAULT_FAULTS = 100
_DEFAULT_SOAK_MINUTES = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the faults, print the report, and return the exit code."""
    options = make_parser().parse_args(arguments)
    try:
        _check(options)
        return _run(options)
    except VeraRosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigurationError) else 1


def _run(options: argparse.Namespace) -> int:
    # Imported late, so that --help and the check of the options work without ROS.
    from vera_ros.bringup.failures import DemoError, InterruptedRunError
    from vera_ros.bringup.interrupts import Interrupts
    from verification.chaos.outcome.tables import make_console, render_report
    from verification.chaos.run import Run
    from verification.chaos.system.arena import set_up

    console = make_console()
    folder = Path(tempfile.mkdtemp(prefix=f"vera_ros-chaos-{time.strftime('%Y%m%d-%H%M%S')}-"))
    failure: DemoError | None = None

    def log(line: str) -> None:
        console.print(line, markup=False)

    log(f"logs in {folder}")
    asynchronous = options.episode_mode == "async"
    with (
        Interrupts() as interrupts,
        set_up(
            folder,
            options.seed,
            options.embodiment,
            options.arm,
            interrupts,
            asynchronous=asynchronous,
        ) as arena,
    ):
        run = Run(arena, log)
        try:
            _play(run, options, log)
        except DemoError as error:  # the faults until then are reported nevertheless
            failure = error
        shown = {name: value for name, value in vars(options).items() if name != "json"}
        report = run.report(shown, is_soak=options.soak)
    console.print(render_report(report))
    if options.json is not None:
        options.json.write_text(json.dumps(report.numbers(), indent=1) + "\n")
    if failure is not None:
        print(f"\nerror: {failure}", file=sys.stderr)
        return 130 if isinstance(failure, InterruptedRunError) else 1
    return 0 if report.good else 1


def _play(run: "Run", options: argparse.Namespace, log: Callable[[str], None]) -> None:
    from verification.chaos.outcome.tables import describe

    limit_s = math.inf if options.minutes is None else 60.0 * options.minutes
    kinds = options.only or tuple(n for n, k in KINDS.items() if not (options.soak and k.kills))
    for record in run.play(options.seed, kinds, options.faults, limit_s):
        log(f"{run.elapsed_s:8.1f} s  {describe(record)}")


def _check(options: argparse.Namespace) -> None:
    if options.seed < 0:
        raise ConfigurationError(f"--seed is {options.seed}; valid is 0 or more")
    if options.embodiment == "mimicgen":
        options.arm = options.arm or "panda"
    elif options.arm:
        raise ConfigurationError(
            f"--arm is {options.arm} with --embodiment {options.embodiment}, which has no arm; "
            "leave either out"
        )
    else:
        options.arm = ""
    if options.faults is None and options.minutes is None:
        if options.soak:
            options.minutes = _DEFAULT_SOAK_MINUTES
        else:
            options.faults = _DEFAULT_FAULTS
    if options.faults is not None and options.faults < 1:
        raise ConfigurationError(f"--faults is {options.faults}; valid is 1 or more")
    if options.minutes is not None and not 0.0 < options.minutes < math.inf:
        raise ConfigurationError(f"--minutes is {options.minutes}; valid is a number above 0")
    if options.json is not None and not options.json.parent.is_dir():
        raise ConfigurationError(
            f"--json is {options.json}, but there is no folder {options.json.parent}; make it first"
        )
    for kind in options.only:
        if find_kind(kind).kills and options.soak:
            raise ConfigurationError(
                f"--only names {kind}, but --soak cannot measure the growth of a process that is "
                "killed; leave out either"
            )


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description=_DESCRIPTION,
        epilog=_EPILOG + ", ".join(KINDS),
    )
    add = parser.add_argument
    add("--faults", type=int, metavar="N", help="number of faults (default 100 without --minutes)")
    add("--minutes", type=float, metavar="M", help="inject no fault after so many minutes")
    add("--seed", type=int, default=0, metavar="S", help="seed of the faults and of the scenes")
    add("--embodiment", choices=EMBODIMENTS, default="mimicgen", help="default mimicgen")
    add("--arm", choices=packaged_arms(), help="which arm stacks (default panda)")
    add("--episode-mode", choices=("sync", "async"), default="sync", help="mode of the goals")
    add(
        "--soak",
        action="store_true",
        help="kill no process, and judge the growth of resources and latencies (default 30 min)",
    )
    add(
        "--only",
        type=lambda text: tuple(text.split(",")),
        default=(),
        metavar="FAULT,...",
        help="only these kinds of faults",
    )
    add("--json", type=Path, metavar="FILE", help="write the whole report as JSON")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

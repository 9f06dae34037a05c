# SPDX-License-Identifier: Apache-2.0
"""`python -m verification.chaos`; see scripts/chaos."""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vera_ros.errors import ConfigurationError, VeraRosError
from verification.chaos.faults.kinds import KINDS, find_kind

if TYPE_CHECKING:
    from verification.chaos.run import Run

_DESCRIPTION = """\
Runs the simulated system, breaks one thing after the other, and has an independent monitor judge
every trajectory and the arm itself."""

_EPILOG = """\
The exit code is 0 when the monitor refused no trajectory and no motion, nothing hung, crashed or
was missed, every fault was named by the system or absorbed (nothing came of it), and 95 % of the
episodes that could go on did; with --soak also, when neither processes nor latencies have grown.
It is 1 otherwise, 2 for an invalid option, 130 after Ctrl-C.

faults: """
_DEFAULT_FAULTS = 100
_DEFAULT_SOAK_MINUTES = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and return the exit code."""
    options = make_parser().parse_args(arguments)
    try:
        _check(options)
        return _run(options)
    except VeraRosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigurationError) else 1


def _run(options: argparse.Namespace) -> int:
    # Imported late: without ROS, the command line and its help still work.
    from vera_ros.bringup.failures import DemoError, InterruptedRunError
    from vera_ros.bringup.interrupts import Interrupts
    from verification.chaos.outcome.tables import make_console, render_report
    from verification.chaos.run import Run
    from verification.chaos.system.arena import set_up

    console = make_console()
    folder = Path(tempfile.mkdtemp(prefix=f"vera_ros-chaos-{time.strftime('%Y%m%d-%H%M%S')}-"))
    failure: DemoError | None = None

    def say(line: str) -> None:
        console.print(line, markup=False)

    say(f"logs in {folder}")
    asynchronous = options.episode_mode == "async"
    with (
        Interrupts() as interrupts,
        set_up(folder, options.seed, interrupts, asynchronous=asynchronous) as arena,
    ):
        run = Run(arena, say)
        try:
            _play(run, options, say)
        except DemoError as error:  # what was seen until then is reported all the same
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


def _play(run: "Run", options: argparse.Namespace, say: Callable[[str], None]) -> None:
    from verification.chaos.outcome.tables import describe

    limit_s = math.inf if options.minutes is None else 60.0 * options.minutes
    kinds = options.only or tuple(n for n, k in KINDS.items() if not (options.soak and k.kills))
    for record in run.play(options.seed, kinds, options.faults, limit_s):
        say(f"{run.elapsed_s:8.1f} s  {describe(record)}")


def _check(options: argparse.Namespace) -> None:
    if options.seed < 0:
        raise ConfigurationError(f"--seed is {options.seed}; valid is 0 or more")
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
            f"--json is {options.json}, and {options.json.parent} is no folder; make it first"
        )
    for kind in options.only:
        if find_kind(kind).kills and options.soak:
            raise ConfigurationError(
                f"--only names {kind}: a process that dies cannot be seen to grow; leave out that, "
                "or --soak"
            )


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description=_DESCRIPTION,
        epilog=_EPILOG + ", ".join(KINDS),
    )
    add = parser.add_argument
    add("--faults", type=int, metavar="N", help="how many (default 100, or as --minutes allows)")
    add("--minutes", type=float, metavar="M", help="begin no fault after so long")
    add("--seed", type=int, default=0, metavar="S", help="which faults, and which scenes")
    add("--episode-mode", choices=("sync", "async"), default="sync", help="of the goals")
    add(
        "--soak",
        action="store_true",
        help="kill nothing, and judge how processes and latencies grow (default 30 minutes)",
    )
    add(
        "--only",
        type=lambda text: tuple(text.split(",")),
        default=(),
        metavar="FAULT,...",
        help="these kinds alone",
    )
    add("--json", type=Path, metavar="FILE", help="write everything")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

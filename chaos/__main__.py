# SPDX-License-Identifier: Apache-2.0
"""`python -m chaos`; see scripts/chaos."""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from chaos.faults import KINDS, find_kind
from vera_ros.errors import ConfigurationError, VeraRosError

_DESCRIPTION = """\
Runs the simulated system, breaks one thing after the other, and has an independent monitor judge
every trajectory and the arm itself."""

_EPILOG = """\
The exit code is 0 when no trajectory was refused, nothing hung or crashed, every fault was named by
the system, and 95 % of the episodes that could go on did; 1 otherwise, 2 for an option that makes
no sense, 130 after Ctrl-C.

faults: """
_DEFAULT_FAULTS = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _check(options)
        return _run(options)
    except VeraRosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigurationError) else 1


def _run(options: argparse.Namespace) -> int:
    # Imported late: without ROS, the command line and its help still work.
    from chaos.arena import set_up
    from chaos.outcomes import decide
    from chaos.report import Report, read_findings
    from chaos.run import Run
    from chaos.tables import make_console, render_report
    from vera_ros.demo.failures import InterruptedRunError
    from vera_ros.demo.interrupts import Interrupts

    console = make_console()
    folder = Path(tempfile.mkdtemp(prefix=f"vera_ros-chaos-{time.strftime('%Y%m%d-%H%M%S')}-"))
    kinds = options.only or tuple(KINDS)
    console.print(f"logs in {folder}", markup=False)
    began_s, interrupted = time.monotonic(), False
    asynchronous = options.episode_mode == "async"
    with (
        Interrupts() as interrupts,
        set_up(folder, options.seed, interrupts, asynchronous=asynchronous) as arena,
    ):
        run = Run(arena, lambda line: console.print(line, markup=False))
        limit_s = math.inf if options.minutes is None else 60.0 * options.minutes
        try:
            for record in run.play(options.seed, kinds, options.faults, limit_s):
                seconds = (
                    ""
                    if record.recovered_s is None
                    else f"{record.recovered_s - record.over_s:.2f} s"
                )
                console.print(
                    f"{record.fault.number + 1:5} {time.monotonic() - began_s:7.1f} s  "
                    f"{record.fault.kind} {seconds}",
                    markup=False,
                )
        except InterruptedRunError:
            interrupted = True
        recorder = arena.operator.recorder
        findings = read_findings(arena.findings())
    rests = [finding for finding in findings if finding["finding"] == "rest"]
    report = Report(
        {name: value for name, value in vars(options).items() if name != "json"},
        time.monotonic() - began_s,
        decide(run.records, recorder.events, rests),
        findings,
        run.soak,
        recorder.server_latency_s,
        recorder.pipeline_latency_s,
        run.absent,
    )
    console.print(render_report(report))
    if options.json is not None:
        options.json.write_text(json.dumps(report.numbers(), indent=1) + "\n")
    if interrupted:
        return 130
    return 0 if report.good else 1


def _check(options: argparse.Namespace) -> None:
    if options.seed < 0:
        raise ConfigurationError(f"--seed is {options.seed}; valid is 0 or more")
    if options.faults is None and options.minutes is None:
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
        find_kind(kind)


def _parser() -> argparse.ArgumentParser:
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

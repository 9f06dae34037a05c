# SPDX-License-Identifier: Apache-2.0
"""The doctor command: `scripts/doctor`, or `ros2 run vera_ros doctor`."""

import argparse
import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from vera_ros import __version__
from vera_ros.doctor.checks.table import CHECKS
from vera_ros.doctor.finding import Finding
from vera_ros.doctor.options import DEADLINE_S, ROBOTS, SERVERS, Options
from vera_ros.doctor.pages.plain import lines, printable
from vera_ros.doctor.pages.report import Report
from vera_ros.doctor.runner import run
from vera_ros.errors import VeraRosError

_DESCRIPTION = """\
Checks whether this machine can run vera_ros, and says what to do if not.

It changes nothing and moves nothing; of a policy server it only reads the configuration."""

_EPILOG = """\
The exit code is 0 when nothing is known to be broken, with or without warnings, even if a check got
no answer in time (unknown, as on a busy machine); 1 when something is broken; 2 for an invalid
option, 130 after Ctrl-C.

examples:
  scripts/doctor                                    for the demo: simulation, reference server
  scripts/doctor --robot real --config my_arm.yaml --server attach
  scripts/doctor --server docker --ckpt-root ~/vera-ckpts --wan-root ~/Wan2.1-T2V-1.3B"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="doctor",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"vera_ros {__version__}")
    add = parser.add_argument
    add(
        "--embodiment",
        metavar="NAME",
        help="the robot kind, such as droid: its parameter file, its pictures (default mimicgen)",
    )
    add(
        "--robot",
        choices=ROBOTS,
        help="the simulated arm, or a real one (default sim)",
    )
    add(
        "--server",
        choices=SERVERS,
        help="where the policy comes from: the packaged reference server, a server that is already "
        "running, or VERA on this machine, in a container or as a process (default reference)",
    )
    add(
        "--server-url",
        metavar="URL",
        help="address of the policy server (default: with attach the parameter file's, else the "
        "embodiment's port on this machine)",
    )
    add(
        "--config",
        metavar="FILE",
        help="ROS parameter file (default: the embodiment's, config/mimicgen_panda.yaml, or with "
        "--robot real config/real_panda.yaml)",
    )
    add(
        "--params-file",
        metavar="FILE",
        help="ROS parameter file whose values win over those of --config (default none)",
    )
    add("--namespace", metavar="NS", help="namespace of the graph (default none)")
    add(
        "--ckpt-root",
        type=Path,
        metavar="DIR",
        help="folder of VERA's checkpoints (default: the variable VERA_CKPT_ROOT)",
    )
    add(
        "--wan-root",
        type=Path,
        metavar="DIR",
        help="folder of the Wan base model (default: the variable VERA_WAN_ROOT)",
    )
    add(
        "--verify",
        action="store_true",
        default=None,
        help="read the checkpoints, and compare them with the hashes that the table records; they "
        "are large: with a longer --deadline",
    )
    add("--json", type=Path, metavar="FILE", help="also write the findings to this file")
    add(
        "--deadline",
        dest="deadline_s",
        type=float,
        metavar="S",
        help=f"give up checks without an answer after so many seconds (default {DEADLINE_S:g})",
    )
    return parser


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Return the validated options; for an invalid one, print the error and exit with code 2."""
    parser = make_parser()
    given = {name: v for name, v in vars(parser.parse_args(arguments)).items() if v is not None}
    try:
        return Options(**given)
    except VeraRosError as error:
        parser.error(str(error))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; return the exit code."""
    options = parse_options(arguments)
    try:
        report = _examine(options)
    except KeyboardInterrupt:
        return 130
    _show(report)
    if options.json is not None:
        try:
            report.write(options.json)
        except OSError as error:
            print(f"the report cannot be written to {options.json}: {error}", file=sys.stderr)
            return 1
    return report.exit_code


def _examine(options: Options) -> Report:
    began_s = time.monotonic()
    if sys.stdout.isatty() and _can_draw():
        from vera_ros.doctor.pages.page import progress

        with progress(len(CHECKS)) as on_done:
            found = run(CHECKS, options, on_done)
    else:
        found = run(CHECKS, options)
    areas: dict[str, list[Finding]] = {}
    for check, findings in found.items():
        areas.setdefault(check.area, []).extend(findings)
    return Report(__version__, options, areas, time.monotonic() - began_s)


def _show(report: Report) -> None:
    if not _can_draw():
        for line in lines(report):
            print(printable(line, sys.stdout.encoding))
        return
    from vera_ros.doctor.pages.page import make_console, render

    make_console().print(render(report))


def _can_draw() -> bool:
    """Whether rich is installed, and stdout takes the characters of its page."""
    utf = sys.stdout.encoding.lower().startswith("utf")
    return utf and importlib.util.find_spec("rich") is not None


if __name__ == "__main__":
    raise SystemExit(main())

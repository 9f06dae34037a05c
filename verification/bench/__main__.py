# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the motion stack: `motion`, `gate`, `hold` and `setpoint`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from vera_ros.errors import ConfigurationError, VeraRosError
from verification.bench.motion.traces import DEFAULT_TRACES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a benchmark; return 0 if it passes, 1 if it fails, 2 if it cannot run."""
    options = make_parser().parse_args(arguments)
    try:
        return _run(options)
    except VeraRosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    if options.json is not None and not options.json.parent.is_dir():
        raise ConfigurationError(
            f"--json is {options.json}, but {options.json.parent} is not a folder; create it first"
        )
    if options.benchmark == "motion":
        from verification.bench.motion import benchmark as motion

        numbers, good = motion.run(
            options.traces, options.plot, runs=options.runs, chunks=options.ik_chunks
        )
    elif options.benchmark == "gate":
        from verification.bench.gate import benchmark as gate

        numbers, good = gate.run(options.chunks, options.seed, options.processes, options.arm)
    elif options.benchmark == "hold":
        from verification.bench.hold import benchmark as hold

        numbers, good = hold.run(options.holds, options.seed)
    else:
        from verification.bench.setpoint import benchmark as setpoint

        numbers, good = setpoint.run(options.runs, options.seed, options.processes)
    if options.json is not None:
        options.json.write_text(json.dumps(numbers, indent=2, allow_nan=False) + "\n")
    return 0 if good else 1


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    benchmarks = parser.add_subparsers(dest="benchmark", required=True)
    motion = benchmarks.add_parser("motion", help="accuracy, speed and limit margins of planning")
    motion.add_argument(
        "--traces", type=Path, default=DEFAULT_TRACES, help="recorded runs to compare with (.npz)"
    )
    motion.add_argument("--plot", type=Path, metavar="DIR", help="write plots to this folder")
    motion.add_argument("--runs", type=_count, default=50, help="number of runs to time and play")
    motion.add_argument(
        "--ik-chunks", type=_count, default=200, help="chunks per set of IK targets"
    )
    gate = benchmarks.add_parser("gate", help="random chunks through planner and gate")
    gate.add_argument("--chunks", type=_count, default=100_000, help="number of chunks")
    gate.add_argument("--seed", type=int, default=0, help="seed of the random chunks, 0 or more")
    gate.add_argument("--processes", type=_count, default=2, help="number of worker processes")
    gate.add_argument(
        "--arm",
        choices=("pusher", "six", "panda", "hand"),
        default="",
        help="move the joints of another arm instead of the Panda's TCP",
    )
    hold = benchmarks.add_parser("hold", help="how soon the arm slows down and rests after a hold")
    hold.add_argument("--holds", type=_count, default=200, help="number of holds")
    hold.add_argument(
        "--seed", type=int, default=0, help="seed of chunks and hold times, 0 or more"
    )
    setpoint = benchmarks.add_parser(
        "setpoint", help="the controller's set-point when clocks, joint states and networks fail"
    )
    setpoint.add_argument("--runs", type=_count, default=500, help="runs per kind of disturbance")
    setpoint.add_argument("--seed", type=int, default=0, help="seed of the disturbances, 0 or more")
    setpoint.add_argument("--processes", type=_count, default=2, help="number of worker processes")
    for benchmark in (motion, gate, hold, setpoint):
        benchmark.add_argument("--json", type=Path, metavar="FILE", help="write results as JSON")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

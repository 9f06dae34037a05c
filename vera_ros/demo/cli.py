# SPDX-License-Identifier: Apache-2.0
"""The demo command: `scripts/demo`, or `ros2 run vera_ros demo`."""

import argparse
import importlib.util
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from vera_ros import __version__
from vera_ros.bringup.failures import DemoError, InterruptedRunError
from vera_ros.bringup.graph_options import DEFAULT_EMBODIMENT, SERVERS, packaged_arms
from vera_ros.bringup.interrupts import Interrupts
from vera_ros.demo.options import (
    MODES,
    SABOTAGE_TIME_LIMIT_S,
    DemoOptions,
)
from vera_ros.errors import MissingDependencyError, VeraRosError
from vera_ros.robots.registry import SIMULATED, find_robot
from vera_ros.robots.stacking.tables import TABLES
from vera_ros.sim.sabotage import SABOTAGES

_DESCRIPTION = """\
A simulated robot does its task from what its cameras see: an arm stacks the red cube on the
green one, a hand touches a ball, a disc pushes a block.

Starts the simulation, the arm side, the policy side and a policy server, plays episodes, judges
each by the simulator's ground truth, and writes a report and a film."""

_STARTED = tuple(name for name in SERVERS if name != "attach")

_EPILOG = """\
The exit code is 0 when the run itself worked, even if episodes failed; 1 when something broke,
2 for an invalid option, 130 after Ctrl-C.

examples:
  scripts/demo                                 three episodes, demo.mp4, report.json
  scripts/demo --episodes 50 --headless --no-video
  scripts/demo --embodiment droid              three views, and deltas of the flange
  scripts/demo --arm ur5e                      another arm, with the same policy
  scripts/demo --embodiment allegro            a hand of 16 joints touches a ball
  scripts/demo --embodiment pusht              a disc pushes a block, in lockstep
  scripts/demo --mode async --server-delay 0.4 the arm keeps moving during inference
  scripts/demo --lockstep                      the same result however slow the server is
  scripts/demo --sabotage blank                the cameras show nothing: no tower can stand
  scripts/demo --server docker                 with VERA, as the VERA_* variables say
  scripts/demo --server ws://gpu-machine:8800  with a policy server that is already running"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="demo",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"vera_ros {__version__}")
    add = parser.add_argument
    add(
        "--embodiment",
        choices=SIMULATED,
        metavar="|".join(SIMULATED),
        help=f"whose cameras and actions (default {DEFAULT_EMBODIMENT})",
    )
    add(
        "--arm",
        metavar="|".join([*packaged_arms(), "FILE"]),
        help="which arm stacks, or pushes (default: the embodiment's own robot)",
    )
    add("--episodes", type=int, metavar="N", help="number of episodes (default 3)")
    add("--seed", type=int, metavar="S", help="of the first scene; each further adds 1 (default 0)")
    add("--headless", action="store_true", help="plain lines instead of a live display")
    add("--report", type=Path, metavar="FILE", help="the report, JSON (default report.json)")
    film = parser.add_mutually_exclusive_group()
    film.add_argument("--video", type=Path, metavar="FILE", help="the film, MP4 (default demo.mp4)")
    film.add_argument("--no-video", action="store_true", help="make no film")
    add(
        "--server",
        metavar="|".join([*_STARTED, "URL"]),
        help="the policy server: the reference policy (default), VERA in a container or in a "
        "process, or one that is already running, such as ws://127.0.0.1:8800",
    )
    add(
        "--sabotage",
        choices=SABOTAGES,
        metavar="|".join(SABOTAGES),
        help="corrupt the pictures, to see the policy fail (default none)",
    )
    add(
        "--table",
        choices=TABLES,
        metavar="|".join(TABLES),
        help="the table top in the pictures (default dark_wood, on which VERA was trained)",
    )
    add("--realtime-factor", type=float, metavar="X", help="simulated over real time (default 1)")
    add(
        "--lockstep",
        action=argparse.BooleanOptionalAction,
        help="simulated time stands still during inference: its latency changes nothing (default "
        "for pusht)",
    )
    add(
        "--mode",
        choices=MODES,
        metavar="|".join(MODES),
        help="async requests the next chunk while one plays (default sync)",
    )
    add(
        "--server-delay",
        dest="server_delay_s",
        type=float,
        metavar="S",
        help="seconds that are added to each inference of the reference server (default 0)",
    )
    add("--prompt", metavar="TEXT", help="the task (default: as the policy was trained)")
    add(
        "--time-limit",
        dest="time_limit_s",
        type=float,
        metavar="S",
        help="limit of an episode in simulated seconds (default "
        f"{', '.join(f'{find_robot(name).task.time_limit_s:g} for {name}' for name in SIMULATED)}; "
        f"with sabotage at most {SABOTAGE_TIME_LIMIT_S:g})",
    )
    add(
        "--config",
        type=Path,
        metavar="FILE",
        help="ROS parameter file of the nodes (default: the embodiment's in config/)",
    )
    add("--yes", action="store_true", help="let scripts/demo install missing Debian packages")
    return parser


def parse_options(arguments: Sequence[str] | None = None) -> DemoOptions:
    """Return the validated options; for an invalid one, print the error and exit with code 2."""
    parser = make_parser()
    given = {name: v for name, v in vars(parser.parse_args(arguments)).items() if v is not None}
    if given.pop("no_video"):
        given["video"] = None
    robot = find_robot(given.get("embodiment", DEFAULT_EMBODIMENT))
    most_s = SABOTAGE_TIME_LIMIT_S if given.get("sabotage", "none") != "none" else math.inf
    given.setdefault("time_limit_s", min(robot.task.time_limit_s, most_s))
    if given.get("server", "reference") != "reference":
        given.setdefault("prompt", robot.vera_prompt)
    if given.keys().isdisjoint(("mode", "realtime_factor")):
        given.setdefault("lockstep", robot.task.lockstep)
    if given.get("server", "reference") not in _STARTED:
        given |= {"server": "attach", "server_url": given["server"]}
    names = {field.name for field in fields(DemoOptions)}
    try:
        return DemoOptions(**{name: value for name, value in given.items() if name in names})
    except VeraRosError as error:
        parser.error(str(error))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; return the exit code."""
    options = parse_options(arguments)
    try:
        _require_libraries(film=options.video is not None)
        return _run(options)
    except VeraRosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run(options: DemoOptions) -> int:
    # Imported late: without ROS or rich, the command line and its help still work.
    from vera_ros.demo.display import Display, LiveDisplay, PlainDisplay
    from vera_ros.demo.episode_report import EpisodeReport
    from vera_ros.demo.report import RunReport
    from vera_ros.demo.run import run_episodes
    from vera_ros.demo.tables import make_console, render_report

    console = make_console()
    began_s = time.time()
    log_folder = Path(tempfile.mkdtemp(prefix=f"vera_ros-demo-{time.strftime('%Y%m%d-%H%M%S')}-"))
    episodes: list[EpisodeReport] = []
    task = find_robot(options.embodiment).task
    display: Display = (
        PlainDisplay(console, options.episodes, task)
        if options.headless or not console.is_terminal
        else LiveDisplay(console, options.episodes, task, options.time_limit_s)
    )
    failure: DemoError | None = None
    with Interrupts() as interrupts:
        try:
            run_episodes(options, log_folder, display, interrupts, episodes.append)
        except DemoError as error:
            failure = error
        finally:
            display.close()
    report = RunReport(
        __version__, options.as_json(), str(failure) if failure else "", tuple(episodes)
    )
    console.print(render_report(report))
    report.write(options.report)
    _say_where(options, log_folder, film=_is_from_this_run(options.video, began_s))
    if failure is None:
        return 0
    print(f"\nerror: {failure}", file=sys.stderr)
    return 130 if isinstance(failure, InterruptedRunError) else 1


def _is_from_this_run(film: Path | None, began_s: float) -> bool:
    """Return whether there is a film, also of an interrupted run, and it is not an earlier one."""
    return film is not None and film.is_file() and film.stat().st_mtime >= began_s - 1.0


def _require_libraries(*, film: bool) -> None:
    """Raise MissingDependencyError if a library is not installed."""
    for module, remedy in (
        ("rclpy", "run scripts/demo, which installs it, or source a ROS 2 installation"),
        ("vera_ros_interfaces", "run scripts/demo, or build with colcon and source install/"),
        ("rich", "run: python3 -m pip install rich"),
        *([("av", "run: python3 -m pip install av, or use --no-video")] if film else []),
    ):
        if importlib.util.find_spec(module) is None:
            raise MissingDependencyError(f"the Python package {module} is missing; {remedy}")


def _say_where(options: DemoOptions, log_folder: Path, *, film: bool) -> None:
    print(f"\nreport  {options.report}")
    if film:
        print(f"film    {options.video}")
    print(f"logs    {log_folder}")


if __name__ == "__main__":
    raise SystemExit(main())

# SPDX-License-Identifier: Apache-2.0
"""The report as tables that fit a terminal of 100 columns."""

import io
import sys
from collections.abc import Mapping

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from vera_ros.bringup.graph_options import DEFAULT_EMBODIMENT
from vera_ros.demo.episode_report import EpisodeReport
from vera_ros.demo.report import RunReport, Summary, ViewSummary
from vera_ros.distribution import Distribution
from vera_ros.robots.registry import find_robot
from vera_ros.robots.robot import Task

WIDTH = 100
_MOST_EPISODES = 60


def make_console() -> Console:
    """Return a console that writes to stdout, at most WIDTH columns wide."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 does not end the run
    console = Console(highlight=False)
    if not console.is_terminal or console.width > WIDTH:
        console = Console(highlight=False, width=WIDTH)
    return console


def render_report(report: RunReport) -> RenderableType:
    """Return the report's tables: the episodes, then all of them together."""
    task = find_robot(str(report.options.get("embodiment", DEFAULT_EMBODIMENT))).task
    return Group(_episodes_table(report.episodes, task), Text(), _summary_table(report, task))


def describe_episode(episode: EpisodeReport, task: Task) -> str:
    """Return an episode's end in a few words."""
    if episode.success:
        return f"{task.done} after {episode.sim_duration_s:.1f} s"
    if not episode.finished:
        return f"interrupted after {episode.sim_duration_s:.1f} s"
    return f"{task.undone}: {episode.cause.replace('_', ' ')}"


def _episodes_table(episodes: tuple[EpisodeReport, ...], task: Task) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("episode", justify="right")
    table.add_column("seed", justify="right")
    table.add_column(task.noun, no_wrap=True)
    table.add_column("cause", overflow="fold")
    for name in ("chunks", "steps", "real s", "sim s", "server ms", "factor"):
        table.add_column(name, justify="right", no_wrap=True)
    shown = episodes if len(episodes) <= _MOST_EPISODES else episodes[-_MOST_EPISODES:]
    for index, episode in enumerate(shown, start=len(episodes) - len(shown) + 1):
        latency = Distribution.of(episode.server_latency_s).median
        factor = Distribution.of(episode.realtime_factor).median
        table.add_row(
            str(index),
            str(episode.seed),
            _outcome(episode),
            episode.cause.replace("_", " ") if episode.finished else "interrupted",
            str(episode.chunks),
            str(episode.steps),
            f"{episode.duration_s:.1f}",
            f"{episode.sim_duration_s:.1f}",
            _number(latency, 1e3, ".0f"),
            _number(factor, 1.0, ".2f"),
        )
    return table


def _outcome(episode: EpisodeReport) -> Text:
    if episode.success:
        return Text("yes", "green")
    return Text("no", "red") if episode.finished else Text("-", "dim")


def _summary_table(report: RunReport, task: Task) -> Table:
    summary, lockstep = report.summary(), bool(report.options.get("lockstep"))
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    counters = summary.counters
    for name, value in (
        (task.total, _successes(summary)),
        ("outcomes", _listed(summary.outcomes)),
        ("median duration", _duration(summary.median_duration_s, lockstep, task)),
        ("chunks, steps", f"{summary.chunks}, {summary.steps}"),
        ("server latency", _spread(summary.server_latency_s)),
        ("server inference", _spread(summary.server_infer_s)),
        ("pipeline latency", _spread(summary.pipeline_latency_s)),
        ("planning", _spread(summary.planning_s)),
        (
            "frames",
            f"{counters.frames_dropped} dropped, {counters.ticks_skipped} ticks without a new one",
        ),
        (
            "chunks of note",
            f"{counters.rails_bound_chunks} cut by a limit, {counters.slowed_chunks} slowed, "
            f"{counters.collapsed_chunks} collapsed; {counters.clipped_rows} rows clipped",
        ),
        ("in motion", _motion(summary)),
        ("realtime factor", "none: in lockstep" if lockstep else _factor(summary)),
        ("camera rate", _rates(summary.camera_rate_hz)),
        ("pictures", _pictures(summary.views)),
        ("server", _server(summary)),
    ):
        table.add_row(name, value)
    return table


def _successes(summary: Summary) -> Text:
    if summary.success_rate is None:
        return Text("no episode was played to its end")
    style = "bold green" if summary.successes == summary.episodes else "bold red"
    rate = f"{summary.success_rate:.0%}"
    return Text(f"{summary.successes} of {summary.episodes} ({rate})", style)


def _duration(median_s: float | None, lockstep: bool, task: Task) -> str:
    if median_s is None:
        return "not measured"
    return f"{median_s:.1f} s {'of simulated time ' if lockstep else ''}until {task.done}"


def _spread(values: Distribution) -> str:
    if values.count == 0:
        return "not measured"
    numbers = (
        f"{name} {_number(value, 1e3, '.1f')}"
        for name, value in (
            ("median", values.median),
            ("p90", values.p90),
            ("p99", values.p99),
            ("max", values.max),
        )
    )
    return f"{', '.join(numbers)} ms, over {values.count} chunks"


def _motion(summary: Summary) -> str:
    if summary.moving_share_mean is None:
        return "not measured"
    c = summary.counters
    return (
        f"{summary.moving_share_mean:.0%} of the time since the first chunk, {c.holds} holds; "
        f"{c.steps_dropped} steps dropped, {c.steps_blended} blended"
    )


def _factor(summary: Summary) -> str:
    if summary.realtime_factor_mean is None:
        return "not measured"
    return f"mean {summary.realtime_factor_mean:.3f}, min {summary.realtime_factor_min:.3f}"


def _rates(rates: Mapping[str, float]) -> str:
    if not rates:
        return "not measured"
    return ", ".join(f"{view} {rate:.2f} Hz" for view, rate in rates.items())


def _pictures(views: Mapping[str, ViewSummary]) -> str:
    if not views:
        return "not measured"
    return "\n".join(f"{view} {_losses_and_age(seen)}" for view, seen in views.items())


def _losses_and_age(seen: ViewSummary) -> str:
    median, p99 = (_number(value, 1e3, ".0f") for value in (seen.age_s.median, seen.age_s.p99))
    ages = f"median age {median}, p99 {p99} ms" if seen.age_s.count else "age not measured"
    return f"{seen.dropped} of {seen.received} dropped; {ages}"


def _server(summary: Summary) -> str:
    known = summary.server
    if not known:
        return "not known"
    parts = {
        "planner": known.get("server_planner"),
        "IDM": known.get("server_idm"),
        "code": known.get("server_code"),
        "on": known.get("server_host"),
        "viewer": known.get("viewer_url"),
    }
    lost = summary.counters.reconnects
    words = [
        f"{name} {value}" for name, value in parts.items() if value not in (None, "", "not known")
    ]
    return ", ".join([*words, f"lost {lost} times" if lost else ""]).rstrip(", ")


def _listed(counts: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items()) or "none"
    )


def _number(value: float | None, factor: float, pattern: str) -> str:
    return "-" if value is None else format(value * factor, pattern)

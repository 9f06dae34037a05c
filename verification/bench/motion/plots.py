# SPDX-License-Identifier: Apache-2.0
"""What was measured, as pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vera_ros.errors import ConfigurationError, MissingDependencyError
from verification.bench.motion.planning_time import PARTS
from verification.rig import CONTROL_DT_S

if TYPE_CHECKING:
    from verification.bench.motion.benchmark import MotionReport

_COLOURS = ("#1f6feb", "#e8590c", "#2b8a3e", "#9c36b5", "#c92a2a", "#0b7285", "#846358")
_BOUND = {"color": "#868e96", "linestyle": "--", "linewidth": 1.0}
# What is asked of the response model: after so many actions, at most so much on average.
_ASKED_MM = ((10, 1.0), (40, 3.0))
_ASKED_MRAD = ((10, 5.0), (40, 15.0))


def prepare(folder: Path) -> None:
    """Make the folder and load matplotlib, before anything takes its time.

    Raises:
        ConfigurationError: the folder cannot be made.
        MissingDependencyError: there is no matplotlib.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"--plot is {folder}, which is no folder: {error}") from error
    try:
        import matplotlib
        from cycler import cycler
    except ImportError as error:
        raise MissingDependencyError(
            "pictures need matplotlib; get it with: python -m pip install matplotlib"
        ) from error
    matplotlib.use("agg")
    matplotlib.rcParams.update(
        {
            "axes.axisbelow": True,
            "axes.grid": True,
            "axes.prop_cycle": cycler(color=_COLOURS),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "grid.alpha": 0.25,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def draw(report: "MotionReport", folder: Path) -> list[Path]:
    """Write every picture and return their paths; `prepare` comes first."""
    import matplotlib.pyplot as plt

    files = []
    for name, paint in (
        ("response_error", _response_error),
        ("example_traces", _example_traces),
        ("ik_race", _ik_race),
        ("planning_time", _planning_time),
        ("limit_margins", _limit_margins),
    ):
        figure = paint(plt, report)
        files.append(folder / f"{name}.png")
        figure.savefig(files[-1])
        plt.close(figure)
    return files


def _response_error(plt: Any, report: "MotionReport") -> Any:
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2))
    for errors in report.errors:
        actions = np.arange(1, errors.position_m.shape[1] + 1)
        for axis, values in zip(axes, (errors.position_m, errors.rotation_rad), strict=True):
            axis.plot(actions, 1e3 * values.mean(axis=0), label=errors.kind)
    for axis, unit, asked in zip(axes, ("mm", "mrad"), (_ASKED_MM, _ASKED_MRAD), strict=True):
        axis.plot(*zip(*asked, strict=True), "kv", markersize=6, label="target")
        axis.set_xlabel(f"actions of {CONTROL_DT_S * 1e3:.0f} ms")
        axis.set_ylabel(unit)
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
    axes[0].set_title("TCP position error against the traces, mean")
    axes[1].set_title("TCP rotation error, mean")
    axes[0].legend()
    return figure


def _example_traces(plt: Any, report: "MotionReport") -> Any:
    figure, axes = plt.subplots(
        3, len(report.errors), figsize=(3.1 * len(report.errors), 6.2), sharex=True, squeeze=False
    )
    for column, errors in zip(axes.T, report.errors, strict=True):
        recorded, modelled = 1e3 * (errors.example - errors.example[:1, :1])
        time_s = np.arange(1, len(recorded) + 1) * CONTROL_DT_S
        for axis, label, true, guess in zip(column, "xyz", recorded.T, modelled.T, strict=True):
            axis.plot(time_s, true, color="#adb5bd", linewidth=5, label="recorded")
            axis.plot(time_s, guess, color=_COLOURS[0], linewidth=1.5, label="response model")
            axis.set_ylabel(f"{label}, mm")
        end_mm = np.linalg.norm(recorded[-1] - modelled[-1])
        column[0].set_title(f"{errors.kind}: {end_mm:.1f} mm at the end")
        column[-1].set_xlabel("s")
    axes[0, 0].legend()
    figure.suptitle(
        "The run of median error of each kind: TCP from its first position", x=0.01, ha="left"
    )
    return figure


def _ik_race(plt: Any, report: "MotionReport") -> Any:
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2))
    width = 0.8 / max(len(heat.lanes) for heat in report.heats)
    for number in range(len(report.heats[0].lanes)):
        lanes = [heat.lanes[number] for heat in report.heats]
        x = np.arange(len(lanes)) + (number + 0.5) * width - 0.4
        medians = np.array([np.median(lane.chunk_s) for lane in lanes]) * 1e3
        bars = axes[0].bar(x, medians, width * 0.92, label=lanes[0].solver)
        axes[0].bar_label(bars, [f"{value:.2g}" for value in medians], padding=2, fontsize=9)
        errors = 1e3 * np.sort(np.maximum(lanes[0].position_m, 1e-10))
        share = np.arange(1, len(errors) + 1) / len(errors)
        axes[1].plot(errors, 100 * share, label=lanes[0].solver)
    axes[0].set_yscale("log")
    axes[0].set_xticks(range(len(report.heats)), [heat.name for heat in report.heats])
    axes[0].grid(visible=False, axis="x")
    axes[0].set_ylabel("ms")
    axes[0].set_title("IK: time of a chunk of 10 steps, median")
    axes[0].legend()
    axes[1].set_xscale("log")
    axes[1].axvline(1.0, label="1 mm", **_BOUND)
    axes[1].set_xlabel("position error, mm")
    axes[1].set_ylabel("% of steps within")
    axes[1].set_title(f"IK: accuracy, {report.heats[0].name}")
    axes[1].legend()
    return figure


def _planning_time(plt: Any, report: "MotionReport") -> Any:
    figure, axis = plt.subplots(figsize=(7.5, 4.5))
    times = [length for length in report.times if len(length.total_s)]
    actions = np.array([length.actions for length in times])
    parts = [[1e3 * np.median(length.parts_s[part]) for length in times] for part in PARTS]
    axis.stackplot(actions, parts, labels=PARTS, colors=_COLOURS, alpha=0.55, linewidth=0)
    totals = [1e3 * length.total_s for length in times]
    axis.plot(actions, [np.median(total) for total in totals], "k.-", label="total, median")
    axis.plot(actions, [np.percentile(total, 95) for total in totals], "k:", label="total, p95")
    played_ms = actions * CONTROL_DT_S * 1e3
    axis.plot(actions, played_ms / 50, label="a fiftieth of the play time", **_BOUND)
    axis.set_xlabel("actions in the chunk")
    axis.set_ylabel("ms")
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.set_title("Planning time: response, IK, limits and gate")
    axis.legend()
    return figure


def _limit_margins(plt: Any, report: "MotionReport") -> Any:
    figure, axis = plt.subplots(figsize=(8.5, 4.2))
    names = list(report.plans.shares)[::-1]
    if names and len(report.plans.shares[names[0]]):
        values = [100 * report.plans.shares[name] for name in names]
        axis.boxplot(
            values,
            orientation="horizontal",
            tick_labels=names,
            whis=(0, 100),
            widths=0.6,
            medianprops={"color": _COLOURS[1]},
        )
    axis.axvline(100.0, **_BOUND)
    axis.set_xlim(0, 105)
    axis.grid(visible=False, axis="y")
    axis.set_xlabel("% of the limit that a plan uses at most (box: quartiles, whiskers: all plans)")
    axis.set_title(f"Limits: plans of the traces' first {report.plans.actions} actions")
    return figure

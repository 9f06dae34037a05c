# SPDX-License-Identifier: Apache-2.0
"""Plots of the results of `scripts/bench motion`."""

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
# Targets of the response model: (actions, largest mean error after them).
_TARGET_MM = ((10, 1.0), (40, 3.0))
_TARGET_MRAD = ((10, 5.0), (40, 15.0))


def prepare(folder: Path) -> None:
    """Create the folder and set up matplotlib, so that errors show before the measurements.

    Raises:
        ConfigurationError: the folder cannot be created.
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"--plot is {folder}, which cannot be used as a folder: {error}"
        ) from error
    try:
        import matplotlib
        from cycler import cycler
    except ImportError as error:
        raise MissingDependencyError(
            "plots need matplotlib; install it with: python -m pip install matplotlib"
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
    """Write all plots as PNG files and return their paths; call `prepare` first."""
    import matplotlib.pyplot as plt

    files = []
    for name, plot in (
        ("response_error", _response_error),
        ("example_traces", _example_traces),
        ("ik_comparison", _ik_comparison),
        ("planning_time", _planning_time),
        ("limit_margins", _limit_margins),
    ):
        figure = plot(plt, report)
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
    for axis, unit, target in zip(axes, ("mm", "mrad"), (_TARGET_MM, _TARGET_MRAD), strict=True):
        axis.plot(*zip(*target, strict=True), "kv", markersize=6, label="target")
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
        for axis, label, true, model in zip(column, "xyz", recorded.T, modelled.T, strict=True):
            axis.plot(time_s, true, color="#adb5bd", linewidth=5, label="recorded")
            axis.plot(time_s, model, color=_COLOURS[0], linewidth=1.5, label="response model")
            axis.set_ylabel(f"{label}, mm")
        end_mm = np.linalg.norm(recorded[-1] - modelled[-1])
        column[0].set_title(f"{errors.kind}: {end_mm:.1f} mm at the end")
        column[-1].set_xlabel("s")
    axes[0, 0].legend()
    figure.suptitle(
        "Run with the median error of each kind: TCP relative to its first position",
        x=0.01,
        ha="left",
    )
    return figure


def _ik_comparison(plt: Any, report: "MotionReport") -> Any:
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2))
    width = 0.8 / max(len(comparison.results) for comparison in report.comparisons)
    for number in range(len(report.comparisons[0].results)):
        results = [comparison.results[number] for comparison in report.comparisons]
        x = np.arange(len(results)) + (number + 0.5) * width - 0.4
        medians = np.array([np.median(result.chunk_s) for result in results]) * 1e3
        bars = axes[0].bar(x, medians, width * 0.92, label=results[0].solver)
        axes[0].bar_label(bars, [f"{value:.2g}" for value in medians], padding=2, fontsize=9)
        errors = 1e3 * np.sort(np.maximum(results[0].position_m, 1e-10))
        share = np.arange(1, len(errors) + 1) / len(errors)
        axes[1].plot(errors, 100 * share, label=results[0].solver)
    axes[0].set_yscale("log")
    axes[0].set_xticks(
        range(len(report.comparisons)), [comparison.name for comparison in report.comparisons]
    )
    axes[0].grid(visible=False, axis="x")
    axes[0].set_ylabel("ms")
    axes[0].set_title("IK: time of a chunk of 10 steps, median")
    axes[0].legend()
    axes[1].set_xscale("log")
    axes[1].axvline(1.0, label="1 mm", **_BOUND)
    axes[1].set_xlabel("position error, mm")
    axes[1].set_ylabel("% of steps within")
    axes[1].set_title(f"IK: accuracy, {report.comparisons[0].name}")
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
    axis.plot(actions, played_ms / 50, label="play time / 50", **_BOUND)
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
    axis.set_xlabel("largest share of the limit per plan, % (box: quartiles, whiskers: all plans)")
    axis.set_title(f"Limit margins: plans of the traces' first {report.plans.actions} actions")
    return figure

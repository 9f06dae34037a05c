# SPDX-License-Identifier: Apache-2.0
"""The report as tables for a terminal of 100 columns."""

from collections.abc import Mapping, Sequence
from statistics import median

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vera_ros.demo.tables import make_console as make_console
from vera_ros.distribution import Distribution
from verification.chaos.outcome.drift import drift
from verification.chaos.outcome.outcomes import (
    ABSORBED,
    CRASH,
    ENDED,
    HANG,
    MISSED,
    STOPPED,
    WENT_ON,
    Record,
    Summary,
)
from verification.chaos.outcome.report import Report
from verification.chaos.outcome.soak import Growth

_RESULTS = (ABSORBED, WENT_ON, STOPPED, ENDED, HANG, CRASH, MISSED)
_MAX_NAMES = 3
_MAX_NAME_LENGTH = 32
_MAX_REFUSED = 10
_STYLES = {True: "bold green", False: "bold red"}


def render_report(report: Report) -> RenderableType:
    """Return the report's tables: kinds of faults, totals, and resources of the processes."""
    return Group(_kinds_table(report), Text(), _totals_table(report), Text(), _soak_table(report))


def describe(record: Record) -> str:
    """Return the outcome of a fault in one line."""
    text = f"fault {record.fault.number + 1}, {record.fault.kind}"
    if record.struck_s is None or record.recovered_s is None:
        return f"{text}: {record.failure.splitlines()[0] if record.failure else MISSED}"
    ended = "" if record.goal_before == record.goal_after else ", in another episode"
    return f"{text}: recovered after {record.recovered_s - record.over_s:.2f} s{ended}"


def _kinds_table(report: Report) -> Table:
    by_kind, _ = report.summaries()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("fault", no_wrap=True)
    table.add_column("count", justify="right")
    table.add_column("outcome", overflow="fold")
    table.add_column("named", overflow="fold")
    table.add_column("to rest, s\nmedian, max", justify="right", no_wrap=True)
    table.add_column("recovery, s\nmedian, max", justify="right", no_wrap=True)
    for name, summary in by_kind.items():
        table.add_row(
            name,
            str(summary.times),
            _results(summary),
            _names(summary),
            _spread(summary.rest_s),
            _spread(summary.recover_s),
        )
    return table


def _totals_table(report: Report) -> Table:
    _, whole = report.summaries()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in (
        ("faults", f"{whole.times} in {report.duration_s:.0f} s; {_results(whole)}"),
        ("kinds not available", ", ".join(report.absent) or "none"),
        (
            "trajectories",
            f"{len(report.trajectories)} published, {report.of_fingers} of them for the fingers, "
            f"{report.unseen} from an unknown state",
        ),
        ("refused by the monitor", _must_be_none(len(report.refused))),
        ("hangs, crashes, missed faults", _must_be_none(report.failures())),
        ("faults not named anywhere", _must_be_none(whole.unnamed)),
        ("absorbed faults", f"{whole.results.get(ABSORBED, 0)}, which need not be named"),
        (
            "episodes that continued",
            f"{whole.did} of {whole.could} that could ({report.went_on_share():.1%})",
        ),
        ("server latency", _latencies(report.server_latency_s)),
        ("pipeline latency", _latencies(report.pipeline_latency_s)),
    ):
        table.add_row(name, value)
    if report.is_soak:
        grown = report.growth_complaints()
        table.add_row("growth over the run", Text("; ".join(grown) or "none", _STYLES[not grown]))
    for finding in report.refused[:_MAX_REFUSED]:
        what = f"trajectory {finding['number']}" if "number" in finding else "arm"
        table.add_row(what, "; ".join(finding.get("violations", (finding.get("violation"),))))
    for outcome in report.outcomes:
        if outcome.record.failure:
            table.add_row(outcome.result, outcome.record.failure.splitlines()[0])
    return table


def _soak_table(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("process", no_wrap=True)
    for name in ("samples", "starts", "MB", "growth", "threads", "files", "sockets"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, growth in report.soak.growth().items():
        samples = report.soak.samples[name]
        last = growth.last
        table.add_row(
            name,
            str(len(samples)),
            str(len({usage.pid for usage in samples})),
            f"{last.rss_mb:.0f}",
            "-" if growth.rss_percent is None else f"{growth.rss_percent:+.1f} %",
            *(
                _grown(growth, last_value, field)
                for field, last_value in (
                    ("threads", last.threads),
                    ("files", last.files),
                    ("sockets", last.sockets),
                )
            ),
        )
    return table


def _grown(growth: Growth, last: int, field: str) -> str:
    more = getattr(growth, field)
    return str(last) if more is None else f"{last} ({more:+.0f})"


def _results(summary: Summary) -> str:
    counts = ((name, summary.results.get(name, 0)) for name in _RESULTS)
    return ", ".join(f"{count} {name}" for name, count in counts if count)


def _names(summary: Summary) -> str:
    names: Mapping[str, int] = summary.named
    by_count = sorted(names, key=lambda name: -names[name])
    words = [f"{_short(name)} {names[name]}" for name in by_count[:_MAX_NAMES]]
    if len(by_count) > _MAX_NAMES:
        words.append(f"{len(by_count) - _MAX_NAMES} more")
    if summary.unnamed:
        words.append(f"NOT NAMED {summary.unnamed}")
    return ", ".join(words)


def _short(name: str) -> str:
    text = name.replace("_", " ")
    return text if len(text) <= _MAX_NAME_LENGTH else f"{text[:_MAX_NAME_LENGTH]}…"


def _must_be_none(count: int) -> Text:
    return Text(str(count), _STYLES[count == 0])


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.2f}, {max(values):.2f}" if values else "-"


def _latencies(values: Sequence[float]) -> str:
    words = _latency(Distribution.of(values))
    parts = drift(values)
    if parts is not None:
        words += f"\n  first third: {_latency(parts[0])}\n  last third: {_latency(parts[1])}"
    return words


def _latency(numbers: Distribution) -> str:
    if numbers.median is None or numbers.p90 is None or numbers.p99 is None or numbers.max is None:
        return "not measured"
    return (
        f"median {numbers.median * 1e3:.0f}, p90 {numbers.p90 * 1e3:.0f}, p99 "
        f"{numbers.p99 * 1e3:.0f}, max {numbers.max * 1e3:.0f} ms, over {numbers.count} chunks"
    )

# SPDX-License-Identifier: Apache-2.0
"""The page of findings in a terminal, with colours and columns."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vera_ros.doctor.finding import Finding, Verdict
from vera_ros.doctor.pages.report import Report

_WIDEST = 120
_NAME_WIDTH = 24

_MARKS = {
    Verdict.OK: ("✓", "green"),
    Verdict.WARNING: ("!", "yellow"),
    Verdict.FAILURE: ("✗", "bold red"),
    Verdict.UNKNOWN: ("?", "yellow"),
    Verdict.SKIPPED: ("·", "dim"),
}


def make_console() -> Console:
    """Return a console that writes to stdout, in lines of a readable width."""
    console = Console(highlight=False)
    if console.width > _WIDEST:
        console = Console(highlight=False, width=_WIDEST)
    return console


@contextmanager
def progress(checks: int) -> Iterator[Callable[[int], None]]:
    """Show a progress line; yield the function that takes the number of finished checks."""
    with make_console().status("checking …") as status:
        yield lambda done: status.update(f"checking … {done} of {checks}")


def render(report: Report) -> RenderableType:
    """Return the page of all findings."""
    parts: list[RenderableType] = []
    for area, findings in report.areas.items():
        parts.append(Text(f"\n{area}", "bold"))
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(width=_NAME_WIDTH, overflow="fold")
        table.add_column(overflow="fold")
        for finding in findings:
            mark, style = _MARKS[finding.verdict]
            quiet = "dim" if finding.verdict is Verdict.SKIPPED else ""
            table.add_row(Text(mark, style), Text(finding.name, quiet), _words(finding, quiet))
        parts.append(Padding(table, (0, 0, 0, 2)))
    worst = _worst(report)
    return Group(*parts, Text(f"\n{report.summary}", _MARKS[worst][1]))


def _words(finding: Finding, style: str) -> Text:
    words = Text(finding.found, style)
    if finding.mend:
        words.append(f"\n→ {finding.mend}", "cyan")
    return words


def _worst(report: Report) -> Verdict:
    order = (Verdict.FAILURE, Verdict.UNKNOWN, Verdict.WARNING, Verdict.OK)
    return next((verdict for verdict in order if report.count(verdict)), Verdict.SKIPPED)

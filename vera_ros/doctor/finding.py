# SPDX-License-Identifier: Apache-2.0
"""Findings: the results of the checks, each a line of the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from vera_ros.errors import VeraRosError


class Verdict(Enum):
    """Severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """Result of a check: one line of the page.

    Attributes:
        name: what was checked.
        verdict: the severity.
        found: what was found.
        mend: the command or action that fixes it; empty where nothing is wrong.
    """

    name: str
    verdict: Verdict
    found: str
    mend: str = ""


class NotCheckedError(VeraRosError):
    """Something could not be checked, for a reason that another finding reports."""


def ok(name: str, found: str) -> Finding:
    """Return the finding that something works."""
    return Finding(name, Verdict.OK, found)


def warning(name: str, found: str, mend: str) -> Finding:
    """Return the finding that something works, with a drawback or at a risk."""
    return Finding(name, Verdict.WARNING, found, mend)


def failure(name: str, found: str, mend: str) -> Finding:
    """Return the finding that something does not work."""
    return Finding(name, Verdict.FAILURE, found, mend)


def unknown(name: str, found: str, mend: str) -> Finding:
    """Return the finding that a check got no answer: the thing may work or not."""
    return Finding(name, Verdict.UNKNOWN, found, mend)


def combined(well: Finding, problems: Iterable[Finding | None]) -> Finding:
    """Return one finding of all that is wrong with something, the worst first; `well`: nothing."""
    found = sorted(filter(None, problems), key=lambda each: each.verdict is not Verdict.FAILURE)
    if not found:
        return well
    mends = dict.fromkeys(each.mend for each in found)
    words = "; and ".join(each.found for each in found)
    return Finding(well.name, found[0].verdict, words, "; ".join(mends))


def not_needed(name: str, why: str) -> Finding:
    """Return the finding that the chosen set-up does not need something."""
    return Finding(name, Verdict.SKIPPED, f"not needed: {why}")


def not_checked(name: str, why: str) -> Finding:
    """Return the finding that something could not be checked; another finding reports why."""
    return Finding(name, Verdict.SKIPPED, f"not checked: {why}")

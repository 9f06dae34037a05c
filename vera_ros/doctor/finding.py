# SPDX-License-Identifier: Apache-2.0
"""What a check says: one line of the page."""

from dataclasses import dataclass
from enum import Enum

from vera_ros.errors import VeraRosError


class Verdict(Enum):
    """How it is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes:
        name: what was looked at.
        verdict: how it is.
        found: what was found.
        mend: the command, or the deed, that mends it; empty where nothing is wrong.
    """

    name: str
    verdict: Verdict
    found: str
    mend: str = ""


class NotCheckedError(VeraRosError):
    """Something cannot be looked at, because of something else that has a finding of its own."""


def ok(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, Verdict.OK, found)


def warning(name: str, found: str, mend: str) -> Finding:
    """It runs, with less than it could have, or with a risk."""
    return Finding(name, Verdict.WARNING, found, mend)


def failure(name: str, found: str, mend: str) -> Finding:
    """It does not run."""
    return Finding(name, Verdict.FAILURE, found, mend)


def not_needed(name: str, why: str) -> Finding:
    """The chosen set-up does without it."""
    return Finding(name, Verdict.SKIPPED, f"not needed: {why}")


def not_checked(name: str, why: str) -> Finding:
    """Nothing can be said, for a reason that another finding names."""
    return Finding(name, Verdict.SKIPPED, f"not checked: {why}")

# SPDX-License-Identifier: Apache-2.0
"""Checks that answer, fail, hang, or cannot even be imported: each has a line of the page."""

import sys
import threading
from collections.abc import Callable, Sequence
from types import ModuleType

import pytest

from vera_ros.doctor.checks.table import CHECKS, Check
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.tools import ToolTimeoutError
from vera_ros.doctor.finding import Finding, NotCheckedError, Verdict, failure, ok, unknown
from vera_ros.doctor.options import Options
from vera_ros.doctor.runner import run
from vera_ros.errors import ConfigurationError

PATIENCE_S = 60.0
Look = Callable[[Context], Sequence[Finding]]


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Check]]:
    """Makes checks of functions, in the order given."""
    module = ModuleType("vera_ros.doctor.checks.of_the_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def make(**looks: Look) -> list[Check]:
        for name, look in looks.items():
            setattr(module, name, look)
        return [Check("area", name, f"of_the_test:{name}", f"see {name}") for name in looks]

    return make


def found(checks: Sequence[Check], deadline_s: float = PATIENCE_S) -> list[Finding]:
    findings = run(checks, Options(deadline_s=deadline_s))
    assert list(findings) == list(checks)
    return [finding for of_one in findings.values() for finding in of_one]


def test_every_check_of_the_table_can_be_loaded() -> None:
    for check in CHECKS:
        assert callable(check.load())
        assert check.by_hand


def test_findings_come_in_the_order_of_the_table(
    checks: Callable[..., list[Check]],
) -> None:
    """The first waits for the second."""
    second_is_done = threading.Event()

    def first(_: Context) -> list[Finding]:
        second_is_done.wait(PATIENCE_S)
        return [ok("first", "late"), failure("first", "and", "more")]

    def second(_: Context) -> list[Finding]:
        second_is_done.set()
        return [ok("second", "early")]

    names = [finding.name for finding in found(checks(first=first, second=second))]
    assert names == ["first", "first", "second"]


def test_progress_is_told(checks: Callable[..., list[Check]]) -> None:
    told: list[int] = []
    table = checks(a=lambda _: [ok("a", "")], b=lambda _: [])
    run(table, Options(deadline_s=PATIENCE_S), told.append)
    assert told == [1, 2]


def test_a_check_that_hangs_is_a_finding_itself(checks: Callable[..., list[Check]]) -> None:
    forever = threading.Event()

    def hangs(_: Context) -> list[Finding]:
        forever.wait()
        return []

    (finding,) = found(checks(hangs=hangs), deadline_s=1.0)
    forever.set()
    assert finding == unknown(
        "hangs",
        "could not be checked in time: no answer within 1 s",
        "if this machine is busy, --deadline 60; by hand: see hangs",
    )


@pytest.mark.parametrize(
    ("error", "verdict", "words"),
    [
        (NotCheckedError("there is no graph"), Verdict.SKIPPED, "not checked: there is no graph"),
        (ConfigurationError("no such file"), Verdict.FAILURE, "no such file"),
        (ToolTimeoutError("'x' does not answer"), Verdict.UNKNOWN, "no answer within 60 s"),
        (ZeroDivisionError("division by zero"), Verdict.FAILURE, "the check itself failed"),
    ],
)
def test_a_check_that_raises_has_a_finding(
    checks: Callable[..., list[Check]], error: Exception, verdict: Verdict, words: str
) -> None:
    def raises(_: Context) -> list[Finding]:
        raise error

    (finding,) = found(checks(raises=raises))
    assert finding.name == "raises"
    assert finding.verdict is verdict
    assert words in finding.found


def test_a_missing_package_is_a_failure_once() -> None:
    """Whatever else needs it cannot be checked."""
    checks = [Check("area", name, "of_nobody:check", "see") for name in ("one", "two")]
    one, two = found(checks)
    assert one.verdict is Verdict.FAILURE
    assert "vera_ros.doctor.checks.of_nobody cannot be imported" in one.found
    assert "pip install" in one.mend
    assert two.verdict is Verdict.SKIPPED

# SPDX-License-Identifier: Apache-2.0
"""Runs all checks in parallel; a check without an answer in time is unknown."""

import os
import queue
import threading
import traceback
from collections.abc import Callable, Sequence

from vera_ros.doctor.checks.table import Check, CheckFunction
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.distributions import distribution_of, how_to_install
from vera_ros.doctor.facts.tools import Deadline, ToolTimeoutError
from vera_ros.doctor.finding import Finding, NotCheckedError, failure, not_checked, unknown
from vera_ros.doctor.options import Options
from vera_ros.errors import VeraRosError

_BRING_ALL = "scripts/demo, which installs everything where there is no ROS installation"

# A deadline that suits a busy machine.
_PATIENT_S = 60.0

Findings = tuple[Finding, ...]


def run(
    checks: Sequence[Check], options: Options, on_done: Callable[[int], None] = lambda _: None
) -> dict[Check, Findings]:
    """Run the checks; return the findings of each, in the order of the table.

    Args:
        checks: the table.
        options: the run's options.
        on_done: called with the number of finished checks, each time that one finishes.
    """
    deadline = Deadline(options.deadline_s)
    answers: queue.SimpleQueue[tuple[Check, Findings]] = queue.SimpleQueue()
    found: dict[Check, Findings] = {}
    loaded = _load(checks, found)
    context = Context(options)

    def work(check: Check, function: CheckFunction) -> None:
        answers.put((check, _guard(check, lambda: function(context), options)))

    for check, function in loaded.items():
        threading.Thread(target=work, args=(check, function), daemon=True).start()
    try:
        while len(found) < len(checks):
            check, findings = answers.get(timeout=deadline.remaining())
            found[check] = findings
            on_done(len(found))
    except queue.Empty:
        pass
    return {check: found[check] if check in found else _hangs(check, options) for check in checks}


def _load(checks: Sequence[Check], found: dict[Check, Findings]) -> dict[Check, CheckFunction]:
    """Return the functions of the checks; put a finding into `found` where the import fails.

    All are imported in one thread: a failing import would disturb one of the same module elsewhere.
    """
    loaded = {}
    missing: set[str] = set()
    for check in checks:
        try:
            loaded[check] = check.load()
        except ImportError as error:
            name = str(error.name)
            words = f"the Python package {name} cannot be imported"
            install = how_to_install(distribution_of(name), os.environ.get("ROS_DISTRO", ""))
            found[check] = (
                not_checked(check.name, words)
                if name in missing
                else failure(check.name, words, f"{install}; or {_BRING_ALL}"),
            )
            missing.add(name)
    return loaded


def _guard(check: Check, function: Callable[[], Sequence[Finding]], options: Options) -> Findings:
    try:
        return tuple(function())
    except NotCheckedError as error:
        return (not_checked(check.name, str(error)),)
    except ToolTimeoutError:
        return _hangs(check, options)
    except VeraRosError as error:
        return (failure(check.name, str(error), f"by hand: {check.by_hand}"),)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        found = f"the check itself failed: {error!r} ({where.filename}:{where.lineno})"
        return (failure(check.name, found, f"by hand: {check.by_hand}"),)


def _hangs(check: Check, options: Options) -> Findings:
    found = f"could not be checked in time: no answer within {options.deadline_s:g} s"
    mend = f"if this machine is busy, --deadline {_PATIENT_S:g}; by hand: {check.by_hand}"
    return (unknown(check.name, found, mend),)

# SPDX-License-Identifier: Apache-2.0
"""Runs all checks at once; whoever does not answer in time has that as its finding."""

import queue
import threading
import traceback
from collections.abc import Callable, Sequence

from vera_ros.doctor.checks import Check
from vera_ros.doctor.context import Context
from vera_ros.doctor.finding import Finding, NotCheckedError, failure, not_checked
from vera_ros.doctor.tools import Deadline, ToolTimeoutError
from vera_ros.errors import VeraRosError

Findings = tuple[Finding, ...]


def run(
    checks: Sequence[Check], context: Context, on_done: Callable[[int], None] = lambda _: None
) -> dict[Check, Findings]:
    """Run the checks; return what they found, in their order.

    Args:
        checks: the table.
        context: what they look at.
        on_done: told how many have answered, each time that one has.
    """
    deadline = Deadline(context.options.deadline_s)
    answers: queue.SimpleQueue[tuple[Check, Findings]] = queue.SimpleQueue()
    for check in checks:
        threading.Thread(
            target=lambda check=check: answers.put((check, _look(check, context))), daemon=True
        ).start()
    found: dict[Check, Findings] = {}
    try:
        while len(found) < len(checks):
            check, findings = answers.get(timeout=deadline.remaining())
            found[check] = findings
            on_done(len(found))
    except queue.Empty:
        pass
    return {check: found.get(check) or _hangs(check, context) for check in checks}


def _look(check: Check, context: Context) -> Findings:
    try:
        return tuple(check.look(context))
    except NotCheckedError as error:
        return (not_checked(check.name, str(error)),)
    except ToolTimeoutError:
        return _hangs(check, context)
    except ModuleNotFoundError as error:
        return (not_checked(check.name, f"the Python package {error.name} is not installed"),)
    except VeraRosError as error:
        return (failure(check.name, str(error), f"by hand: {check.by_hand}"),)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        found = f"the check itself failed: {error!r} ({where.filename}:{where.lineno})"
        return (failure(check.name, found, f"by hand: {check.by_hand}"),)


def _hangs(check: Check, context: Context) -> Findings:
    found = f"no answer within {context.options.deadline_s:g} s"
    return (failure(check.name, found, f"by hand: {check.by_hand}"),)

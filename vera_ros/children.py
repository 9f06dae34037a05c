# SPDX-License-Identifier: Apache-2.0
"""Processes that do not outlive the one that started them (Linux)."""

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


def tied_to_this_process(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """Return the `preexec_fn` of a child that gets a signal when this process dies in any way.

    The kernel's care ends with the thread that starts the child, which must live as long as it.
    """
    parent = os.getpid()

    def tie() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it is dead already
            os._exit(1)

    return tie


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to a process group, if there is a process left in it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)


def describe_exit(code: int) -> str:
    """Say how a process has ended, from what Popen.returncode holds."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"

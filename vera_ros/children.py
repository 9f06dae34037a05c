# SPDX-License-Identifier: Apache-2.0
"""Child processes that do not outlive their parent (Linux)."""

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


def tied_to_this_process(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """Return the `preexec_fn` of a child that gets a signal when this process dies in any way.

    The kernel sends it also when the thread that started the child ends: keep that thread alive.
    """
    parent = os.getpid()

    def tie() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)

    return tie


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to a process group, if there is a process left in it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)


def describe_exit(code: int) -> str:
    """Return in words how a process has ended, from its Popen.returncode."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"

# SPDX-License-Identifier: Apache-2.0
"""Child processes that do not outlive their parent (Linux), and what they inherit."""

import contextlib
import ctypes
import os
import re
import signal
from collections.abc import Callable, Mapping

_PR_SET_PDEATHSIG = 1

# Where programs, files and GPUs are, and which language is spoken.
_HARMLESS = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|XDG_CACHE_HOME|CC|CXX|CONDA_PREFIX"
    r"|VIRTUAL_ENV|PYTHONUNBUFFERED|HF_HUB_CACHE|TRANSFORMERS_CACHE"
    r"|(CUDA|GPU|HIP|HSA|KMP|MKL|NCCL|NVIDIA|OMP|OPENBLAS|PYTORCH|ROCM|TORCH|TORCHINDUCTOR|TRITON)"
    r"_\w+"
)
_SECRET = re.compile(r"(^|_)(AUTH|PAT)S?(_|$)|CREDENTIAL|KEY|PASS|SECRET|TOKEN")
_WITH_PASSWORD = re.compile(r"//[^/\s]*:[^/\s]*@")

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


def harmless_variables(environment: Mapping[str, str], *prefixes: str) -> dict[str, str]:
    """Return the variables that a program of others may have: none holds a secret by name or value.

    Args:
        environment: variables by name.
        prefixes: beginnings of the names of further ones that the program reads.
    """
    return {
        name: value
        for name, value in environment.items()
        if (_HARMLESS.fullmatch(name) or name.startswith(prefixes))
        and not _SECRET.search(name.upper())
        and not _WITH_PASSWORD.search(value)
    }


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

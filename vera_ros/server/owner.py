# SPDX-License-Identifier: Apache-2.0
"""Which process owns something that outlives it, such as a container."""

import os
from pathlib import Path

_PROC = Path("/proc")


def identify_this_process() -> str:
    """Return what no other process shares, on any machine, before or after a restart."""
    return "/".join((*_system(), str(os.getpid()), str(_start_ticks(os.getpid()))))


def is_gone(identity: str) -> bool:
    """Whether a process of that identity is known to have ended; False where it cannot be."""
    *system, pid, ticks = ["", "", *identity.split("/")][-4:]
    if tuple(system) != _system() or not pid.isdecimal():
        return False  # of another machine, of before a restart, or of another container
    return str(_start_ticks(int(pid))) != ticks


def _system() -> tuple[str, str]:
    """The boot and the room of process ids."""
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return boot, os.readlink(_PROC / "self/ns/pid")


def _start_ticks(pid: int) -> int | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may hold anything.
    state, *numbers = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(numbers[18])

# SPDX-License-Identifier: Apache-2.0
"""Identifies the process that owns a resource which may outlive it, such as a container."""

import os
from pathlib import Path

_PROC = Path("/proc")


def identify_this_process() -> str:
    """Return an identity that is unique among processes, across machines and reboots."""
    return "/".join((*_system(), str(os.getpid()), str(_start_ticks(os.getpid()))))


def is_gone(identity: str) -> bool:
    """Whether the process of an identity has ended; False where that cannot be known."""
    *system, pid, ticks = ["", "", *identity.split("/")][-4:]
    if tuple(system) != _system() or not pid.isdecimal():
        return False  # of another machine, boot or container
    return str(_start_ticks(int(pid))) != ticks


def _system() -> tuple[str, str]:
    """Return the ids of the boot and of the PID namespace."""
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return boot, os.readlink(_PROC / "self/ns/pid")


def _start_ticks(pid: int) -> int | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The program's name, in parentheses, may itself contain any character.
    state, *numbers = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(numbers[18])

# SPDX-License-Identifier: Apache-2.0
"""The processes of the run: each can be killed, started again, and stopped for a while."""

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from vera_ros.bringup.processes import Processes as Group


class Processes:
    """Processes by name; none outlives `stop`.

    Args:
        log_folder: where `<name>-<n>.log` goes, n counts how often it was started.
        environment: of every process.
    """

    def __init__(self, log_folder: Path, environment: Mapping[str, str]) -> None:
        self._log_folder = log_folder
        self._environment = environment
        self._commands: dict[str, Sequence[str]] = {}
        self._starts: dict[str, int] = {}
        self._running: dict[str, tuple[Group, int]] = {}

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process that does not run.

        Raises:
            DemoError: it cannot be started.
        """
        self._commands[name] = command
        self._starts[name] = self._starts.get(name, 0) + 1
        group = Group(self._log_folder, self._environment)
        self._running[name] = group, group.start(f"{name}-{self._starts[name]}", command)

    def start_again(self, name: str) -> None:
        """Start a process that was killed.

        Raises:
            DemoError: it cannot be started.
        """
        self.start(name, self._commands[name])

    def kill(self, name: str) -> None:
        """End a process without warning."""
        self.send(name, signal.SIGKILL)
        self._running.pop(name)[0].stop()

    def freeze(self, name: str) -> None:
        """Let it get no processor time."""
        self.send(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on; does nothing to one that does not run."""
        if name in self._running:
            self.send(name, signal.SIGCONT)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process; one that has ended by itself does not mind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running[name][1], number)

    @property
    def pids(self) -> dict[str, int]:
        """Of those that run."""
        return {name: pid for name, (_, pid) in self._running.items()}

    def check(self) -> None:
        """Raise NodeDiedError, with the tail of its log, if a process has ended by itself."""
        for group, _ in self._running.values():
            group.check()

    def stop(self, names: Sequence[str] = ()) -> None:
        """End these processes; all, where none is named."""
        for name in names or tuple(self._running):
            if name in self._running:
                self.thaw(name)
                self._running.pop(name)[0].stop()

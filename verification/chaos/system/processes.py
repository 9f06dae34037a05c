# SPDX-License-Identifier: Apache-2.0
"""The processes of a run, each of which can be killed, restarted, and frozen."""

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from vera_ros.bringup.processes import Processes as Group


class Processes:
    """Processes by name; none outlives `stop`.

    Args:
        log_folder: for the logs `<name>-<n>.log`, where n counts the starts.
        environment: environment variables of every process.
    """

    def __init__(self, log_folder: Path, environment: Mapping[str, str]) -> None:
        self._log_folder = log_folder
        self._environment = environment
        self._commands: dict[str, Sequence[str]] = {}
        self._starts: dict[str, int] = {}
        self._running: dict[str, tuple[Group, int]] = {}

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process that is not running.

        Raises:
            DemoError: the command cannot be started.
        """
        self._commands[name] = command
        self._starts[name] = self._starts.get(name, 0) + 1
        group = Group(self._log_folder, self._environment)
        self._running[name] = group, group.start(f"{name}-{self._starts[name]}", command)

    def start_again(self, name: str) -> None:
        """Start a process again that was killed.

        Raises:
            DemoError: the command cannot be started.
        """
        self.start(name, self._commands[name])

    def kill(self, name: str) -> None:
        """Send SIGKILL to a process, and wait for its end."""
        self.send(name, signal.SIGKILL)
        self._running.pop(name)[0].stop()

    def freeze(self, name: str) -> None:
        """Suspend a process with SIGSTOP."""
        self.send(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Resume a process with SIGCONT; one that is not running is ignored."""
        if name in self._running:
            self.send(name, signal.SIGCONT)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process group; one that has ended by itself is ignored."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running[name][1], number)

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the running processes, by name."""
        return {name: pid for name, (_, pid) in self._running.items()}

    def check(self) -> None:
        """Raise NodeDiedError, with the tail of its log, if a process has ended by itself."""
        for group, _ in self._running.values():
            group.check()

    def stop(self, names: Sequence[str] = ()) -> None:
        """Stop these processes; by default all of them."""
        for name in names or tuple(self._running):
            if name in self._running:
                self.thaw(name)
                self._running.pop(name)[0].stop()

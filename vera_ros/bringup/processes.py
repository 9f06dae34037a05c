# SPDX-License-Identifier: Apache-2.0
"""The processes of the graph: started with a log each, monitored, and always stopped."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from vera_ros.bringup.failures import DemoError, NodeDiedError
from vera_ros.children import describe_exit, signal_group, tied_to_this_process

_TAIL_LINES = 15
_TAIL_BYTES = 16_384


@dataclass(frozen=True)
class _Running:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Processes:
    """Starts processes and stops them all when the `with` block ends, however it ends.

    Each is the leader of a process group of its own, so that Ctrl-C in the terminal reaches this
    process alone, which then stops the others in order; and the kernel kills each if this process
    dies without having done so. Use it from the main thread: the kernel also
    kills a process when the thread that started it ends.

    Args:
        log_folder: where `<name>.log` files go.
        environment: environment variables of every process.
        grace_s: time that a process gets to end before it is killed [s].
    """

    def __init__(
        self, log_folder: Path, environment: Mapping[str, str], grace_s: float = 5.0
    ) -> None:
        self._log_folder = log_folder
        self._environment = dict(environment)
        self._grace_s = grace_s
        self._running: list[_Running] = []

    def __enter__(self) -> "Processes":
        """Begin with no process."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave no process."""
        self.stop()

    def start(self, name: str, command: Sequence[str]) -> int:
        """Start a process; return its id.

        Raises:
            DemoError: it cannot be started.
        """
        log = self.log_of(name)
        with log.open("wb") as output:
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self._environment,
                    start_new_session=True,
                    preexec_fn=tied_to_this_process(),
                )
            except OSError as error:
                raise DemoError(
                    f"{name} cannot be started ({error}): {' '.join(command)}"
                ) from error
        self._running.append(_Running(name, process, log))
        return process.pid

    def check(self) -> None:
        """Raise NodeDiedError, with the tail of its log, if a process has ended."""
        for running in self._running:
            code = running.process.poll()
            if code is not None:
                raise NodeDiedError(
                    f"{running.name} ended by itself ({describe_exit(code)})\n"
                    f"{self.tail_of(running.name)}"
                )

    def stop(self) -> list[str]:
        """End all processes; return the names of those that had to be killed."""
        for running in self._running:
            signal_group(running.process.pid, signal.SIGTERM)
        deadline_s = time.monotonic() + self._grace_s
        killed = []
        for running in self._running:
            try:
                running.process.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                killed.append(running.name)
        for running in self._running:
            # Also kill what a process that ended in order has left in its group.
            signal_group(running.process.pid, signal.SIGKILL)
            running.process.wait()
        self._running.clear()
        return killed

    def log_of(self, name: str) -> Path:
        """Return the path of a process's log."""
        return self._log_folder / f"{name}.log"

    def tail_of(self, name: str) -> str:
        """Return the last lines of a process's log, under a line that names the file."""
        log = self.log_of(name)
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join([f"the end of {log}:", *(f"    {line}" for line in lines or ["(empty)"])])

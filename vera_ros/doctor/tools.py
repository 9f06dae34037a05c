# SPDX-License-Identifier: Apache-2.0
"""Programs that are asked for facts: other people's, and our own probes. Every wait is bounded."""

import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from vera_ros.doctor.finding import NotCheckedError
from vera_ros.errors import VeraRosError

_GRACE_S = 0.4  # for a probe that is late to end by itself
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([^'.]+)")


class ToolError(VeraRosError):
    """A program that gave no facts."""


class ToolMissingError(ToolError):
    """It is not installed."""


class ToolTimeoutError(ToolError):
    """It did not answer in time."""


class Deadline:
    """A moment by which everything has to be answered."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end_s = time.monotonic() + seconds

    def remaining(self) -> float:
        """Time that is left, [s]; never negative."""
        return max(0.0, self._end_s - time.monotonic())


@dataclass(frozen=True)
class Output:
    """What a program said.

    Attributes:
        code: its exit code.
        out: its standard output.
        error: its standard error.
    """

    code: int
    out: str
    error: str

    @property
    def why(self) -> str:
        """The last thing that it said, for who asks why it failed."""
        lines = (self.error.strip() or self.out.strip()).splitlines()
        return lines[-1].strip() if lines else f"exit code {self.code}"


def run(
    command: Sequence[str], deadline: Deadline, environment: Mapping[str, str] | None = None
) -> Output:
    """Run a program to its end, by default in this environment.

    Raises:
        ToolMissingError: it is not installed.
        ToolTimeoutError: it does not end; it is killed.
    """
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadline.remaining(),
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolMissingError(f"'{command[0]}' is not installed") from error
    except OSError as error:
        raise ToolError(f"'{command[0]}' cannot be run: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolTimeoutError(f"'{' '.join(command)}' does not answer") from error
    return Output(done.returncode, done.stdout, done.stderr)


class Probe:
    """A program of `vera_ros.doctor.probes`, which tells its facts as they come, one JSON a line.

    Args:
        name: of its module.
        deadline: when it is ended.
    """

    def __init__(self, name: str, deadline: Deadline) -> None:
        self._name = name
        self._late = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed when all is read
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"vera_ros.doctor.probes.{name}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._timer = threading.Timer(deadline.remaining(), self._give_up)
        self._timer.daemon = True
        self._timer.start()

    def ask(self, question: Mapping[str, Any]) -> None:
        """Tell it what it has to know; once."""
        assert self._process.stdin is not None
        try:
            with self._process.stdin as stdin:
                stdin.write(json.dumps(question))
        except BrokenPipeError:
            pass  # it has ended; `facts` says why

    def facts(self) -> Iterator[tuple[str, Any]]:
        """Name and value of each fact.

        Raises:
            ToolTimeoutError: it does not end by itself.
            NotCheckedError: a library that it needs is not installed.
            ToolError: it crashed.
        """
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                fact = json.loads(line)
                if fact is None:
                    return  # all is told; how the process ends does not matter
                yield from fact.items()
        self._raise(self._process.wait())

    def _give_up(self) -> None:
        """End it, by force only if it must be: killed while it listens, it may harm the senders."""
        self._late = True
        self._process.terminate()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _raise(self, code: int) -> NoReturn:
        if self._late:
            raise ToolTimeoutError(f"the probe '{self._name}' does not answer")
        if code < 0:
            raise ToolError(f"killed by {signal.Signals(-code).name}")
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else f"exit code {code}"
        missing = _NO_MODULE.match(why)
        if missing:
            raise NotCheckedError(f"the Python package {missing[1]} is not installed")
        raise ToolError(why)


def probe(name: str, deadline: Deadline, question: Mapping[str, Any]) -> dict[str, Any]:
    """Ask a probe, and return all its facts.

    Raises:
        ToolTimeoutError: it does not end by itself.
        NotCheckedError: a library that it needs is not installed.
        ToolError: it crashed.
    """
    running = Probe(name, deadline)
    running.ask(question)
    return dict(running.facts())

# SPDX-License-Identifier: Apache-2.0
"""Programs that gather facts: external ones and the doctor's probes, each with a deadline."""

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

_GRACE_S = 0.4  # for a terminated probe to end before it is killed
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([^'.]+)")


class ToolError(VeraRosError):
    """A program failed to deliver its facts."""


class ToolMissingError(ToolError):
    """A program is not installed."""


class ToolTimeoutError(ToolError):
    """A program did not answer in time."""


class Deadline:
    """The time by which every program must have answered; `seconds` from its creation."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end_s = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the time left, [s]; never negative."""
        return max(0.0, self._end_s - time.monotonic())


@dataclass(frozen=True)
class Output:
    """Exit code and output of a program that has ended.

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
        """The last line of its output, which usually says why it failed."""
        lines = (self.error.strip() or self.out.strip()).splitlines()
        return lines[-1].strip() if lines else f"exit code {self.code}"


def run(
    command: Sequence[str], deadline: Deadline, environment: Mapping[str, str] | None = None
) -> Output:
    """Run a program to its end, by default in the environment of this process.

    Raises:
        ToolMissingError: the program is not installed.
        ToolTimeoutError: the program did not end by the deadline, and was killed.
        ToolError: the program cannot be run.
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
    """A running program of `vera_ros.doctor.probes`, which writes each fact as a line of JSON.

    Args:
        name: of its module.
        deadline: when it is terminated.
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
        """Send the probe its request; call this once."""
        assert self._process.stdin is not None
        try:
            with self._process.stdin as stdin:
                stdin.write(json.dumps(question))
        except BrokenPipeError:
            pass  # the probe has ended; `facts` raises the reason

    def facts(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of each fact as it arrives.

        Raises:
            ToolTimeoutError: the probe did not end by the deadline.
            NotCheckedError: a library that the probe needs is not installed.
            ToolError: the probe crashed.
        """
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                fact = json.loads(line)
                if fact is None:
                    return  # end of the facts; how the process ends does not matter
                yield from fact.items()
        self._raise(self._process.wait())

    def _give_up(self) -> None:
        """Terminate the probe; kill it only if it stays: a killed subscriber may harm senders."""
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
    """Run a probe with a request, and return all its facts.

    Raises:
        ToolTimeoutError: the probe did not end by the deadline.
        NotCheckedError: a library that the probe needs is not installed.
        ToolError: the probe crashed.
    """
    running = Probe(name, deadline)
    running.ask(question)
    return dict(running.facts())

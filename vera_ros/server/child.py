# SPDX-License-Identifier: Apache-2.0
"""A child process that is followed while it runs and ends with this process."""

import asyncio
import math
import os
import shlex
import signal
from collections.abc import Callable, Mapping, Sequence

from vera_ros.children import describe_exit, signal_group, tied_to_this_process
from vera_ros.errors import ServerStartError
from vera_ros.server.output import Output

_PIECE_BYTES = 65536
_DRAIN_S = 1.0  # to read the rest of the output after the end of the process


class Child:
    """A process in a group of its own, whose output is delivered line by line.

    It ends with this process, however that ends (see `tied_to_this_process`).

    Args:
        command: program and arguments.
        environment: environment of the process; None: that of this process.
        on_line: receives every line of its stdout and stderr.
        death_signal: the signal that it receives when this process dies.
        folder: its working directory; None: that of this process.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None,
        on_line: Callable[[str], None],
        death_signal: signal.Signals = signal.SIGKILL,
        folder: str | None = None,
    ) -> None:
        self._command = list(command)
        self._environment = environment
        self._on_line = on_line
        self._death_signal = death_signal
        self._folder = folder
        self.output = Output()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process.

        Raises:
            ServerStartError: the command cannot be started.
        """
        # A pipe of our own: asyncio's would hide the end of a process whose children live on.
        read_end, write_end = os.pipe()
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", 0)
        )
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=asyncio.subprocess.STDOUT,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
                preexec_fn=tied_to_this_process(self._death_signal),
            )
        except BaseException as error:
            transport.close()
            if isinstance(error, OSError):
                raise ServerStartError(
                    f"cannot be started ({error}): {shlex.join(self._command)}"
                ) from error
            raise
        finally:
            os.close(write_end)
        self._reading = asyncio.create_task(self._read(reader, transport))

    async def wait(self) -> int:
        """Wait until the process has ended and its output is read; return its exit code."""
        assert self._process is not None
        assert self._reading is not None
        code = await self._process.wait()
        await asyncio.wait({self._reading}, timeout=_DRAIN_S)
        return code

    async def stop(self, grace_s: float) -> None:
        """Terminate the process, kill it after `grace_s`, and kill what is left of its group."""
        if self._process is None or self._reading is None:
            return
        signal_group(self._process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), grace_s)
        except (asyncio.TimeoutError, TimeoutError):
            pass
        finally:
            signal_group(self._process.pid, signal.SIGKILL)
            await self.wait()
            self._reading.cancel()

    async def _read(self, reader: asyncio.StreamReader, transport: asyncio.BaseTransport) -> None:
        try:
            while piece := await reader.read(_PIECE_BYTES):
                self._deliver(self.output.feed(piece))
            self._deliver(self.output.end())
        finally:
            transport.close()

    def _deliver(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._on_line(line)


async def run_to_end(
    command: Sequence[str],
    environment: Mapping[str, str] | None,
    on_line: Callable[[str], None],
    timeout_s: float,
) -> tuple[int, str]:
    """Run a command; return its exit code and the last lines of its output.

    Raises:
        ServerStartError: it cannot be started, or did not end within the time allowed.
    """
    child = Child(command, environment, on_line)
    await child.start()
    try:
        code = await asyncio.wait_for(child.wait(), timeout_s if math.isfinite(timeout_s) else None)
    except (asyncio.TimeoutError, TimeoutError):
        raise ServerStartError(
            f"no answer within {timeout_s:g} s: {shlex.join(command)}\n{child.output.tail}"
        ) from None
    finally:
        await child.stop(grace_s=0.0)
    return code, child.output.tail


def describe_end(code: int, output: Output) -> str:
    """Describe how a process has ended, with the last lines that it wrote."""
    return f"{describe_exit(code)}; its last lines:\n{output.tail}"

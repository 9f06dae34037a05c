# SPDX-License-Identifier: Apache-2.0
"""Server modes: the ways in which a policy server is provided."""

from collections.abc import Callable, Mapping
from typing import Protocol

from vera_ros.server.modes.attach import Attach
from vera_ros.server.modes.docker import Docker
from vera_ros.server.modes.local import Local
from vera_ros.server.modes.reference import Reference
from vera_ros.server.settings import ServerSettings


class ServerMode(Protocol):
    """A way to provide a policy server; methods are called in this order, from one event loop.

    Each may raise ServerStartError.

    Attributes:
        launches: whether `start` starts anything.
    """

    launches: bool

    def describe(self) -> str:
        """Describe the server, in a few words."""

    async def prepare(self) -> None:
        """Clean up after an earlier run."""

    async def start(self) -> None:
        """Start the server, which may take long to become ready."""

    async def ended(self) -> str:
        """Wait for the server's end; return how it ended and its last lines."""

    @property
    def last_line(self) -> str:
        """The line that the server wrote last; empty: none."""

    @property
    def tail(self) -> str:
        """The last lines that the server wrote, for an error message; empty: it writes none."""

    async def stop(self) -> None:
        """Stop what `start` has started, and nothing else."""


def make_mode(
    settings: ServerSettings, environment: Mapping[str, str], on_line: Callable[[str], None]
) -> ServerMode:
    """Return the mode that the settings choose.

    Args:
        settings: which mode, and how.
        environment: environment of the processes that it starts.
        on_line: receives every line of the server's output and of the commands that start it.
    """
    if settings.server_mode == "docker":
        return Docker(settings, environment, on_line)
    if settings.server_mode == "subprocess":
        return Local(settings, environment, on_line)
    if settings.server_mode == "reference":
        return Reference(settings)
    return Attach(settings)

# SPDX-License-Identifier: Apache-2.0
"""The ways in which a policy server comes to be there."""

from collections.abc import Callable, Mapping
from typing import Protocol

from vera_ros.server.modes.attach import Attach
from vera_ros.server.modes.docker import Docker
from vera_ros.server.modes.local import Local
from vera_ros.server.modes.reference import Reference
from vera_ros.server.settings import ServerSettings


class ServerMode(Protocol):
    """One way; its methods are called from one event loop, in the order in which they stand here.

    Each may raise ServerStartError.

    Attributes:
        launches: whether `start` starts anything.
    """

    launches: bool

    def describe(self) -> str:
        """Say what is started, in a few words."""

    async def prepare(self) -> None:
        """Clear away what an earlier run has left."""

    async def start(self) -> None:
        """Start the server; it may take long yet to answer."""

    async def ended(self) -> str:
        """Return how it ended and what it last said, once it has; for ever if it cannot."""

    @property
    def last_line(self) -> str:
        """What it wrote last; empty: nothing."""

    @property
    def tail(self) -> str:
        """The last lines that it wrote, for an error message; empty: it writes none."""

    async def stop(self) -> None:
        """End what was started, and only that."""


def make_mode(
    settings: ServerSettings, environment: Mapping[str, str], on_line: Callable[[str], None]
) -> ServerMode:
    """Return the mode that the settings choose.

    Args:
        settings: which mode, and how.
        environment: of processes that it starts.
        on_line: gets every line that the server or what starts it writes.
    """
    if settings.server_mode == "docker":
        return Docker(settings, environment, on_line)
    if settings.server_mode == "subprocess":
        return Local(settings, environment, on_line)
    if settings.server_mode == "reference":
        return Reference(settings)
    return Attach(settings)

# SPDX-License-Identifier: Apache-2.0
"""Attach mode: a server that was started elsewhere."""

import asyncio

from vera_ros.server.settings import ServerSettings


class Attach:
    """Starts nothing, and so stops nothing."""

    launches = False
    last_line = ""
    tail = ""

    def __init__(self, settings: ServerSettings) -> None:
        self._url = settings.url

    def describe(self) -> str:
        """Describe the server, with its URL."""
        return f"a policy server at {self._url}, which was started elsewhere"

    async def prepare(self) -> None:
        """Do nothing."""

    async def start(self) -> None:
        """Do nothing."""

    async def ended(self) -> str:
        """Wait for ever: only the connection to such a server is supervised."""
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await never

    async def stop(self) -> None:
        """Do nothing."""

# SPDX-License-Identifier: Apache-2.0
"""A server that was started elsewhere."""

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
        """Where it is."""
        return f"a policy server at {self._url}, which was started elsewhere"

    async def prepare(self) -> None:
        """Nothing to do."""

    async def start(self) -> None:
        """Nothing to do."""

    async def ended(self) -> str:
        """Never: what is not ours is not watched."""
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await never

    async def stop(self) -> None:
        """Nothing to do."""

# SPDX-License-Identifier: Apache-2.0
"""The reference policy, hosted by this process."""

import asyncio

from vera_ros.errors import ConfigurationError, ServerStartError
from vera_ros.server.host import PolicyHost
from vera_ros.server.settings import ServerSettings


class Reference:
    """Hosts the reference policy in threads of its own."""

    launches = True
    last_line = ""
    tail = ""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._host: PolicyHost | None = None

    def describe(self) -> str:
        """What is hosted where."""
        return f"the reference policy at {self._settings.url}"

    async def prepare(self) -> None:
        """Nothing to do."""

    async def start(self) -> None:
        """Listen."""
        from vera_ros.server.reference.stack_policy import StackPolicy  # brings SciPy along

        self._host = PolicyHost(StackPolicy(), self._settings.server_host, self._settings.port)
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._host.start)
        except ConfigurationError as error:
            raise ServerStartError(str(error)) from error

    async def ended(self) -> str:
        """Never: it lives as long as this process."""
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await never

    async def stop(self) -> None:
        """Hang up."""
        if self._host is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._host.stop)
            self._host = None

# SPDX-License-Identifier: Apache-2.0
"""Reference mode: the reference policy, hosted by this process."""

import asyncio

from vera_ros.errors import ConfigurationError, MissingDependencyError, ServerStartError
from vera_ros.robots.registry import make_reference_policy
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
        """Describe the hosted policy, with its URL."""
        return f"the reference policy of {self._settings.embodiment} at {self._settings.url}"

    async def prepare(self) -> None:
        """Do nothing."""

    async def start(self) -> None:
        """Start hosting the policy."""
        settings = self._settings
        try:
            policy = make_reference_policy(settings.embodiment)
            self._host = PolicyHost(policy, settings.server_host, settings.port)
            await asyncio.get_running_loop().run_in_executor(None, self._host.start)
        except (ConfigurationError, MissingDependencyError) as error:
            raise ServerStartError(str(error)) from error

    async def ended(self) -> str:
        """Wait for ever: the host runs as long as this process."""
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await never

    async def stop(self) -> None:
        """Stop hosting the policy."""
        if self._host is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._host.stop)
            self._host = None

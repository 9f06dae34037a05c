# SPDX-License-Identifier: Apache-2.0
"""A keeper in a test: run, listened to, and ended."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from vera_ros.errors import ServerStartError
from vera_ros.server.keeper import ServerKeeper, ServerState, ServerStatus
from vera_ros.server.modes import make_mode
from vera_ros.server.sources import read_settings

PATIENCE_S = 60.0


class Keeping:
    """A keeper that runs as a task.

    Attributes:
        said: every status that it told.
        lines: every line of the server's output.
    """

    def __init__(
        self, parameters: Mapping[str, Any], environment: Mapping[str, str], progress_s: float
    ) -> None:
        self.said: list[ServerStatus] = []
        self.lines: list[str] = []
        settings = read_settings(parameters, {}).settings
        mode = make_mode(settings, environment, self.lines.append)
        keeper = ServerKeeper(mode, settings, self.said.append, progress_s)
        self.task = asyncio.create_task(keeper.run())

    @property
    def state(self) -> ServerState | None:
        return self.said[-1].state if self.said else None

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something was said or written; fail if the keeper ends before."""

        async def look() -> None:
            while not condition():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)

        await asyncio.wait_for(look(), PATIENCE_S)

    async def until_ready(self) -> ServerStatus:
        await self.until(lambda: self.state is ServerState.READY)
        return self.said[-1]

    async def failure(self) -> str:
        """Wait until it gives up; return why."""
        with contextlib.suppress(ServerStartError):
            await asyncio.wait_for(asyncio.shield(self.task), PATIENCE_S)
        error = self.task.exception()
        assert isinstance(error, ServerStartError)
        return str(error)


@contextlib.asynccontextmanager
async def keeping(
    parameters: Mapping[str, Any], environment: Mapping[str, str], progress_s: float = 30.0
) -> AsyncIterator[Keeping]:
    """Run a keeper; it is cancelled in the end."""
    kept = Keeping(parameters, environment, progress_s)
    try:
        yield kept
    finally:
        kept.task.cancel()
        await asyncio.gather(kept.task, return_exceptions=True)

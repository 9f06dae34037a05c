# SPDX-License-Identifier: Apache-2.0
"""Keeps a policy server available: finds or starts it, waits until it is ready, stops it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, TypeVar

from vera_ros.errors import ServerStartError
from vera_ros.server.modes import ServerMode
from vera_ros.server.port_lock import PortLock
from vera_ros.server.probe import Answer, Probe, probe
from vera_ros.server.settings import ServerSettings
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.protocol.server_config import ServerConfig

T = TypeVar("T")

_HANDSHAKE_S = 5.0
_TRY_AGAIN_S = 0.5
_CHECK_S = 1.0  # between checks of the connection to a server that is ready
_PROGRESS_S = 10.0
# Settings that a server takes only when it is started.
_START_SETTINGS = (
    "algo_config",
    "dynamics_run_id",
    "text_prompt",
    "sample_steps",
    "tracker_backend",
    "motion_plan_scale",
    "teacache",
)


class ServerState(Enum):
    """State of the policy server."""

    LOOKING = auto()  # for one that runs already
    STARTING = auto()  # the container or process, and first of all its image
    LOADING = auto()
    READY = auto()
    LOST = auto()  # the connection was closed


@dataclass(frozen=True)
class ServerStatus:
    """Status of the policy server.

    Attributes:
        state: its state.
        message: the state in words, with the server's last line while it loads.
        ours: whether this process started it, and will stop it.
        config: its configuration, once it is ready.
        unconfirmed: start settings that a server started elsewhere may lack, as name and value.
    """

    state: ServerState
    message: str
    ours: bool = False
    config: ServerConfig | None = None
    unconfirmed: tuple[str, ...] = ()


class ServerKeeper:
    """Brings up one server and supervises it until cancelled.

    A server that runs already at the address and serves the robot is used and never stopped. A
    server is ready once it has completed a handshake.

    Args:
        mode: how to start one.
        settings: where it is, what it must serve, and how long it may load.
        on_status: receives every change, and a progress message every `progress_s`.
        progress_s: period of progress messages.
    """

    def __init__(
        self,
        mode: ServerMode,
        settings: ServerSettings,
        on_status: Callable[[ServerStatus], None],
        progress_s: float = _PROGRESS_S,
    ) -> None:
        self._mode = mode
        self._settings = settings
        self._on_status = on_status
        self._progress_s = progress_s
        self._status = ServerStatus(ServerState.LOOKING, "")
        self._lock = PortLock(settings.port)
        self._ended: asyncio.Task[str] | None = None  # of the server that was started here

    async def run(self) -> None:
        """Supervise a server until cancelled.

        Raises:
            ServerStartError: it did not come up in time, is not the one that is needed, or ended.
        """
        client = PolicyClient(access=self._settings.access)
        try:
            while True:
                progress = asyncio.create_task(self._report_progress())
                try:
                    await self._bring_up(client)
                finally:
                    progress.cancel()
                await self._watch(client)
        finally:
            if self._ended is not None:
                self._ended.cancel()
            await client.close()
            await self._mode.stop()
            self._lock.release()

    async def _bring_up(self, client: PolicyClient) -> None:
        """Return with the client connected to a server that is ready."""
        url = self._settings.url
        self._say(ServerState.LOOKING, f"looking for a policy server at {url}")
        await self._mode.prepare()
        began_s = _now_s()
        while (found := await self._try_handshake(client)).answer is not Answer.READY:
            if found.answer is Answer.STRANGER:
                raise ServerStartError(f"{found.detail}; or choose another server_port")
            if found.answer is Answer.NOTHING and self._mode.launches and self._ended is None:
                if self._lock.acquire():
                    await self._start()
                    began_s = _now_s()
                else:
                    found = Probe(Answer.NOTHING, "another process of this user is starting it")
            if _now_s() - began_s > self._settings.ready_timeout_s:
                raise ServerStartError(self._describe_timeout(found))
            await self._unless_ended(asyncio.sleep(_TRY_AGAIN_S))
        ours = self._ended is not None
        whose = self._mode.describe() if ours else f"the one that runs at {url}"
        unconfirmed = () if ours else unconfirmed_settings(self._settings)
        if unconfirmed:
            whose += (
                f"; it was not started here, and may not have {', '.join(unconfirmed)}: "
                "restart it with these, or leave them out"
            )
        self._say(
            ServerState.READY, f"the policy server is ready: {whose}", client.config, unconfirmed
        )

    async def _start(self) -> None:
        self._say(ServerState.STARTING, f"starting {self._mode.describe()}")
        await self._mode.start()
        self._ended = asyncio.create_task(self._mode.ended())
        self._say(ServerState.LOADING, f"waiting for {self._mode.describe()}")

    async def _watch(self, client: PolicyClient) -> None:
        """Return when the connection breaks; raise when the server started here ends."""
        while client.connected:
            await self._unless_ended(asyncio.sleep(_CHECK_S))
        self._say(ServerState.LOST, f"lost the policy server at {self._settings.url}")

    async def _try_handshake(self, client: PolicyClient) -> Probe:
        return await self._unless_ended(
            probe(client, self._settings.url, self._settings.kind, _HANDSHAKE_S)
        )

    async def _unless_ended(self, call: Coroutine[Any, Any, T]) -> T:
        """Await a call; raise ServerStartError if the server started here ends first."""
        task = asyncio.ensure_future(call)
        watched: set[asyncio.Future[Any]] = {task}
        if self._ended is not None:
            watched.add(self._ended)
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if self._ended is not None and self._ended.done():
                raise ServerStartError(
                    f"{self._mode.describe()} ended by itself: {self._ended.result()}"
                )
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _describe_timeout(self, found: Probe) -> str:
        waited = f"waited {self._settings.ready_timeout_s:g} s in vain for {self._mode.describe()}"
        tail = f"; its last lines:\n{self._mode.tail}" if self._mode.tail else ""
        return f"{waited} ({found.detail}); see its log, or raise ready_timeout_s{tail}"

    def _say(
        self,
        state: ServerState,
        message: str,
        config: ServerConfig | None = None,
        unconfirmed: tuple[str, ...] = (),
    ) -> None:
        self._status = ServerStatus(state, message, self._ended is not None, config, unconfirmed)
        self._on_status(self._status)

    async def _report_progress(self) -> None:
        began_s = _now_s()
        while True:
            await asyncio.sleep(self._progress_s)
            last = f"; its last line: {self._mode.last_line}" if self._mode.last_line else ""
            message = f"{self._status.message}, for {_now_s() - began_s:.0f} s{last}"
            self._on_status(replace(self._status, message=message))


def unconfirmed_settings(settings: ServerSettings) -> tuple[str, ...]:
    """Return the start settings that differ from their defaults, as name and value each."""
    chosen = {name: getattr(settings, name) for name in _START_SETTINGS}
    fields = ServerSettings.model_fields
    return tuple(f"{n} {value}" for n, value in chosen.items() if value != fields[n].default)


def _now_s() -> float:
    return asyncio.get_running_loop().time()

# SPDX-License-Identifier: Apache-2.0
"""Client of a VERA policy server: one connection, one request at a time, every wait bounded."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from websockets.exceptions import InvalidHandshake

from vera_ros.errors import (
    ConnectionFailedError,
    PolicyServerError,
    ProtocolError,
    VeraRosError,
)
from vera_ros.printable import printable
from vera_ros.wire.connection.access import ServerAccess
from vera_ros.wire.connection.address import split_url, without_password
from vera_ros.wire.connection.exchange import Exchange
from vera_ros.wire.connection.failures import ends_connection, raise_error_text, typed_failures
from vera_ros.wire.connection.tls import check_tls
from vera_ros.wire.connection.websocket import open_websocket
from vera_ros.wire.protocol.codec import MAX_ANSWER_BYTES, pack, unpack
from vera_ros.wire.protocol.messages import (
    InferReply,
    InferRequest,
    ObserveReply,
    ObserveRequest,
    check_map,
)
from vera_ros.wire.protocol.server_config import MAX_STEPS, MAX_VIEWS, ServerConfig
from vera_ros.wire.protocol.wording import plain, plain_map

T = TypeVar("T")

RESET_ACKNOWLEDGEMENT = "reset successful"

# The server may refuse these with a text that is no traceback, and keeps the episode.
_REFUSABLE = frozenset({"configure", "observe", "reload"})


@dataclass(frozen=True)
class ClientTimeouts:
    """How long each wait may take, [s].

    While a model runs, the server answers nothing, not even a ping, on any connection.
    """

    infer_s: float = 600.0
    reset_s: float = 120.0
    configure_s: float = 120.0
    observe_s: float = 120.0
    reload_s: float = 1800.0
    close_s: float = 1.0
    ping_interval_s: float = 60.0
    ping_timeout_s: float = 600.0


class PolicyClient:
    """A client of a policy server, to be used from one event loop.

    Calls are serialised. A call that fails or is cancelled drops the connection, because its answer
    could still arrive, and because a server whose inference failed has lost the episode; then
    `connected` is False and `connect` starts afresh. The connection stays open only when the server
    refuses a configure, observe or reload with a plain text.

    Args:
        timeouts: of its calls.
        access: files for a server behind TLS.

    Every call may raise:
        ConnectionFailedError: not connected, or the connection broke.
        ServerTimeoutError: no answer within the time allowed.
        PolicyServerError: the server answered with an error text.
        ProtocolError: the answer or the request is not what the protocol allows.
    """

    def __init__(
        self, timeouts: ClientTimeouts | None = None, access: ServerAccess | None = None
    ) -> None:
        self._timeouts = timeouts or ClientTimeouts()
        self._access = access or ServerAccess()
        self._lock = asyncio.Lock()
        self._exchange: Exchange | None = None
        self._config: ServerConfig | None = None
        self._url = ""

    async def __aenter__(self) -> "PolicyClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        """Whether the connection is open; a silent loss shows only at the next ping or call."""
        return self._exchange is not None and self._exchange.open

    @property
    def config(self) -> ServerConfig:
        """The configuration that the server sent last.

        Raises:
            ConnectionFailedError: no server was reached yet.
        """
        if self._config is None:
            raise ConnectionFailedError("no policy server was reached yet; connect first")
        return self._config

    async def connect(self, url: str, open_timeout_s: float) -> ServerConfig:
        """Connect to ws://host:port and return the server's configuration.

        A connection that is still open is dropped.

        Raises:
            ConfigurationError: the URL is not a websocket address, or a file of the access cannot
                be used.
            TlsError: its scheme is not the server's, or the certificate is not accepted.
            AccessDeniedError: the server does not accept token or certificate of this client.
        """
        async with self._lock:
            self._drop()
            split_url("the policy server's address", url)
            self._url = url
            try:
                with typed_failures("connect", url, open_timeout_s):
                    self._config = await asyncio.wait_for(self._open(), open_timeout_s)
            except BaseException:
                self._drop()
                raise
            return self._config

    async def infer(self, request: InferRequest) -> InferReply:
        """Ask the policy for actions."""
        return await self._call(
            "infer",
            request.to_wire(),
            self._timeouts.infer_s,
            lambda answer: InferReply.from_wire(self._map("infer", answer), self.config),
        )

    async def reset(self, session_id: str, reason: str) -> None:
        """Tell the policy that an episode begins (`new_episode`) or ends (`episode_end`)."""
        request = {"session_id": session_id, "reason": reason}
        await self._call("reset", request, self._timeouts.reset_s, self._acknowledge)

    async def configure(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change settings of the running policy; return those that the server applied."""
        applied = await self._call(
            "configure", settings, self._timeouts.configure_s, self._read_applied
        )
        steps = applied.get("n_action_steps")
        if "n_action_steps" in settings and type(steps) is int and 1 <= steps <= MAX_STEPS:
            self._config = replace(self.config, action_horizon=steps)  # as the server does itself
        return applied

    async def observe(self, request: ObserveRequest) -> ObserveReply:
        """Send the frames that were played to the server's live viewer."""
        return await self._call(
            "observe",
            request.to_wire(),
            self._timeouts.observe_s,
            lambda answer: ObserveReply.from_wire(self._map("observe", answer)),
        )

    async def reload(self, settings: Mapping[str, Any]) -> ServerConfig:
        """Make the server load other models; views, columns and rate may all change."""
        self._config = await self._call(
            "reload",
            settings,
            self._timeouts.reload_s,
            lambda answer: ServerConfig.from_wire(self._map("reload", answer)),
        )
        return self._config

    async def close(self) -> None:
        """Close the connection; abort it where the server is too busy to answer."""
        if self._exchange is not None:
            try:
                await asyncio.wait_for(self._exchange.connection.close(), self._timeouts.close_s)
            except (asyncio.TimeoutError, TimeoutError):
                pass  # aborting needs no answer
            finally:
                self._drop()

    async def _open(self) -> ServerConfig:
        try:
            connection = await open_websocket(
                self._url,
                max_size=MAX_ANSWER_BYTES,
                open_timeout=None,
                close_timeout=self._timeouts.close_s,
                ping_interval=self._timeouts.ping_interval_s,
                ping_timeout=self._timeouts.ping_timeout_s,
                **await asyncio.to_thread(self._access.options, self._url),
            )
        except (InvalidHandshake, OSError, EOFError) as error:
            await check_tls(self._url, self._access, error)
            raise
        self._exchange = Exchange(connection)
        answer = await self._exchange.greeting()
        return await self._read(
            "connect", lambda: ServerConfig.from_wire(self._map("connect", answer))
        )

    async def _call(
        self,
        endpoint: str,
        request: Mapping[str, Any],
        timeout_s: float,
        read: Callable[[str | bytes], T],
    ) -> T:
        frame = pack({**request, "endpoint": endpoint})
        async with self._lock:
            if self._exchange is None:
                raise ConnectionFailedError(f"{endpoint}: not connected; connect first")
            try:
                with typed_failures(endpoint, self._url, timeout_s, len(frame)):
                    asked = self._ask(self._exchange, endpoint, frame, read)
                    return await asyncio.wait_for(asked, timeout_s)
            except PolicyServerError as error:
                if endpoint not in _REFUSABLE or ends_connection(error.text):
                    self._drop()
                raise
            except BaseException:
                self._drop()
                raise

    async def _ask(
        self, exchange: Exchange, endpoint: str, frame: bytes, read: Callable[[str | bytes], T]
    ) -> T:
        answer = await exchange.ask(frame)
        return await self._read(endpoint, lambda: read(answer))

    async def _read(self, task: str, read: Callable[[], T]) -> T:
        """Read an answer in another thread: the event loop keeps the time meanwhile."""
        try:
            return await asyncio.to_thread(read)
        except VeraRosError:
            raise
        except Exception as error:  # whatever an answer brings about is the server's fault
            raise ProtocolError(
                f"{task}: the answer of the policy server at {without_password(self._url)} cannot "
                f"be read ({type(error).__name__}: {printable(str(error))})"
            ) from error

    def _map(self, task: str, answer: str | bytes) -> Mapping[str, Any]:
        if isinstance(answer, str):
            raise_error_text(task, self._url, answer)
        return check_map(f"the answer to {task}", unpack(answer))

    def _acknowledge(self, answer: str | bytes) -> None:
        if isinstance(answer, bytes):
            raise ProtocolError(
                f"reset: the policy server at {without_password(self._url)} answered with "
                f"{len(answer)} bytes, not with the text '{RESET_ACKNOWLEDGEMENT}'"
            )
        if answer != RESET_ACKNOWLEDGEMENT:
            raise_error_text("reset", self._url, answer)

    def _read_applied(self, answer: str | bytes) -> Mapping[str, Any]:
        applied = check_map("'applied'", self._map("configure", answer).get("applied"))
        return plain_map(applied, _setting)

    def _drop(self) -> None:
        if self._exchange is not None:
            self._exchange.drop()
            self._exchange = None


def _setting(value: Any) -> Any:
    if isinstance(value, list) and len(value) <= MAX_VIEWS:
        return [plain(item) for item in value]
    return plain(value)

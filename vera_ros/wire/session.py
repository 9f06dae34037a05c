# SPDX-License-Identifier: Apache-2.0
"""Episodes with a policy server, over a connection that is reopened where necessary."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from vera_ros.embodiments import Embodiment
from vera_ros.errors import (
    ConfigurationError,
    ConnectionFailedError,
    PolicyServerError,
    ProtocolError,
    ServerTimeoutError,
    WireError,
)
from vera_ros.wire.client import ClientTimeouts, PolicyClient
from vera_ros.wire.connection.access import ServerAccess
from vera_ros.wire.connection.failures import typed_failures
from vera_ros.wire.connection.patience import FailedAttempt, keep_trying
from vera_ros.wire.protocol.messages import InferReply, InferRequest, ObserveRequest
from vera_ros.wire.protocol.server_config import (
    ServerConfig,
    check_embodiment,
    check_same_policy,
    with_chosen_views,
)
from vera_ros.wire.reloading import Reloaded, Request, complete, inspect
from vera_ros.wire.tuning import Setting, Tuned, tune

_SLOW_OBSERVE_S = 1.0  # longest acceptable delay of the next request by the viewer
_KEPT_S = 2.0  # for a reset over a kept connection; an idle server needs far less


@dataclass(frozen=True)
class SessionOptions:
    """Options of a policy session.

    Attributes:
        url: ws://host:port.
        embodiment: the embodiment that the server must serve.
        connect_s: for all attempts to connect together.
        handshake_s: for one attempt.
        timeouts: of the client's calls.
        observe: whether to send the server the frames that were played.
        adaptive_gains: sent with each request, see InferRequest; None: not sent.
        access: files for a server behind TLS.
    """

    url: str
    embodiment: Embodiment
    connect_s: float = 30.0
    handshake_s: float = 10.0
    timeouts: ClientTimeouts = field(default_factory=ClientTimeouts)
    observe: bool = True
    adaptive_gains: bool | None = None
    access: ServerAccess = field(default_factory=ServerAccess)


class SessionNews(Protocol):
    """Callbacks for events of a session; called from the event loop."""

    def on_attempt_failed(self, attempt: FailedAttempt) -> None:
        """Handle a failed attempt to connect, which will be repeated."""

    def on_tuned(self, tuned: Tuned) -> None:
        """Handle the outcome of sending the settings over a new connection."""

    def on_observe_failed(self, error: WireError) -> None:
        """Handle a failure to show the frames played; the episode goes on."""


class PolicySession:
    """Runs successive episodes with the policy that a server hosts.

    The connection is kept between episodes. In addition to the errors of PolicyClient, every call
    that may connect raises ConfigurationError where the server does not fit the embodiment.

    Attributes:
        settings: settings to apply on every new connection.
    """

    def __init__(self, options: SessionOptions, client: PolicyClient, news: SessionNews) -> None:
        self._options = options
        self._client = client
        self._news = news
        self._shows = options.observe
        self.settings: Mapping[str, Setting] = {}

    async def open(self, session_id: str) -> ServerConfig:
        """Connect if necessary, and have the server forget any earlier episode.

        Attempts are repeated until the server is reachable, see `keep_trying`.
        """
        attempt = partial(self._open, session_id)
        return await keep_trying(attempt, self._options.connect_s, self._news.on_attempt_failed)

    async def infer(
        self, request: InferRequest, played: ObserveRequest | None = None
    ) -> tuple[InferReply, float]:
        """Send the frames played, then request actions; return the reply and its latency [s]."""
        if played is not None and self._shows:
            await self._show(played)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        reply = await self._client.infer(
            replace(request, adaptive_gains=self._options.adaptive_gains)
        )
        return reply, loop.time() - began_s

    async def tune(self, settings: Mapping[str, Setting]) -> Tuned | None:
        """Apply settings now; return None where no server is connected."""
        return await tune(self._client, settings) if self._client.connected else None

    async def reload(self, request: Request) -> Reloaded:
        """Make the server load other models; return its state afterwards.

        Raises:
            PolicyServerError: it refuses, or has lost its models; the message says which.
            ConfigurationError: what it hosts now does not fit the embodiment.
        """
        if not self._client.connected:
            await self._reconnect()
        asked = await complete(self._client, request)
        try:
            await self._client.reload(asked)
        except PolicyServerError as error:
            if self._client.connected:
                raise
            raise PolicyServerError(
                "the reload failed, and the server has lost the models that it had: "
                f"restart it ({error})",
                error.text,
            ) from error
        await self._check_and_tune()
        return await inspect(self._client, request)

    async def end(self, session_id: str, played: ObserveRequest | None = None) -> None:
        """Send the frames played, then tell the server that the episode is over."""
        # A failure drops the connection, and the next episode opens another. An episode that begins
        # meanwhile waits for this no longer than for its own reset.
        if played is not None and self._shows and self._client.connected:
            try:
                await self._observe(played)
            except WireError as error:
                self._stop_showing(error)
        if self._client.connected:
            with contextlib.suppress(WireError):
                await self._reset_kept(session_id, "episode_end")

    async def _open(self, session_id: str) -> ServerConfig:
        if self._client.connected:
            try:
                await self._reset_kept(session_id, "new_episode")
                return self._config()
            except (ConnectionFailedError, ProtocolError):
                pass  # it was broken, about to be dropped, or has said what nobody asked for
            except ServerTimeoutError:
                await self._client.close()  # and drop an earlier call that has no answer yet
                raise  # the next attempt connects afresh
        await self._connect()
        await self._client.reset(session_id, "new_episode")
        return self._config()

    def _config(self) -> ServerConfig:
        return with_chosen_views(self._client.config, self._options.embodiment)

    async def _reset_kept(self, session_id: str, reason: str) -> None:
        """Reset over a kept connection, with a short time-out.

        The peer may be gone without having closed it, and then no answer ever arrives. Or it may be
        busy: a server does not answer while it infers, be it for another client or for a cancelled
        call. Both look the same from here, so a time-out ends the connection and not the episode:
        between episodes nothing is lost with a connection, and a busy server is waited for over the
        next one.
        """
        within_s = min(_KEPT_S, self._options.connect_s / 2)  # the rest is for another connection
        with typed_failures("reset", self._options.url, within_s):
            await asyncio.wait_for(self._client.reset(session_id, reason), within_s)

    async def _connect(self) -> None:
        await self._client.connect(self._options.url, self._options.handshake_s)
        await self._check_and_tune()

    async def _reconnect(self) -> None:
        await keep_trying(self._connect, self._options.connect_s, self._news.on_attempt_failed)

    async def _check_and_tune(self) -> None:
        """Check the server's new configuration, and apply the settings."""
        try:
            check_embodiment(self._client.config, self._options.embodiment)
        except ConfigurationError:
            await self._client.close()  # so that the next attempt receives a new one
            raise
        self._shows = self._options.observe
        if self.settings:
            self._news.on_tuned(await tune(self._client, self.settings))

    async def _show(self, played: ObserveRequest) -> None:
        """Send the frames played. If that fails, the episode goes on, unless the server is gone.

        The server keeps its episode where the connection is dropped after a failed observe, unlike
        after one that broke: the same session goes on over a new connection.
        """
        before = self._client.config
        try:
            await self._observe(played)
        except ConnectionFailedError:
            raise
        except WireError as error:
            self._stop_showing(error)
            if not self._client.connected:
                await self._reconnect()
                check_same_policy(before, self._client.config)
                self._shows = False

    async def _observe(self, played: ObserveRequest) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        answer = await self._client.observe(played)
        took_s = loop.time() - began_s
        if not answer.ok:
            self._news.on_observe_failed(
                PolicyServerError(
                    f"observe: the policy server could not use the frames played: "
                    f"{answer.error or 'it does not say why'}"
                )
            )
        elif took_s > _SLOW_OBSERVE_S:
            self._stop_showing(
                ServerTimeoutError(
                    f"observe: the policy server took {took_s:.1f} s, more than "
                    f"{_SLOW_OBSERVE_S:g} s, to show what was played"
                )
            )

    def _stop_showing(self, error: WireError) -> None:
        """Report the error, and send no more frames over this connection."""
        self._shows = False
        self._news.on_observe_failed(error)

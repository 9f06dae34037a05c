# SPDX-License-Identifier: Apache-2.0
"""The policy server as an episode sees it: calls leave at once, answers come by queue."""

import contextlib
import queue
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any

from vera_ros.embodiments import Embodiment
from vera_ros.errors import ConnectionFailedError, WireError
from vera_ros.wire.client import ClientTimeouts, PolicyClient
from vera_ros.wire.client_thread import ClientThread
from vera_ros.wire.messages import InferReply, InferRequest
from vera_ros.wire.server_config import ServerConfig, check_embodiment


class ServerLink:
    """The server port of an episode (see vera_ros.policy.ports).

    Args:
        url: ws://host:port.
        embodiment: what the server must serve.
        timeouts: of the client's calls.
        connect_timeout_s: for the handshake.
        wake: called from the client's thread when an answer waits for `deliver`.
    """

    def __init__(
        self,
        url: str,
        embodiment: Embodiment,
        timeouts: ClientTimeouts,
        connect_timeout_s: float,
        wake: Callable[[], None],
    ) -> None:
        self._url = url
        self._embodiment = embodiment
        self._connect_timeout_s = connect_timeout_s
        self._wake = wake
        self._client = ClientThread(PolicyClient(timeouts))
        self._answers: queue.SimpleQueue[tuple[int, Future[Any], float]] = queue.SimpleQueue()
        self._asked = 0  # answers to earlier questions are stale
        self._pending: Future[Any] | None = None

    def connect(self, session_id: str) -> None:
        """Be connected, and let the server forget any episode before this one."""
        self._ask(partial(self._open_session, session_id=session_id))

    def infer(self, request: InferRequest) -> None:
        """Ask for a chunk."""
        self._ask(lambda client: client.infer(request))

    def abandon(self) -> None:
        """Give up what is under way."""
        self._asked += 1
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None

    def release(self, session_id: str) -> None:
        """Tell the server that the episode is over; what becomes of it matters to nobody."""
        self._asked += 1
        self._pending = None
        self._client.submit(partial(_end_session, session_id=session_id), lambda _: None)

    def stop(self) -> None:
        """Disconnect."""
        self._client.stop()

    def deliver(
        self,
        on_connected: Callable[[ServerConfig], None],
        on_reply: Callable[[InferReply, float], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        """Hand over the answers that wait, in the caller's thread."""
        while True:
            try:
                number, future, began_s = self._answers.get_nowait()
            except queue.Empty:
                return
            if number != self._asked:
                continue
            self._pending = None
            try:
                answer = future.result()
            except CancelledError:
                continue
            except Exception as error:
                on_failed(error)
                continue
            if isinstance(answer, ServerConfig):
                on_connected(answer)
            else:
                on_reply(answer, time.monotonic() - began_s)

    def _ask(self, call: Callable[[PolicyClient], Coroutine[Any, Any, Any]]) -> None:
        self._asked += 1
        number, began_s = self._asked, time.monotonic()

        def on_done(future: "Future[Any]") -> None:
            self._answers.put((number, future, began_s))
            self._wake()

        self._pending = self._client.submit(call, on_done)

    async def _open_session(self, client: PolicyClient, session_id: str) -> ServerConfig:
        if client.connected:
            # It may be broken, or about to be dropped with a call that was given up: then again.
            with contextlib.suppress(ConnectionFailedError):
                return await self._begin_session(client, session_id)
        await client.connect(self._url, self._connect_timeout_s)
        return await self._begin_session(client, session_id)

    async def _begin_session(self, client: PolicyClient, session_id: str) -> ServerConfig:
        check_embodiment(client.config, self._embodiment)
        await client.reset(session_id, "new_episode")
        return client.config


async def _end_session(client: PolicyClient, session_id: str) -> None:
    if not client.connected:
        return
    # If it fails, the connection is dropped, and the next episode opens another.
    with contextlib.suppress(WireError):
        await client.reset(session_id, "episode_end")

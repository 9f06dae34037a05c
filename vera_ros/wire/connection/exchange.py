# SPDX-License-Identifier: Apache-2.0
"""Requests and responses over one connection; an unsolicited message closes it."""

import asyncio
import contextlib
from collections.abc import Awaitable

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from vera_ros.errors import ProtocolError
from vera_ros.wire.connection.websocket import receive

_PONG_S = 1.0  # a server that is busy with another client answers no ping


class Exchange:
    """Asks one question at a time, from one event loop.

    The protocol has no numbers, so that a second answer would pass for that to the next question.
    Hence the next message is always awaited, and what arrives before a question was sent ends the
    connection. A ping follows each answer: by its pong, all that was sent before it has arrived.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._asking = True  # the first message, the server's greeting, is expected
        self._flushed: Awaitable[float] | None = None
        self._expect()

    @property
    def open(self) -> bool:
        """Whether a question can be asked."""
        return self.connection.state is State.OPEN and not self._next.done()

    async def greeting(self) -> str | bytes:
        """Return the server's first message."""
        return await self._answer()

    async def ask(self, frame: bytes) -> str | bytes:
        """Send a question; return its answer.

        Raises:
            ProtocolError: a message came that nobody had asked for.
            ConnectionClosed: the connection broke.
        """
        if self._flushed is not None:
            await asyncio.wait([asyncio.ensure_future(self._flushed)], timeout=_PONG_S)
        if self._next.done():
            unasked = self._next.result()  # raises why the connection broke, if it did
            raise ProtocolError(
                f"a message came that nobody had asked for, such as a second answer (length "
                f"{len(unasked)}); is the peer, or a proxy before it, in order?"
            )
        self._asking = True
        await self.connection.send(frame)
        return await self._answer()

    def drop(self) -> None:
        """Break the connection, without waiting for the peer."""
        self._next.cancel()
        self.connection.transport.abort()

    async def _answer(self) -> str | bytes:
        answer = await self._next
        self._asking = False
        self._expect()
        with contextlib.suppress(ConnectionClosed):  # a server may close after its answer
            self._flushed = await self.connection.ping()
        return answer

    def _expect(self) -> None:
        self._next = asyncio.ensure_future(receive(self.connection))
        self._next.add_done_callback(self._on_message)

    def _on_message(self, received: "asyncio.Future[str | bytes]") -> None:
        # Reading the exception here marks it as retrieved: it may come while nobody asks.
        if not received.cancelled() and (received.exception() or not self._asking):
            self.connection.transport.abort()

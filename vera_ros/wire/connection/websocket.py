# SPDX-License-Identifier: Apache-2.0
"""Websocket connections without redirects, with bounded messages."""

import inspect
import logging
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.exceptions import InvalidMessage, WebSocketException

from vera_ros.errors import ProtocolError
from vera_ros.wire.protocol.codec import MAX_FRAME_BYTES

MAX_FRAGMENTS = 4096  # of one message: an empty one costs the sender two bytes, and us hundreds
# The library logs what peers send as it is; errors are raised anyway, and worded by the caller.
_SILENT = logging.getLogger(f"{__name__}.library")
_SILENT.disabled = True

BOUNDS: dict[str, Any] = {
    "compression": None,
    "max_queue": 1,  # with one message that waits to be read, no more is received
    "logger": _SILENT,
}

# Our largest message, and pongs: a peer that asks for these and reads none would grow it forever.
_MAX_UNSENT_BYTES = MAX_FRAME_BYTES + 2**20

# From version 15 on, websockets uses the environment's proxies, which are not meant for a server
# in the laboratory.
_NO_PROXY: dict[str, Any] = (
    {"proxy": None} if "proxy" in inspect.signature(connect.__init__).parameters else {}
)


def open_websocket(url: str, **options: Any) -> connect:
    """Return an awaitable for the connection; `options` are those of websockets' `connect`.

    No redirect is followed: it would take requests, and a token with them, to another server.
    """
    options = {**BOUNDS, **options}
    return _DirectConnect(url, create_connection=_BoundedConnection, **options, **_NO_PROXY)


async def receive(connection: Connection) -> str | bytes:
    """Return the next message.

    Raises:
        ProtocolError: it has more than MAX_FRAGMENTS fragments.
        ConnectionClosed: the connection broke.
    """
    parts: list[Any] = []
    async for part in connection.recv_streaming():
        parts.append(part)
        if len(parts) > MAX_FRAGMENTS:
            raise ProtocolError(
                f"a message came in more than {MAX_FRAGMENTS} fragments, which no message of the "
                "protocol has; is the peer, or a proxy before it, in order?"
            )
    return "".join(parts) if isinstance(parts[0], str) else b"".join(parts)


class _DirectConnect(connect):
    def process_redirect(self, exc: Exception) -> Exception:
        if isinstance(exc, WebSocketException | OSError | EOFError):
            return exc
        # The HTTP parser's own errors, which websockets 14.0 lets through.
        return InvalidMessage("did not receive a valid HTTP response")


def drop_if_unread(connection: Connection) -> None:
    """Break a connection whose peer reads less than it makes this side send."""
    if connection.transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
        connection.transport.abort()


class _BoundedConnection(ClientConnection):
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        drop_if_unread(self)
        if self.protocol.close_expected():
            # A peer that has broken the protocol may never close: websockets would wait for it.
            self.loop.call_later(self.close_timeout or 0.0, self.transport.abort)

# SPDX-License-Identifier: Apache-2.0
"""Bounds the number of client connections of a host."""

import asyncio
import gc
import logging
from typing import Any

from websockets.asyncio.server import ServerConnection

from vera_ros.wire.connection.websocket import drop_if_unread

_LOG = logging.getLogger(__name__)
_LARGE_BYTES = 2**20


class Guests:
    """The present connections of a host. Not thread-safe: for its event loop.

    A client counts until it is gone and its last request is answered: else one that asks and
    leaves, again and again, would fill the memory with requests.

    Args:
        most: number of clients; further ones are turned away.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._present: set[Guest] = set()

    def admit(self, *args: Any, **options: Any) -> "Guest":
        """Make a connection, as `create_connection` of websockets' `serve`."""
        return Guest(self, *args, **options)

    def enter(self, guest: "Guest") -> bool:
        """Add a connection, if there is room."""
        if len(self._present) >= self._most:
            return False
        self._present.add(guest)
        if len(self._present) == self._most:
            _LOG.warning("%d clients are connected; further ones are turned away", self._most)
        return True

    def leave(self, guest: "Guest") -> None:
        """Remove a connection, and free what it received."""
        self._present.discard(guest)
        # Connections of websockets refer to themselves, so they and their last message would stay
        # until the next collection, which may be hundreds of megabytes later.
        if guest.received > _LARGE_BYTES:
            asyncio.get_running_loop().call_soon(gc.collect)


class Guest(ServerConnection):
    """One client's connection.

    Attributes:
        conversing: whether a request of it may still be in work.
        received: what it has sent so far [B].
    """

    def __init__(self, guests: Guests, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._guests = guests
        self._admitted = self._gone = False
        self.conversing = False
        self.received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake, if there is room."""
        self._admitted = self._guests.enter(self)
        if self._admitted:
            super().connection_made(transport)
        else:
            assert isinstance(transport, asyncio.Transport)
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Handle what the client sends."""
        if self._admitted:
            self.received += len(data)
            super().data_received(data)
            drop_if_unread(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection."""
        if self._admitted:
            super().connection_lost(exc)
        self._gone = True
        self.leave_if_done()

    def leave_if_done(self) -> None:
        """Make room for another client, once this one is gone and has no request in work."""
        if self._gone and not self.conversing:
            self._guests.leave(self)

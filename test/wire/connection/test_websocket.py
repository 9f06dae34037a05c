# SPDX-License-Identifier: Apache-2.0
"""A peer makes a connection cost only so much."""

import asyncio
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from test.wire.raw_server import BINARY, CONTINUATION, PING, RawServers, Talk, frame
from vera_ros.errors import ProtocolError
from vera_ros.wire.connection import websocket
from vera_ros.wire.connection.websocket import MAX_FRAGMENTS, open_websocket, receive

LONG_S = 20.0


@pytest.fixture
def servers() -> Iterator[RawServers]:
    servers = RawServers()
    yield servers
    servers.stop()


def first_message(servers: RawServers, *pieces: bytes, forever: bytes = b"") -> str | bytes:
    """Return the first message from a server that sends these, and never reads."""

    async def script(talk: Talk) -> None:
        await talk.shake_hands()
        await talk.send(*pieces)
        while forever:
            await talk.send(forever)
        await talk.ended()

    async def session() -> str | bytes:
        connection = await open_websocket(f"ws://127.0.0.1:{port}")
        try:
            return await asyncio.wait_for(receive(connection), LONG_S)
        finally:
            connection.transport.abort()

    port = servers.serve(script)
    return asyncio.run(session())


@pytest.mark.parametrize("more", [1, 7, MAX_FRAGMENTS - 1])
def test_a_message_in_fragments_arrives(servers: RawServers, more: int) -> None:
    pieces = frame(BINARY, b"a", fin=False) + frame(CONTINUATION, b"b", fin=False) * (more - 1)
    assert first_message(servers, pieces, frame(CONTINUATION, b"c")) == b"a" + b"b" * (more - 1) + (
        b"c"
    )


@pytest.mark.parametrize("content", [b"", b"x"])
def test_more_fragments_are_refused(servers: RawServers, content: bytes) -> None:
    flood = frame(CONTINUATION, content, fin=False) * 1000
    with pytest.raises(ProtocolError, match="4096 fragments"):
        first_message(servers, frame(BINARY, fin=False), forever=flood)


def test_a_peer_that_wants_pongs_and_reads_none_is_left(
    servers: RawServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "_MAX_UNSENT_BYTES", 2**16)
    with pytest.raises(ConnectionClosed):
        first_message(servers, forever=frame(PING, b"x" * 125) * 1000)

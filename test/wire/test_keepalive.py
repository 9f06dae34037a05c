# SPDX-License-Identifier: Apache-2.0
"""A model that runs blocks the server's event loop: it answers no ping, on any connection.

Ten minutes are scaled down to seconds, together with all that is measured against them.
"""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect as open_websocket
from websockets.asyncio.server import ServerConnection

from vera_ros.errors import ConnectionFailedError, ServerTimeoutError
from vera_ros.wire.client import ClientTimeouts, PolicyClient
from vera_ros.wire.protocol.codec import pack
from vera_ros.wire.protocol.messages import InferRequest

LONG_S = 30.0
SCALE = 1 / 40
REPLY = pack({"action": np.ones((2, 7), np.float32), "info": {}})
REQUEST = InferRequest(np.zeros((1, 4, 8, 3), np.uint8), ("a", "b"), (4, 4), "episode")


def library_default_s(name: str) -> float:
    """What the library takes when it is told nothing."""
    return float(inspect.signature(open_websocket.__init__).parameters[name].default)


OURS = ClientTimeouts(
    infer_s=LONG_S,
    ping_interval_s=ClientTimeouts().ping_interval_s * SCALE,
    ping_timeout_s=ClientTimeouts().ping_timeout_s * SCALE,
)
LIBRARYS = ClientTimeouts(
    infer_s=LONG_S,
    ping_interval_s=library_default_s("ping_interval") * SCALE,
    ping_timeout_s=library_default_s("ping_timeout") * SCALE,
)


class BusyServer:
    """Does nothing else while it infers, as a server whose model runs in its event loop."""

    def __init__(self, peers: Any) -> None:
        self.done = threading.Event()
        self.url: str = peers.polite(self._script)

    async def _script(self, connection: ServerConnection) -> None:
        async for _ in connection:
            self.done.wait(LONG_S)  # nothing else runs in this thread meanwhile
            await connection.send(REPLY)


@asynccontextmanager
async def connected(url: str, timeouts: ClientTimeouts) -> AsyncIterator[PolicyClient]:
    async with PolicyClient(timeouts) as client:
        await client.connect(url, LONG_S)
        yield client


def unanswered_pings(client: PolicyClient) -> int:
    assert client._exchange is not None
    return len(client._exchange.connection.pending_pings)


def test_a_long_inference_outlives_the_librarys_keepalive_and_not_ours(peers: Any) -> None:
    server = BusyServer(peers)

    async def session() -> None:
        async with connected(server.url, OURS) as ours, connected(server.url, LIBRARYS) as theirs:
            answer = asyncio.create_task(ours.infer(REQUEST))
            with pytest.raises(ConnectionFailedError, match="keepalive"):
                await theirs.infer(REQUEST)
            while not unanswered_pings(ours):  # it has asked, and is not answered
                assert not answer.done()
                await asyncio.sleep(0.01)
            server.done.set()
            assert len((await answer).actions) == 2

    asyncio.run(asyncio.wait_for(session(), LONG_S))


def test_a_blocked_server_and_a_dead_one_look_alike_and_the_deadline_decides(peers: Any) -> None:
    server = BusyServer(peers)
    timeouts = ClientTimeouts(infer_s=0.2, ping_interval_s=0.05, ping_timeout_s=LONG_S)

    async def session() -> None:
        async with connected(server.url, timeouts) as client:
            with pytest.raises(ServerTimeoutError, match=r"0\.2 s"):
                await client.infer(REQUEST)
            assert not client.connected
            server.done.set()

    asyncio.run(session())

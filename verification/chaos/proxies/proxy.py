# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between policy_node and the policy server that injects faults of the connection.

It forwards the client's bytes unchanged, and the server's as whole websocket frames. So pings and
time-outs remain between the peers, and a frame can be delayed, replaced or cut off.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

from vera_ros.errors import ConfigurationError
from vera_ros.wire.connection.loop_thread import LoopThread
from verification.chaos.faults.answers import CORRUPTED_CONFIGS
from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kind import WIRE
from verification.chaos.faults.kinds import find_kind
from verification.chaos.faults.strike import Strike
from verification.chaos.proxies.wire_fault import WireFault

_CALL_S = 10.0
_CHUNK_BYTES = 1 << 16
_BINARY = 0x82  # a whole message in one frame, as policy servers send it


class FaultProxy:
    """Listens on a port of its own and connects every client to the server.

    One fault is active at a time. Not thread-safe.

    Args:
        server_url: ws://host:port of the policy server.
        port: to listen on; 0: any free one.
        seed: of the random numbers within a fault.
    """

    def __init__(self, server_url: str, port: int = 0, seed: int = 0) -> None:
        parts = urlsplit(server_url)
        self._server = (str(parts.hostname), parts.port)
        self._port = port
        self._fault = WireFault(server_url, seed)
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        self._thread = LoopThread("proxy", farewell=self._hang_up)
        self._port = self._call(self._listen())

    @property
    def url(self) -> str:
        """URL for the clients."""
        return f"ws://127.0.0.1:{self._port}"

    def inject(self, fault: Fault) -> Strike:
        """Replace the present fault by a fault of the wire; return the span in which it is active.

        Raises:
            ConfigurationError: the fault is of another layer.
        """
        if find_kind(fault.kind).layer != WIRE:
            raise ConfigurationError(
                f"the proxy cannot inject '{fault.kind}': it is not on the wire; valid are kinds "
                f"of the layer '{WIRE}'"
            )
        strike = Strike(fault.duration_s)
        self._call(self._begin(fault, strike))
        return strike

    def heal(self) -> None:
        """Remove the fault, and accept clients again."""
        self._call(self._heal())

    def stop(self) -> None:
        """Close all connections and stop the thread."""
        self._call(self._hang_up())
        self._thread.stop(_CALL_S)

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._thread.submit(lambda: coroutine).result(_CALL_S)

    # All methods below run in the thread of the event loop.

    async def _listen(self) -> int:
        async with self._starting:  # heal() and the end of the fault may both call this
            if self._listener is None:
                self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    async def _hang_up(self) -> None:
        self._stop_listening()
        self._cut()
        if self._serving:
            await asyncio.wait(self._serving)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _begin(self, fault: Fault, strike: Strike) -> None:
        self._fault.begin(fault, strike)
        if fault.kind == "refused":
            self._stop_listening()
            self._start(self._listen_again(fault.duration_s))
        if fault.kind in ("cut", "refused", *CORRUPTED_CONFIGS):
            self._cut()

    async def _heal(self) -> None:
        if self._fault.is_kind("other_robot"):
            self._cut()  # clients with the wrong configuration must connect again
        self._fault.end()
        await self._listen()

    async def _listen_again(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._listen()

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cut(self) -> None:
        for link in tuple(self._links):
            link.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._connect(reader, writer)
        finally:
            self._serving.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._server)
        except OSError:  # pass the server's refusal on to the client
            writer.transport.abort()
            return
        link = _Link(writer, server_writer)
        self._links.add(link)
        pumps = (
            asyncio.create_task(self._pump_up(reader, server_writer)),
            asyncio.create_task(self._pump_down(server_reader, writer)),
        )
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._links.discard(link)
            link.close()

    async def _pump_up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward bytes from the client to the server."""
        while data := await reader.read(_CHUNK_BYTES):
            await self._fault.hold_back()
            writer.write(data)
            await writer.drain()

    async def _pump_down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward from the server to the client; after the handshake frame by frame."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            writer.write(await reader.readuntil(b"\r\n\r\n"))
            is_config = True
            while True:
                frame, payload = await _read_frame(reader)
                hang_up = False
                await self._fault.hold_back()
                await self._fault.delay()
                if frame[0] == _BINARY:
                    await self._fault.intrude(payload)
                    frame, hang_up = self._fault.corrupt(frame, payload, is_config=is_config)
                    is_config = False
                writer.write(frame)
                await writer.drain()
                if hang_up:
                    writer.close()
                    return


class _Link:
    """A client's connection to the proxy, and the proxy's connection to the server for it."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self._writers = writers

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


async def _read_frame(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return a whole frame of the server, which is not masked, and its payload."""
    head = await reader.readexactly(2)
    size = head[1] & 0x7F
    extended = {126: 2, 127: 8}.get(size, 0)
    if extended:
        more = await reader.readexactly(extended)
        head, size = head + more, int.from_bytes(more, "big")
    payload = await reader.readexactly(size)
    return head + payload, payload

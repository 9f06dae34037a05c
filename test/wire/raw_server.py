# SPDX-License-Identifier: Apache-2.0
"""A server that speaks TCP, HTTP and websocket byte by byte, so that it can speak them wrongly."""

import asyncio
import base64
import contextlib
import hashlib
import ssl
from collections.abc import Awaitable, Callable

from vera_ros.wire.connection.loop_thread import LoopThread

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = False,
    announced: int | None = None,
) -> bytes:
    """Return a websocket frame; `announced`: its length, if it is to say another one."""
    length = len(payload) if announced is None else announced
    head = bytes([fin << 7 | reserved << 4 | opcode])
    if length < 126:
        head += bytes([masked << 7 | length])
    elif length < 2**16:
        head += bytes([masked << 7 | 126]) + length.to_bytes(2, "big")
    else:
        head += bytes([masked << 7 | 127]) + length.to_bytes(8, "big")
    return head + bytes(4 * masked) + payload  # a mask of zeros


class Talk:
    """One client's connection, as the script of a server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Send bytes as they are."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def request(self) -> bytes:
        """Return the HTTP request; hang up on what begins a TLS handshake."""
        first = await self.reader.readexactly(1)
        if first == b"\x16":
            raise EOFError
        return first + await self.reader.readuntil(b"\r\n\r\n")

    async def shake_hands(self, extra: bytes = b"") -> None:
        """Accept the websocket. `extra`: more headers."""
        request = await self.request()
        key = next(
            line.split(b":", 1)[1].strip()
            for line in request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        )
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        await self.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n" + extra + b"\r\n"
        )

    async def question(self) -> None:
        """Read messages until the client's next question; answer its pings."""
        while True:
            opcode, payload = await self._frame()
            if opcode == PING:
                await self.send(frame(PONG, payload))
            elif opcode == CLOSE:
                raise EOFError
            elif opcode != PONG:
                return

    async def ended(self) -> None:
        """Wait until the client has gone."""
        while await self.reader.read(2**16):
            pass

    async def _frame(self) -> tuple[int, bytes]:
        first, second = await self.reader.readexactly(2)
        length = second & 127
        if length > 125:
            length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8), "big")
        mask = await self.reader.readexactly(4)
        payload = await self.reader.readexactly(length)
        if first & 15 != PING:
            return first & 15, payload
        return PING, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


Script = Callable[[Talk], Awaitable[None]]


class RawServers:
    """Servers with a script each, in a thread of their own."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._thread = LoopThread("raw_servers", farewell=self._close)

    def serve(self, script: Script, context: ssl.SSLContext | None = None) -> int:
        """Start a server that plays a script on each connection; return its port."""
        return self._thread.submit(lambda: self._serve(script, context)).result(10.0)

    def stop(self) -> None:
        """Stop them all."""
        assert self._thread.stop(10.0)

    async def _serve(self, script: Script, context: ssl.SSLContext | None) -> int:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError):
                await script(Talk(reader, writer))
            writer.transport.abort() if writer.is_closing() else writer.close()

        server = await asyncio.start_server(play, "127.0.0.1", 0, ssl=context)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _close(self) -> None:
        for server in self._servers:
            server.close()

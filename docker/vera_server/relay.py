# SPDX-License-Identifier: Apache-2.0
"""Passes connections on to the policy server, whose network has no way out.

`python relay.py HOST PORT...` listens on each port, and connects to the same port of HOST. Docker
publishes no port of a container that is in an internal network alone, so that a second container
of the same image stands at the border and runs this. Standard library only.
"""

import argparse
import asyncio
import contextlib
import socket
import sys

_MOST_CONNECTIONS = 64
_PIECE_BYTES = 1 << 18
_CONNECT_S = 5.0
_PARTING_S = 5.0


class Relay:
    """Connects each client of a port with the same port of another host, `host`."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._open = 0
        self._said = ""

    async def serve(self, address: str, port: int) -> None:
        """Accept clients at this address and port until cancelled."""

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._accept(port, reader, writer)

        server = await asyncio.start_server(accept, address, port, limit=_PIECE_BYTES)
        async with server:
            await server.serve_forever()

    async def _accept(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._open += 1
        try:
            if self._open <= _MOST_CONNECTIONS:
                await self._connect(port, reader, writer)
        except (OSError, asyncio.TimeoutError) as error:
            self._say(f"{self._host}:{port}: {error}")
        finally:
            self._open -= 1
            writer.close()

    async def _connect(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        opening = asyncio.open_connection(self._host, port, limit=_PIECE_BYTES)
        there, back = await asyncio.wait_for(opening, _CONNECT_S)
        self._said = ""
        for end in (writer, back):
            # A machine that has vanished does not keep its connection for ever.
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            ways = [
                asyncio.create_task(_pass_on(*way)) for way in ((reader, back), (there, writer))
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            # A side that stays after the other has hung up must not keep others out.
            _, staying = await asyncio.wait(ways, timeout=_PARTING_S)
            for way in staying:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            back.close()

    def _say(self, text: str) -> None:
        """Print what went wrong once: clients try again and again while the server loads."""
        if text != self._said:
            self._said = text
            print(text, file=sys.stderr, flush=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what arrives, up to and including its end."""
    while piece := await reader.read(_PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
    with contextlib.suppress(OSError):  # the other end is closed already
        writer.write_eof()


async def _relay(host: str, address: str, ports: list[int]) -> None:
    relay = Relay(host)
    await asyncio.gather(*(relay.serve(address, port) for port in ports))


def main() -> None:
    """Pass connections on until this process is ended."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("host", help="where the server is")
    parser.add_argument("ports", type=int, nargs="+", help="its ports")
    parser.add_argument("--address", default="0.0.0.0", help="where to listen")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_relay(options.host, options.address, options.ports))


if __name__ == "__main__":
    main()

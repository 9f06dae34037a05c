# SPDX-License-Identifier: Apache-2.0
"""No client can end, fill or lock our host, or learn from it where it runs."""

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from test.wire.raw_server import BINARY, CLOSE, CONTINUATION, PING, TEXT, frame
from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConnectionFailedError
from vera_ros.robots.mimicgen.arm import ARM
from vera_ros.robots.stacking.policy.stack_policy import StackPolicy
from vera_ros.server.host import PolicyHost
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.connection.failures import REQUEST_FAILED
from vera_ros.wire.connection.websocket import open_websocket
from vera_ros.wire.protocol.codec import pack, unpack

LONG_S = 20.0
MOST_BYTES = 300 * 2**20
HERE = str(Path(__file__).parents[2])
FORGED = "\x1b[2J\n[ERROR] [ik_node]: all clear"
PICTURES = np.zeros((1, 4, 8, 3), np.uint8)

Attack = Callable[[int], Awaitable[object]]


class Broken(StackPolicy):
    """Fails with a path in its words."""

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request.get("prompt") == "fail":
            raise FileNotFoundError(f"no weights at '{HERE}/weights.pt'")
        return super().infer(request)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    host = PolicyHost(Broken(ARM), "127.0.0.1", 0)
    yield host.start()
    assert host.stop(LONG_S)


async def check_alive(port: int) -> None:
    """Talk as a good client does, as soon as there is room for one."""
    async with PolicyClient() as client:
        while True:
            try:
                await client.connect(f"ws://127.0.0.1:{port}", LONG_S)
                break
            except ConnectionFailedError:  # what attacked it is still being cleared away
                await asyncio.sleep(0.05)
        assert client.config.embodiment == find_embodiment("mimicgen").name
        await client.reset("episode", "new_episode")
        assert await client.configure({"n_action_steps": 5}) == {"n_action_steps": 5}


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def raw(*pieces: bytes, shaken: bool = True, times: int = 1) -> Attack:
    """Send bytes, behind a websocket handshake if `shaken`; read until the host hangs up."""

    async def attack(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = b""
        with contextlib.suppress(OSError, EOFError):
            if shaken:
                writer.write(HANDSHAKE)
                await reader.readuntil(b"\r\n\r\n")
            for piece in pieces * times:
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
            while piece := await reader.read(2**16):
                answer += piece
        writer.transport.abort()
        return answer

    return attack


def requests(*messages: Any) -> Attack:
    """Send messages, and return the last answer."""

    async def attack(port: int) -> str | bytes:
        async with open_websocket(f"ws://127.0.0.1:{port}", max_size=None) as connection:
            answer = await connection.recv()
            for message in messages:
                packed = message if isinstance(message, bytes | str) else pack(message)
                await connection.send(packed)
                answer = await connection.recv()
            return answer

    return attack


async def many_connections(port: int) -> None:
    async def hold() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError):
            await asyncio.wait_for(reader.read(), 0.3)
        writer.transport.abort()

    await asyncio.gather(*(hold() for _ in range(200)), return_exceptions=True)


def masked(opcode: int, payload: bytes = b"", **more: Any) -> bytes:
    return frame(opcode, payload, masked=True, **more)


async def ask_and_leave(port: int) -> None:
    """Send whole requests, and be gone before they are answered."""
    asked = 0
    for _ in range(20):
        with contextlib.suppress(OSError, EOFError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.transport.set_write_buffer_limits(0)
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            await reader.read(2**16)  # the greeting: a reset would drop the request with it
            writer.write(LARGE_REQUEST)
            await writer.drain()
            asked += 1
            writer.transport.abort()
    assert asked > 0, "no request was sent whole"


INFER = {"session_id": "a", "context_rgb": PICTURES, "view_keys": ["x"], "view_widths": [8]}
LARGE_REQUEST = masked(
    BINARY, pack({**INFER, "context_rgb": np.zeros((1, 10**4, 500, 3), np.uint8)})
)
ATTACKS: dict[str, Attack] = {
    "tcp: nothing": raw(shaken=False),
    "tcp: garbage": raw(bytes(range(256)) * 4096, shaken=False),
    "tcp: 200 connections": many_connections,
    "http: a line of 1 MB": raw(b"GET /" + b"x" * 2**20, shaken=False),
    "http: 10,000 headers": raw(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000, shaken=False),
    "http: a post": raw(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n", shaken=False),
    "websocket: no mask": raw(frame(BINARY, pack(INFER))),
    "websocket: a reserved bit": raw(masked(BINARY, b"x", reserved=4)),
    "websocket: a reserved opcode": raw(masked(5, b"x")),
    "websocket: a message of 2^63 bytes": raw(masked(BINARY, announced=2**63 - 1)),
    "websocket: a message of 60 MB": raw(masked(BINARY, bytes(60 * 2**20))),
    "websocket: empty fragments": raw(
        masked(BINARY, fin=False), *[masked(CONTINUATION, fin=False) * 1000] * 100
    ),
    "websocket: pings, and no reading": raw(masked(PING, b"x" * 125) * 1000, times=20),
    "websocket: text that is not UTF-8": raw(masked(TEXT, b"\xff")),
    "websocket: a forged close": raw(masked(CLOSE, struct.pack(">H", 1000) + FORGED.encode())),
    "websocket: requests, and no reading": raw(masked(BINARY, pack(INFER)), times=200),
    "websocket: 15 MB requests, and gone": ask_and_leave,
    "msgpack: 30 MB of empty maps": requests(
        b"\xdd" + (30 * 2**20).to_bytes(4, "big") + b"\x80" * (30 * 2**20)
    ),
    "msgpack: maps of maps": requests(b"\x81\x01" * 10_000),
    "msgpack: an extension": requests(b"\xd4\x05\x00"),
    "msgpack: nothing": requests(b""),
    "request: a forged text": requests(FORGED),
    "request: a list": requests([1, 2]),
    "request: a forged endpoint": requests({"endpoint": FORGED}),
    "request: an endpoint of lists": requests({"endpoint": [[[]]]}),
    "request: no pictures": requests({"session_id": "a"}),
    "request: pictures of numbers": requests({**INFER, "context_rgb": np.zeros((1, 4, 8, 3))}),
    "request: pictures of no size": requests(
        {**INFER, "context_rgb": np.zeros((10**7, 0, 8, 3), np.uint8)}
    ),
    "request: a session of lists": requests({**INFER, "session_id": [[FORGED]]}),
    "request: steps beyond numbers": requests({**INFER, "execute_horizon": 2**63}),
    "request: a pose that is none": requests(
        {**INFER, "robot0_eef_pos": np.full(3, np.nan, np.float32)}
    ),
    "request: it fails in the policy": requests({**INFER, "prompt": "fail"}),
    "request: settings that are none": requests({"endpoint": "configure", FORGED: FORGED}),
    "request: another robot": requests({"endpoint": "reload", "embodiment": FORGED}),
    "request: reasons of maps": requests({"endpoint": "reset", "reason": {"a": FORGED}}),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_the_host_lives_on_and_shows_nothing_of_itself(port: int, attack: Attack) -> None:
    async def session() -> object:
        answer = await attack(port)
        await check_alive(port)
        return answer

    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = memory("VmRSS")
    answer = asyncio.run(asyncio.wait_for(session(), LONG_S))
    assert memory("VmHWM") - before < MOST_BYTES
    shown = answer.decode("latin-1") if isinstance(answer, bytes) else str(answer)
    assert "Traceback" not in shown
    assert HERE not in shown
    if isinstance(answer, str):  # as for bytes, a close's reason goes back to its sender
        assert "\x1b" not in answer


def memory(name: str) -> int:
    """Return this process's memory, [bytes], by its name in the kernel's status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def test_a_failure_is_named_without_its_path(port: int) -> None:
    answer = asyncio.run(_awaited(requests({**INFER, "prompt": "fail"})(port)))
    assert answer == f"{REQUEST_FAILED}FileNotFoundError: no weights at '…'"


@pytest.mark.parametrize("origin", ["http://localhost:8800", "https://example.invalid", "null"])
def test_a_browser_is_not_let_in(port: int, origin: str) -> None:
    async def session() -> None:
        url = f"ws://127.0.0.1:{port}"
        with pytest.raises(InvalidStatus) as error:
            await open_websocket(url, additional_headers={"Origin": origin})
        assert error.value.response.status_code == 403
        assert isinstance(unpack(bytes(await requests()(port))), dict)  # type: ignore[call-overload]

    asyncio.run(session())


def test_so_many_clients_and_no_more_until_one_leaves(port: int) -> None:
    async def session() -> None:
        clients = [PolicyClient() for _ in range(9)]
        url = f"ws://127.0.0.1:{port}"
        await check_alive(port)
        for client in clients[:8]:
            await client.connect(url, LONG_S)
        with pytest.raises(ConnectionFailedError):
            await clients[8].connect(url, LONG_S)
        await clients[0].close()
        await check_alive(port)
        for client in clients:
            await client.close()

    asyncio.run(asyncio.wait_for(session(), LONG_S))


async def _awaited(something: Awaitable[object]) -> object:
    return await something

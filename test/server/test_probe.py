# SPDX-License-Identifier: Apache-2.0
"""Only a completed handshake for the right robot counts; the rest is told apart."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from vera_ros.bringup.isolation import free_port
from vera_ros.embodiments import find_embodiment
from vera_ros.robots.mimicgen.arm import ARM
from vera_ros.robots.stacking.policy.stack_policy import StackPolicy
from vera_ros.server.host import PolicyHost
from vera_ros.server.probe import Answer, Probe, probe
from vera_ros.wire.client import PolicyClient

MIMICGEN, DROID = find_embodiment("mimicgen"), find_embodiment("droid")
LONG_S = 30.0

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def knock(port: int, kind: Any = MIMICGEN, timeout_s: float = LONG_S) -> Probe:
    async with PolicyClient() as client:
        found = await probe(client, f"ws://127.0.0.1:{port}", kind, timeout_s)
        assert client.connected is (found.answer is Answer.READY)
        return found


@contextlib.asynccontextmanager
async def listening(script: Script) -> AsyncIterator[int]:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await script(reader, writer)
        writer.close()

    async with await asyncio.start_server(converse, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a tunnel does whose other end is not there."""


async def hang_up_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def greet_as_mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n")
    await reader.read()


async def answer_as_web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        (hang_up, Answer.UNCLEAR),
        (hang_up_later, Answer.UNCLEAR),
        (greet_as_mail, Answer.STRANGER),
        (answer_as_web, Answer.STRANGER),
    ],
)
def test_what_is_no_policy_server(script: Script, answer: Answer) -> None:
    async def scenario() -> None:
        async with listening(script) as port:
            found = await knock(port)
            assert found.answer is answer
            assert f"127.0.0.1:{port}" in found.detail

    asyncio.run(scenario())


def test_who_says_nothing_may_be_busy() -> None:
    async def scenario() -> None:
        async with listening(say_nothing) as port:
            assert (await knock(port, timeout_s=0.1)).answer is Answer.UNCLEAR

    asyncio.run(scenario())


def test_nobody() -> None:
    assert asyncio.run(knock(free_port())).answer is Answer.NOTHING


def test_a_policy_server_for_this_robot_and_for_another() -> None:
    host = PolicyHost(StackPolicy(ARM), "127.0.0.1", 0)
    port = host.start()
    assert asyncio.run(knock(port)).answer is Answer.READY
    other = asyncio.run(knock(port, DROID))
    assert other.answer is Answer.STRANGER
    assert "'mimicgen', but 'droid' is configured" in other.detail
    host.stop()


def test_a_server_that_describes_itself_wrongly() -> None:
    class Vague(StackPolicy):
        def server_config(self) -> dict[str, Any]:
            return {"embodiment": "mimicgen"}

    host = PolicyHost(Vague(ARM), "127.0.0.1", 0)
    found = asyncio.run(knock(host.start()))
    host.stop()
    assert found.answer is Answer.STRANGER
    assert "has no 'view_keys'" in found.detail

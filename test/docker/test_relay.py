# SPDX-License-Identifier: Apache-2.0
"""What client and server say to each other passes the door of the server's network unchanged."""

import contextlib
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from vera_ros.bringup.isolation import free_port

RELAY = Path(__file__).resolve().parents[2] / "docker" / "vera_server" / "relay.py"
HERE, THERE = "127.0.0.1", "127.0.0.2"
PATIENCE_S = 30.0


class Echo(socketserver.BaseRequestHandler):
    """Says what it has heard, when it has heard all."""

    def handle(self) -> None:
        heard = bytearray()
        while piece := self.request.recv(1 << 16):
            heard += piece
        self.request.sendall(heard[::-1])


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def serving(port: int) -> Iterator[None]:
    with Server((THERE, port), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


def connect(port: int) -> socket.socket:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return socket.create_connection((HERE, port), PATIENCE_S)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline_s, "nothing listens"
            time.sleep(0.01)


@pytest.fixture
def ports() -> Iterator[list[int]]:
    """Two ports that a relay listens on."""
    ports = [free_port(), free_port()]
    command: list[str] = [sys.executable, str(RELAY), "--address", HERE, THERE, *map(str, ports)]
    with subprocess.Popen(command) as relay:
        for port in ports:
            connect(port).close()
        yield ports
        relay.terminate()


def hear_all(client: socket.socket) -> bytes:
    heard = bytearray()
    while piece := client.recv(1 << 16):
        heard += piece
    return bytes(heard)


def test_what_is_said_on_either_port_passes_whole(ports: list[int]) -> None:
    said = os.urandom(5_000_000)
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(serving(port))
        for port in ports:
            with connect(port) as client:
                client.sendall(said)
                client.shutdown(socket.SHUT_WR)
                assert hear_all(client) == said[::-1]


def test_a_server_that_is_not_there_yet_is_tried_with_each_connection(ports: list[int]) -> None:
    for _ in range(3):
        with connect(ports[0]) as client:
            assert hear_all(client) == b""
    with serving(ports[0]), connect(ports[0]) as client:
        client.sendall(b"abc")
        client.shutdown(socket.SHUT_WR)
        assert hear_all(client) == b"cba"


def test_too_many_clients_are_turned_away_and_the_others_served(ports: list[int]) -> None:
    with serving(ports[0]), ExitStack() as stack:
        clients = [stack.enter_context(connect(ports[0])) for _ in range(80)]
        answers = [answer(client) for client in clients]
        assert set(answers) == {b"", b"ba"}
        assert answers.count(b"ba") <= 64
        assert answer(stack.enter_context(connect(ports[0]))) == b"ba"  # there is room again


def answer(client: socket.socket) -> bytes:
    """Return what the server says to `ab`; empty: the connection was closed."""
    with contextlib.suppress(OSError):
        client.sendall(b"ab")
        client.shutdown(socket.SHUT_WR)
        return hear_all(client)
    return b""

# SPDX-License-Identifier: Apache-2.0
"""Calls from another thread: never waiting, always answered exactly once."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection

from vera_ros.errors import ConnectionFailedError
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.connection.loop_thread import LoopThread
from vera_ros.wire.protocol.codec import pack
from vera_ros.wire.protocol.messages import InferReply, InferRequest

LONG_S = 30.0
REPLY = pack({"action": np.ones((2, 7), np.float32), "info": {}})
REQUEST = InferRequest(np.zeros((1, 4, 8, 3), np.uint8), ("a", "b"), (4, 4), "episode")

Done = SimpleQueue[Future[Any]]


class ClientThread:
    """A client whose calls run in a thread of their own, as policy_node's do."""

    def __init__(self, client: PolicyClient) -> None:
        self._client = client
        self._thread = LoopThread("policy_client", farewell=client.close)

    def submit(
        self, call: Callable[[PolicyClient], Any], on_done: Callable[[Future[Any]], None]
    ) -> Future[Any]:
        future = self._thread.submit(lambda: call(self._client))
        future.add_done_callback(on_done)
        return future

    def stop(self, timeout_s: float = 5.0) -> bool:
        return self._thread.stop(timeout_s)


@pytest.fixture
def thread() -> Iterator[ClientThread]:
    thread = ClientThread(PolicyClient())
    yield thread
    assert thread.stop(LONG_S)


def infer(client: PolicyClient) -> Any:
    return client.infer(REQUEST)


def stubborn(peers: Any, asked: threading.Event) -> str:
    """A server that never answers a first connection, and always the later ones."""
    connections: list[ServerConnection] = []

    async def script(connection: ServerConnection) -> None:
        connections.append(connection)
        first = len(connections) == 1
        async for _ in connection:
            asked.set()
            if not first:
                await connection.send(REPLY)

    url: str = peers.polite(script)
    return url


def test_results_come_in_order_through_the_callback(thread: ClientThread, peers: Any) -> None:
    done: Done = SimpleQueue()
    url = peers.answering(REPLY)
    thread.submit(lambda client: client.connect(url, LONG_S), done.put)
    thread.submit(infer, done.put)
    assert done.get(timeout=LONG_S).result().embodiment == "mimicgen"
    assert isinstance(done.get(timeout=LONG_S).result(), InferReply)


def test_exceptions_come_through_the_callback(thread: ClientThread) -> None:
    done: Done = SimpleQueue()
    thread.submit(infer, done.put)
    assert isinstance(done.get(timeout=LONG_S).exception(), ConnectionFailedError)


def test_a_cancelled_inference_is_over_at_once_and_the_next_connect_works(
    thread: ClientThread, peers: Any
) -> None:
    asked = threading.Event()
    url = stubborn(peers, asked)
    done: Done = SimpleQueue()
    thread.submit(lambda client: client.connect(url, LONG_S), done.put)
    inference = thread.submit(infer, done.put)
    assert done.get(timeout=LONG_S).result()
    assert asked.wait(LONG_S)
    assert inference.cancel()
    assert done.get_nowait() is inference
    assert inference.cancelled()
    thread.submit(lambda client: client.connect(url, LONG_S), done.put)
    thread.submit(infer, done.put)
    assert done.get(timeout=LONG_S).result().embodiment == "mimicgen"
    assert len(done.get(timeout=LONG_S).result().actions) == 2
    assert done.empty()


def test_submitting_does_not_wait_for_a_busy_thread(thread: ClientThread) -> None:
    release = threading.Event()
    done: Done = SimpleQueue()

    async def block(_: PolicyClient) -> bool:
        return release.wait(LONG_S)  # the loop itself hangs

    thread.submit(block, done.put)
    future = thread.submit(infer, done.put)
    assert not future.done()
    release.set()
    assert done.get(timeout=LONG_S).result() is True


def test_stopping_cancels_what_is_in_flight(peers: Any) -> None:
    thread = ClientThread(PolicyClient())
    asked = threading.Event()
    url = stubborn(peers, asked)
    done: Done = SimpleQueue()
    thread.submit(lambda client: client.connect(url, LONG_S), done.put)
    thread.submit(infer, done.put)
    assert asked.wait(LONG_S)
    assert thread.stop(LONG_S)
    assert done.get_nowait().result()
    assert done.get_nowait().cancelled()


def test_stopping_is_bounded_and_refuses_more() -> None:
    thread = ClientThread(PolicyClient())
    release = threading.Event()
    done: Done = SimpleQueue()

    async def block(_: PolicyClient) -> bool:
        return release.wait(LONG_S)

    thread.submit(block, done.put)
    assert not thread.stop(0.01)
    with pytest.raises(ConnectionFailedError, match="stopped"):
        thread.submit(infer, done.put)
    release.set()
    assert thread.stop(LONG_S)


def test_stopping_says_goodbye_to_the_server(peers: Any) -> None:
    goodbye: SimpleQueue[int | None] = SimpleQueue()

    async def script(connection: ServerConnection) -> None:
        await connection.wait_closed()
        goodbye.put(connection.close_code)

    thread = ClientThread(PolicyClient())
    done: Done = SimpleQueue()
    url = peers.polite(script)
    thread.submit(lambda client: client.connect(url, LONG_S), done.put)
    assert done.get(timeout=LONG_S).result()
    assert thread.stop(LONG_S)
    assert goodbye.get(timeout=LONG_S) == 1000


def test_every_future_is_answered_once_while_others_stop() -> None:
    # A call that is submitted while the thread stops is refused or cancelled, never forgotten.
    thread = ClientThread(PolicyClient())
    done: Done = SimpleQueue()
    stopper = threading.Thread(target=thread.stop, args=(LONG_S,))
    stopper.start()
    submitted = 0
    with contextlib.suppress(ConnectionFailedError):
        while True:
            thread.submit(lambda _: asyncio.sleep(LONG_S), done.put)
            submitted += 1
    stopper.join(LONG_S)
    assert done.qsize() == submitted

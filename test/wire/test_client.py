# SPDX-License-Identifier: Apache-2.0
"""The client against servers that behave, misbehave, hang and vanish, over real sockets."""

import asyncio
import contextlib
import re
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve

from vera_ros.errors import (
    ConfigurationError,
    ConnectionFailedError,
    PolicyServerError,
    ProtocolError,
    ServerTimeoutError,
    WireError,
)
from vera_ros.wire.client import ClientTimeouts, PolicyClient
from vera_ros.wire.protocol.codec import MAX_ANSWER_BYTES, pack, unpack
from vera_ros.wire.protocol.messages import InferRequest, ObserveRequest

LONG_S = 30.0
SHORT_S = 0.05
TRACEBACK = 'Traceback (most recent call last):\n  File "policy.py"\nValueError: no dream today\n'
ACTIONS = np.arange(14, dtype=np.float32).reshape(2, 7)
REPLY = pack({"action": ACTIONS, "info": {"cold_start": True}})
PICTURES = np.zeros((1, 4, 8, 3), np.uint8)
REQUEST = InferRequest(PICTURES, ("a", "b"), (4, 4), "episode")
PLAYED = ObserveRequest(PICTURES, ("a", "b"), (4, 4), "episode")

Call = Callable[[PolicyClient], Awaitable[Any]]
CALLS: dict[str, Call] = {
    "infer": lambda client: client.infer(REQUEST),
    "reset": lambda client: client.reset("episode", "new_episode"),
    "configure": lambda client: client.configure({"sample_steps": 4}),
    "observe": lambda client: client.observe(PLAYED),
    "reload": lambda client: client.reload({"embodiment": "mimicgen"}),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


def run(url: str, *calls: Call, timeouts: ClientTimeouts | None = None) -> PolicyClient:
    """Connect, make the calls, close; return the client."""

    async def session() -> PolicyClient:
        async with PolicyClient(timeouts) as client:
            await client.connect(url, LONG_S)
            for call in calls:
                await call(client)
            return client

    return asyncio.run(session())


def failing(
    url: str, call: Call, error: type[WireError], *, timeouts: ClientTimeouts | None = None
) -> tuple[WireError, bool]:
    """Return the error of a call, and whether the client is connected after it."""

    async def session() -> tuple[WireError, bool]:
        async with PolicyClient(timeouts) as client:
            await client.connect(url, LONG_S)
            with pytest.raises(error) as caught:
                await call(client)
            return caught.value, client.connected

    return asyncio.run(session())


@contextlib.contextmanager
def mute_port() -> Iterator[str]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}"


def test_every_endpoint_asks_and_is_answered(peers: Any, wire_config: dict[str, Any]) -> None:
    asked: list[dict[str, Any]] = []
    answers: dict[str, str | bytes] = {
        "infer": REPLY,
        "reset": "reset successful",
        "configure": pack({"applied": {"sample_steps": 4}}),
        "observe": pack({"ok": True, "retro_rendered": False}),
        "reload": pack({**wire_config, "action_dim": 9}),
    }

    async def script(connection: ServerConnection) -> None:
        async for frame in connection:
            assert isinstance(frame, bytes)
            asked.append(unpack(frame))
            await connection.send(answers[asked[-1]["endpoint"]])

    async def session() -> None:
        async with PolicyClient() as client:
            config = await client.connect(peers.polite(script), LONG_S)
            assert config.embodiment == "mimicgen"
            assert client.connected
            reply = await client.infer(REQUEST)
            np.testing.assert_array_equal(reply.actions, ACTIONS)
            assert reply.info["cold_start"] is True
            await client.reset("next", "new_episode")
            assert await client.configure({"sample_steps": 4}) == {"sample_steps": 4}
            assert (await client.observe(PLAYED)).ok
            assert (await client.reload({"embodiment": "x"})).action_dim == 9
            assert client.config.action_dim == 9
            await client.close()
            assert not client.connected

    asyncio.run(session())
    assert [message["endpoint"] for message in asked] == list(answers)
    assert asked[1] == {"endpoint": "reset", "session_id": "next", "reason": "new_episode"}


def test_the_horizon_follows_the_steps_that_were_asked_for(peers: Any) -> None:
    applied = pack({"applied": {"n_action_steps": 4}})
    url = peers.answering(applied, applied)
    assert run(url, CALLS["configure"]).config.action_horizon == 10
    steps = run(url, lambda client: client.configure({"n_action_steps": 4}))
    assert steps.config.action_horizon == 4


def test_concurrent_calls_take_turns(peers: Any) -> None:
    url = peers.answering(REPLY, "reset successful", REPLY)

    async def session() -> None:
        async with PolicyClient() as client:
            await client.connect(url, LONG_S)
            await asyncio.gather(
                client.infer(REQUEST), CALLS["reset"](client), client.infer(REQUEST)
            )

    asyncio.run(session())


@every_call
def test_a_traceback_is_raised_with_its_last_line(peers: Any, call: Call) -> None:
    error, connected = failing(peers.answering(TRACEBACK), call, PolicyServerError)
    assert "ValueError: no dream today" in str(error)
    assert isinstance(error, PolicyServerError)
    assert error.text == TRACEBACK.rstrip()
    assert not connected


@pytest.mark.parametrize(
    ("name", "stays"),
    [("infer", False), ("reset", False), ("configure", True), ("observe", True), ("reload", True)],
)
def test_a_polite_refusal(peers: Any, name: str, stays: bool) -> None:
    error, connected = failing(peers.answering("no, thanks"), CALLS[name], PolicyServerError)
    assert "no, thanks" in str(error)
    assert connected is stays


@every_call
@pytest.mark.parametrize("answer", [b"", b"\xc1", b"garbage", pack([]), pack({}), REPLY[:-9]])
def test_garbage_is_refused_and_disconnects(peers: Any, call: Call, answer: bytes) -> None:
    _, connected = failing(peers.answering(answer), call, ProtocolError)
    assert not connected


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        (
            "infer",
            {},
            "the answer has no 'action', which must be an array of float32; it has nothing",
        ),
        ("infer", {"actions": 1, "info": {}}, "no 'action', which .*; it has 'actions', 'info'"),
        ("infer", {"action": None}, "the answer has no 'action'"),
        ("infer", {"action": [[0.0]]}, "'action' is the list .*, but must be an array of float32"),
        ("infer", {"action": np.zeros((2, 7), int)}, "'action' is an array of int64 and shape"),
        ("infer", {"action": ACTIONS, "info": "ok"}, "'info' is the text 'ok', but must be a map"),
        ("infer", [ACTIONS], "the answer to infer is the list"),
        ("infer", None, "the answer to infer is missing, but must be a map"),
        ("observe", {}, "the answer has no 'ok', which must be true or false"),
        ("observe", {"ok": 1}, "'ok' is the number 1, but must be true or false"),
        ("configure", {}, "'applied' is missing, but must be a map"),
        ("configure", {"applied": True}, "'applied' is the truth value True, but must be a map"),
        ("reload", 3, "the answer to reload is the number 3"),
        ("infer", {b"__ndarray__": True, b"dtype": "<f4", b"shape": [0]}, "data is missing"),
        ("infer", {b"__ndarray__": True, b"shape": [0]}, "a dtype that is missing"),
        ("infer", {b"__ndarray__": True, b"dtype": "<f4"}, "shape cannot be missing"),
    ],
)
def test_an_answer_of_another_layout_is_named_in_words(
    peers: Any, name: str, answer: Any, words: str
) -> None:
    error, _ = failing(peers.answering(pack(answer)), CALLS[name], ProtocolError)
    assert re.search(words, str(error))
    assert "None" not in str(error)


def test_actions_of_another_width_are_refused(peers: Any) -> None:
    url = peers.answering(pack({"action": ACTIONS[:, :6], "info": {}}))
    error, connected = failing(url, CALLS["infer"], ProtocolError)
    assert "(2, 6)" in str(error)
    assert not connected


def test_a_message_that_is_too_large_is_refused(peers: Any) -> None:
    url = peers.answering(bytes(MAX_ANSWER_BYTES + 1))
    error, connected = failing(url, CALLS["infer"], ProtocolError)
    assert str(MAX_ANSWER_BYTES) in str(error)
    assert f"{url} sent a message" in str(error)
    assert not connected


@pytest.mark.parametrize("call", [CALLS["infer"], CALLS["observe"]])
@pytest.mark.parametrize("reason", ["", "over size limit"])
def test_a_server_that_refuses_our_message_is_not_said_to_have_sent_it(
    peers: Any, call: Call, reason: str
) -> None:
    """Both close frames have the code 1009; who sent the first one got the message."""

    async def refuse(connection: ServerConnection) -> None:
        sizes.append(len(await connection.recv()))
        await connection.close(1009, reason)

    sizes: list[int] = []
    url = peers.polite(refuse)
    error, connected = failing(url, call, ProtocolError)
    assert f"{url} refuses our message of {sizes[0]} bytes" in str(error)
    assert reason in str(error)
    assert "smaller pictures" in str(error)
    assert not connected


def test_a_server_with_a_low_limit_refuses_our_message(wire_config: dict[str, Any]) -> None:
    async def greet(connection: ServerConnection) -> None:
        await connection.send(pack(wire_config))
        async for _ in connection:
            pass

    async def session() -> None:
        async with serve(greet, "127.0.0.1", 0, max_size=100) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with PolicyClient() as client:
                await client.connect(f"ws://127.0.0.1:{port}", LONG_S)
                with pytest.raises(ProtocolError, match="refuses our message"):
                    await client.infer(REQUEST)

    asyncio.run(session())


@every_call
def test_silence_times_out_and_disconnects(peers: Any, call: Call) -> None:
    timeouts = ClientTimeouts(SHORT_S, SHORT_S, SHORT_S, SHORT_S, SHORT_S)

    async def silent(connection: ServerConnection) -> None:
        await connection.wait_closed()

    url = peers.polite(silent)
    error, connected = failing(url, call, ServerTimeoutError, timeouts=timeouts)
    assert f"{SHORT_S:g} s" in str(error)
    assert url in str(error)
    assert not connected


@every_call
def test_a_server_that_hangs_up_in_the_middle(peers: Any, call: Call) -> None:
    async def hang_up(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(1011, "out of dreams")

    error, connected = failing(peers.polite(hang_up), call, ConnectionFailedError)
    assert "out of dreams" in str(error)
    assert not connected


def test_a_server_that_vanishes_in_the_middle(peers: Any) -> None:
    async def vanish(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.abort()

    _, connected = failing(peers.polite(vanish), CALLS["infer"], ConnectionFailedError)
    assert not connected


def test_a_request_that_cannot_travel_leaves_the_connection(peers: Any) -> None:
    url = peers.answering()
    _, connected = failing(url, lambda client: client.configure({"x": object()}), ProtocolError)
    assert connected


def test_reconnecting_after_a_failure(peers: Any) -> None:
    answers: Iterator[str | bytes] = iter([TRACEBACK, REPLY])

    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(next(answers))
        await connection.wait_closed()

    url = peers.polite(script)

    async def session() -> None:
        async with PolicyClient() as client:
            await client.connect(url, LONG_S)
            with pytest.raises(PolicyServerError):
                await client.infer(REQUEST)
            with pytest.raises(ConnectionFailedError, match="connect first"):
                await client.infer(REQUEST)
            await client.connect(url, LONG_S)
            assert len((await client.infer(REQUEST)).actions) == 2

    asyncio.run(session())


def test_cancelling_an_inference_disconnects_and_the_next_connect_works(peers: Any) -> None:
    async def script(connection: ServerConnection) -> None:
        if "first" not in seen:
            seen.append("first")
            await connection.recv()
            asked.set()
            await connection.wait_closed()
        else:
            await connection.recv()
            await connection.send(REPLY)

    seen: list[str] = []
    asked = asyncio.Event()
    url = peers.polite(script)

    async def session() -> None:
        async with PolicyClient() as client:
            await client.connect(url, LONG_S)
            inference = asyncio.create_task(client.infer(REQUEST))
            queued = asyncio.create_task(client.reset("episode", "episode_end"))
            while not asked.is_set():
                await asyncio.sleep(0.001)
            inference.cancel()
            with pytest.raises(asyncio.CancelledError):
                await inference
            assert not client.connected
            with pytest.raises(ConnectionFailedError):
                await queued
            await client.connect(url, LONG_S)
            await client.infer(REQUEST)

    asyncio.run(asyncio.wait_for(session(), LONG_S))


def test_cancelling_a_call_that_waits_for_its_turn_leaves_the_connection(peers: Any) -> None:
    async def session() -> None:
        async with PolicyClient() as client:
            await client.connect(peers.answering(REPLY), LONG_S)
            inference = asyncio.create_task(client.infer(REQUEST))
            queued = asyncio.create_task(client.reset("episode", "episode_end"))
            await asyncio.sleep(0)
            queued.cancel()
            assert len((await inference).actions) == 2
            assert client.connected

    asyncio.run(session())


def test_closing_does_not_wait_for_a_busy_server(peers: Any) -> None:
    async def busy(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await connection.wait_closed()

    async def session() -> None:
        async with PolicyClient(ClientTimeouts(close_s=SHORT_S)) as client:
            await client.connect(peers.polite(busy), LONG_S)
            await asyncio.wait_for(client.close(), LONG_S)
            assert not client.connected

    asyncio.run(session())


def test_a_server_that_closes_an_idle_connection_is_noticed(peers: Any) -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.close()

    _, connected = failing(peers.polite(leave), CALLS["infer"], ConnectionFailedError)
    assert not connected


@pytest.mark.parametrize(
    ("first", "error"),
    [
        (TRACEBACK, PolicyServerError),
        (b"garbage", ProtocolError),
        (pack({"view_keys": ["a"]}), ProtocolError),
        (bytes(MAX_ANSWER_BYTES + 1), ProtocolError),
    ],
    ids=["error", "garbage", "incomplete", "too large"],
)
def test_a_server_that_starts_badly(peers: Any, first: str | bytes, error: type[Exception]) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(first)
        await connection.wait_closed()

    with pytest.raises(error):
        run(peers.raw(script))


def test_a_server_that_never_sends_its_config_times_out(peers: Any) -> None:
    async def silent(connection: ServerConnection) -> None:
        await connection.wait_closed()

    with pytest.raises(ServerTimeoutError, match="connect"):
        asyncio.run(PolicyClient().connect(peers.raw(silent), SHORT_S))


def test_a_port_that_never_shakes_hands_times_out() -> None:
    with mute_port() as url, pytest.raises(ServerTimeoutError, match=url):
        asyncio.run(PolicyClient().connect(url, SHORT_S))


def test_nobody_listens() -> None:
    with mute_port() as url:
        pass
    with pytest.raises(ConnectionFailedError, match=f"{url}.*is it running"):
        run(url)


@pytest.mark.parametrize(
    ("answer", "error", "word"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ProtocolError, "404"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ProtocolError, "200"),
        (b"SSH-2.0-OpenSSH\r\n", ProtocolError, "not a policy server"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", ConnectionFailedError, "503"),
        (b"", ConnectionFailedError, "running"),
    ],
    ids=["not found", "a web page", "another service", "not now", "hangs up"],
)
def test_a_peer_that_is_no_websocket(answer: bytes, error: type[WireError], word: str) -> None:
    """What waiting may mend is told from what it cannot."""

    async def session() -> None:
        async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(web, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(error, match=word):
            await PolicyClient().connect(f"ws://127.0.0.1:{port}", LONG_S)
        server.close()

    asyncio.run(session())


@pytest.mark.parametrize("url", ["", "localhost:8800", "http://localhost:8800"])
def test_an_address_that_is_no_websocket(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ws://host:port"):
        run(url)


def test_the_proxies_of_the_environment_are_not_used(
    peers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mute_port() as url:
        for name in ("http_proxy", "https_proxy", "ws_proxy", "socks_proxy", "all_proxy"):
            monkeypatch.setenv(name, url.replace("ws:", "http:"))
        monkeypatch.delenv("no_proxy", raising=False)
        assert run(peers.answering()).config.embodiment == "mimicgen"


@every_call
def test_a_call_before_connect_says_so(call: Call) -> None:
    async def session() -> None:
        with pytest.raises(ConnectionFailedError, match="connect first"):
            await call(PolicyClient())

    asyncio.run(session())


def test_the_config_before_connect_says_so() -> None:
    with pytest.raises(ConnectionFailedError, match="connect first"):
        _ = PolicyClient().config

# SPDX-License-Identifier: Apache-2.0
"""Sessions with servers that are late, mute, lost or odd, over real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import (
    ConfigurationError,
    ConnectionFailedError,
    PolicyServerError,
    ProtocolError,
    ServerTimeoutError,
    WireError,
)
from vera_ros.wire import session as session_module
from vera_ros.wire.client import ClientTimeouts, PolicyClient
from vera_ros.wire.connection.patience import FailedAttempt
from vera_ros.wire.protocol.codec import pack, unpack
from vera_ros.wire.protocol.messages import InferRequest, ObserveRequest
from vera_ros.wire.session import PolicySession, SessionOptions
from vera_ros.wire.tuning import Tuned

LONG_S = 30.0
MIMICGEN = find_embodiment("mimicgen")
TRACEBACK = "Traceback (most recent call last):\nValueError: no dream today\n"
PICTURES = np.zeros((1, 4, 8, 3), np.uint8)
REQUEST = InferRequest(PICTURES, ("a", "b"), (4, 4), "episode")
PLAYED = ObserveRequest(PICTURES, ("a", "b"), (4, 4), "episode")

PendingResponses = dict[str, str | bytes]


class News:
    """What happened on the way."""

    def __init__(self) -> None:
        self.attempts: list[FailedAttempt] = []
        self.tuned: list[Tuned] = []
        self.unseen: list[WireError] = []

    def on_attempt_failed(self, attempt: FailedAttempt) -> None:
        self.attempts.append(attempt)

    def on_tuned(self, tuned: Tuned) -> None:
        self.tuned.append(tuned)

    def on_observe_failed(self, error: WireError) -> None:
        self.unseen.append(error)


class Server:
    """Answers each endpoint with what it is given; a callable does something else instead."""

    def __init__(self, peers: Any, config: dict[str, Any], **answers: Any) -> None:
        self.configs = [config]  # one per connection; the last one for all later ones
        self.asked: list[str] = []
        self.requests: list[Any] = []
        self.connections = 0
        self._answers: dict[str, Any] = {
            "infer": pack({"action": np.ones((2, 7), np.float32), "info": {}}),
            "reset": "reset successful",
            "configure": pack({"applied": {}}),
            "observe": pack({"ok": True, "retro_rendered": True}),
            "reload": pack(config),
            **answers,
        }
        self.url: str = peers.raw(self._script)

    async def _script(self, connection: ServerConnection) -> None:
        await connection.send(pack(self.configs[min(self.connections, len(self.configs) - 1)]))
        self.connections += 1
        async for frame in connection:
            assert isinstance(frame, bytes)
            self.requests.append(unpack(frame))
            self.asked.append(self.requests[-1]["endpoint"])
            answer = self._answers[self.asked[-1]]
            if callable(answer):
                await answer(connection)
                continue
            await connection.send(answer)
            if answer == TRACEBACK:  # as VERA does
                await connection.close(1011, "server error")


@pytest.fixture
def serve(peers: Any, wire_config: dict[str, Any]) -> Callable[..., Server]:
    return lambda **answers: Server(peers, wire_config, **answers)


@pytest.fixture
def news() -> News:
    return News()


@asynccontextmanager
async def a_session(url: str, news: News, **options: Any) -> AsyncIterator[PolicySession]:
    values: dict[str, Any] = {"connect_s": LONG_S, "handshake_s": LONG_S, **options}
    made = SessionOptions(url, MIMICGEN, **values)
    async with PolicyClient(made.timeouts) as client:
        yield PolicySession(made, client, news)


def run(
    url: str, news: News, talk: Callable[[PolicySession], Awaitable[Any]], **options: Any
) -> Any:
    """Talk with a server in an event loop of its own; return what `talk` returns."""

    async def session() -> Any:
        async with a_session(url, news, **options) as made:
            return await talk(made)

    return asyncio.run(asyncio.wait_for(session(), LONG_S))


async def ask_twice(session: PolicySession) -> None:
    """An episode of two questions, both after something was played."""
    await session.open("episode")
    for _ in range(2):
        reply, latency_s = await session.infer(REQUEST, PLAYED)
        assert len(reply.actions) == 2
        assert latency_s > 0


# Connecting.


@pytest.fixture
def mute_url() -> Iterator[tuple[str, socket.socket]]:
    """The address of somebody who accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}", listener


def test_a_mute_server_is_given_up_and_tried_again_within_the_bound(
    mute_url: tuple[str, socket.socket], news: News
) -> None:
    url, listener = mute_url
    with pytest.raises(ServerTimeoutError) as error:
        run(url, news, lambda session: session.open("a"), connect_s=2.0, handshake_s=0.05)
    assert "gave up after 2 s" in str(error.value)
    assert len(news.attempts) >= 2
    assert all(isinstance(attempt.error, ServerTimeoutError) for attempt in news.attempts)
    for _ in news.attempts:  # every attempt was a connection of its own
        listener.accept()[0].close()


def test_a_server_of_another_embodiment_is_not_tried_again(
    serve: Callable[..., Server], news: News
) -> None:
    server = serve()
    server.configs = [{**server.configs[0], "embodiment": "droid"}, server.configs[0]]

    async def talk(session: PolicySession) -> None:
        with pytest.raises(ConfigurationError, match="droid"):
            await session.open("a")
        assert (await session.open("b")).embodiment == "mimicgen"  # it hears anew what it is

    run(server.url, news, talk)
    assert news.attempts == []
    assert server.asked == ["reset"]


def test_a_server_that_hangs_up_at_first_is_tried_again(peers: Any, news: News) -> None:
    greeting = pack({})
    count = 0

    async def script(connection: ServerConnection) -> None:
        nonlocal count
        count += 1
        if count < 3:
            connection.transport.abort()
            return
        await connection.send(greeting)
        await connection.wait_closed()

    with pytest.raises(ProtocolError, match="embodiment"):  # and this is not mended by waiting
        run(peers.raw(script), news, lambda session: session.open("a"))
    assert [type(attempt.error) for attempt in news.attempts] == [ConnectionFailedError] * 2


# A connection that was kept.


@pytest.fixture
def deaf_server(serve: Callable[..., Server]) -> Server:
    """A server that answers one reset, then reads nothing more and does not hang up.

    Over later connections it is as any other.
    """

    async def reset(connection: ServerConnection) -> None:
        await connection.send("reset successful")
        if server.connections == 1:
            connection.transport.pause_reading()

    server = serve(reset=reset)
    return server


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "_KEPT_S", 0.1)


@pytest.mark.usefixtures("short_patience")
def test_a_kept_connection_that_went_deaf_is_replaced(deaf_server: Server, news: News) -> None:
    async def talk(session: PolicySession) -> None:
        await session.open("a")
        assert (await session.open("b")).embodiment == "mimicgen"
        await session.infer(REQUEST)

    run(deaf_server.url, news, talk)
    assert deaf_server.connections == 2
    assert deaf_server.asked == ["reset", "reset", "infer"]
    assert [type(attempt.error) for attempt in news.attempts] == [ServerTimeoutError]
    assert "reset: the policy server" in str(news.attempts[0].error)


def test_an_answer_that_comes_twice_costs_the_connection_and_not_the_next_episode(
    serve: Callable[..., Server], news: News
) -> None:
    async def twice(connection: ServerConnection) -> None:
        for _ in range(2):
            await connection.send(pack({"action": np.ones((2, 7), np.float32), "info": {}}))

    server = serve(infer=twice)

    async def talk(session: PolicySession) -> None:
        for number in range(3):
            await session.open(f"episode {number}")
            await session.infer(REQUEST)

    run(server.url, news, talk)
    assert server.connections == 3
    assert not news.attempts


def test_there_is_time_for_another_connection_however_little_there_is(
    deaf_server: Server, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_KEPT_S", 10 * LONG_S)

    async def talk(session: PolicySession) -> None:
        await session.open("a")
        await session.open("b")

    run(deaf_server.url, news, talk, connect_s=4.0)
    assert deaf_server.connections == 2


@pytest.mark.usefixtures("short_patience")
def test_the_end_of_an_episode_waits_for_nobody(deaf_server: Server, news: News) -> None:
    async def talk(session: PolicySession) -> None:
        await session.open("a")
        await session.end("a")
        await session.open("b")

    run(deaf_server.url, news, talk)
    assert deaf_server.connections == 2
    assert deaf_server.asked == ["reset", "reset"]
    assert news.attempts == []


@pytest.mark.usefixtures("short_patience")
def test_an_episode_does_not_wait_for_the_end_of_the_one_before(
    deaf_server: Server, news: News
) -> None:
    async def talk(session: PolicySession) -> None:
        await session.open("a")
        ending = asyncio.create_task(session.end("a", PLAYED))
        await session.open("b")
        await ending
        reply, _ = await session.infer(REQUEST, PLAYED)  # shown over the new connection
        assert len(reply.actions) == 2

    run(deaf_server.url, news, talk)
    assert deaf_server.connections == 2
    assert deaf_server.asked == ["reset", "reset", "observe", "infer"]
    assert [type(error) for error in news.unseen] == [ConnectionFailedError]


# What was played.


def test_a_server_that_refuses_to_observe_is_not_asked_again_on_that_connection(
    serve: Callable[..., Server], news: News
) -> None:
    server = serve(observe="observe not supported by this policy")
    run(server.url, news, ask_twice)
    assert server.asked == ["reset", "observe", "infer", "infer"]
    assert server.connections == 1
    assert "not supported" in str(news.unseen[0])
    run(server.url, news, ask_twice)
    assert server.asked[4:] == ["reset", "observe", "infer", "infer"]


@pytest.mark.parametrize("adapts", [None, True, False])
def test_each_request_says_whether_gains_adapt_if_that_was_chosen(
    serve: Callable[..., Server], news: News, adapts: bool | None
) -> None:
    server = serve()
    run(server.url, news, ask_twice, adaptive_gains=adapts)
    infers = [request for request in server.requests if request["endpoint"] == "infer"]
    assert [request.get("adaptive_gains") for request in infers] == [adapts, adapts]


def test_what_is_not_to_be_shown_is_not_sent(serve: Callable[..., Server], news: News) -> None:
    server = serve()
    run(server.url, news, ask_twice, observe=False)
    assert server.asked == ["reset", "infer", "infer"]


def test_frames_that_could_not_be_used_once_may_be_the_next_time(
    serve: Callable[..., Server], news: News
) -> None:
    server = serve(observe=pack({"ok": False, "error": "bad executed rgb"}))
    run(server.url, news, ask_twice)
    assert server.asked == ["reset", "observe", "infer", "observe", "infer"]
    assert len(news.unseen) == 2
    assert "bad executed rgb" in str(news.unseen[0])


def test_a_viewer_that_is_slow_is_not_waited_for_again(
    serve: Callable[..., Server], news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_SLOW_OBSERVE_S", 0.0)
    server = serve()
    run(server.url, news, ask_twice)
    assert server.asked == ["reset", "observe", "infer", "infer"]
    assert isinstance(news.unseen[0], ServerTimeoutError)


async def say_nothing(connection: ServerConnection) -> None:
    await connection.wait_closed()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (TRACEBACK, PolicyServerError),
        (b"garbage", ProtocolError),
        (pack({}), ProtocolError),
        (say_nothing, ServerTimeoutError),
    ],
    ids=["traceback", "garbage", "no answer", "silence"],
)
def test_an_observe_that_costs_the_connection_does_not_cost_the_session(
    serve: Callable[..., Server], news: News, answer: Any, kind: type[WireError]
) -> None:
    server = serve(observe=answer)
    run(server.url, news, ask_twice, timeouts=ClientTimeouts(observe_s=0.1))
    assert server.asked == ["reset", "observe", "infer", "infer"]  # no second reset
    assert server.connections == 2
    assert [type(error) for error in news.unseen] == [kind]


async def play_and_end(session: PolicySession) -> None:
    """An episode that ends after something was played."""
    await session.open("episode")
    await session.end("episode", PLAYED)


def test_the_last_of_an_episode_is_shown_before_its_end(
    serve: Callable[..., Server], news: News
) -> None:
    server = serve()
    run(server.url, news, play_and_end)
    run(server.url, news, play_and_end, observe=False)
    assert server.asked == ["reset", "observe", "reset", "reset", "reset"]
    assert news.unseen == []


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ("observe not supported by this policy", ["reset", "observe", "reset"]),
        (b"garbage", ["reset", "observe"]),
    ],
    ids=["refused", "garbage"],
)
def test_an_episode_ends_whatever_the_viewer_says(
    serve: Callable[..., Server], news: News, answer: Any, asked: list[str]
) -> None:
    server = serve(observe=answer)
    run(server.url, news, play_and_end)
    assert server.asked == asked
    assert len(news.unseen) == 1


def test_a_server_that_is_another_one_after_that_ends_it(
    serve: Callable[..., Server], news: News
) -> None:
    server = serve(observe=TRACEBACK)
    server.configs.append({**server.configs[0], "view_widths": [64, 64]})
    with pytest.raises(ConfigurationError, match=r"view_widths was \(\) and is \(64, 64\)"):
        run(server.url, news, ask_twice)


def test_a_connection_that_breaks_meanwhile_is_a_lost_one(
    serve: Callable[..., Server], news: News
) -> None:
    async def vanish(connection: ServerConnection) -> None:
        connection.transport.abort()

    server = serve(observe=vanish)
    with pytest.raises(ConnectionFailedError):
        run(server.url, news, ask_twice)
    assert server.connections == 1
    assert news.unseen == []


# Settings and models.


def test_a_refused_setting_is_told_and_the_episode_begins(
    serve: Callable[..., Server], news: News
) -> None:
    server = serve(configure="configure failed: TypeError()")

    async def talk(session: PolicySession) -> None:
        session.settings = {"sample_steps": 4}
        await session.open("a")

    run(server.url, news, talk)
    assert server.asked == ["configure", "reset"]
    assert "TypeError" in news.tuned[0].refused["sample_steps"]


def test_other_models_that_do_not_fit_are_refused_now_and_by_the_next_episode(
    serve: Callable[..., Server], news: News, wire_config: dict[str, Any]
) -> None:
    droid = {**wire_config, "embodiment": "droid"}
    server = serve(reload=pack(droid))
    server.configs.append(droid)

    async def talk(session: PolicySession) -> None:
        await session.open("a")
        with pytest.raises(ConfigurationError, match="droid"):
            await session.reload({"algo_config": "droid.yaml"})
        with pytest.raises(ConfigurationError, match="droid"):
            await session.open("b")

    run(server.url, news, talk)


def test_a_reload_that_is_refused_changes_nothing(serve: Callable[..., Server], news: News) -> None:
    server = serve(reload="reload not supported by this server")

    async def talk(session: PolicySession) -> None:
        with pytest.raises(PolicyServerError, match="not supported"):
            await session.reload({})
        await session.open("a")

    run(server.url, news, talk)
    assert server.connections == 1


def test_a_server_that_breaks_before_it_reloads_has_its_models_yet(
    serve: Callable[..., Server], news: News
) -> None:
    server = serve(configure=TRACEBACK)

    async def talk(session: PolicySession) -> None:
        await session.open("a")
        with pytest.raises(PolicyServerError) as failed:
            await session.reload({})
        assert "lost" not in str(failed.value)

    run(server.url, news, talk)
    assert "reload" not in server.asked


def test_a_reload_that_fails_leaves_a_server_without_models(
    serve: Callable[..., Server], news: News
) -> None:
    server = serve(reload=TRACEBACK)

    async def talk(session: PolicySession) -> None:
        await session.open("a")
        with pytest.raises(PolicyServerError, match="restart it") as error:
            await session.reload({})
        assert "no dream today" in str(error.value)
        assert error.value.text == TRACEBACK.rstrip()
        await session.open("b")

    run(server.url, news, talk)
    assert server.connections == 2


def test_an_abandoned_wait_leaves_nothing_open(mute_url: tuple[str, socket.socket]) -> None:
    url, listener = mute_url

    async def session() -> None:
        async with a_session(url, News()) as made:
            opening = asyncio.create_task(made.open("a"))
            connection, _ = await asyncio.to_thread(listener.accept)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            connection.settimeout(LONG_S)
            with contextlib.suppress(ConnectionResetError):
                while await asyncio.to_thread(connection.recv, 4096):
                    pass  # the request for a handshake, then the end
            connection.close()

    asyncio.run(asyncio.wait_for(session(), LONG_S))

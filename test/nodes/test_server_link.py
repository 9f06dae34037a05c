# SPDX-License-Identifier: Apache-2.0
"""The server port of an episode, against a real host on a real socket."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError, ConnectionFailedError, PolicyServerError
from vera_ros.nodes.server_link import ServerLink
from vera_ros.server.host import PolicyHost
from vera_ros.wire.client import ClientTimeouts
from vera_ros.wire.messages import InferReply, InferRequest
from vera_ros.wire.server_config import ServerConfig

from .stage import PATIENCE_S, ScriptedPolicy

MIMICGEN = find_embodiment("mimicgen")


class Episode:
    """Hears what a link delivers."""

    def __init__(self, url: str) -> None:
        self._awake = threading.Event()
        self.link = ServerLink(url, MIMICGEN, ClientTimeouts(), PATIENCE_S, self._awake.set)
        self.heard: list[Any] = []
        self.latencies_s: list[float] = []

    def deliver(self) -> None:
        def on_reply(reply: InferReply, latency_s: float) -> None:
            self.heard.append(reply)
            self.latencies_s.append(latency_s)

        self.link.deliver(self.heard.append, on_reply, self.heard.append)

    def next(self) -> Any:
        """What is heard next."""
        count = len(self.heard)
        deadline_s = time.monotonic() + PATIENCE_S
        while len(self.heard) == count:
            assert self._awake.wait(deadline_s - time.monotonic()), "nothing was heard"
            self._awake.clear()
            self.deliver()
        assert len(self.heard) == count + 1
        return self.heard[-1]

    def ask(self, session_id: str = "a") -> None:
        self.link.infer(
            InferRequest(
                np.zeros((1, 128, 256, 3), np.uint8), MIMICGEN.view_keys, (128, 128), session_id
            )
        )


Serve = Callable[..., PolicyHost]


@pytest.fixture
def episode(server_url: str) -> Iterator[Episode]:
    made = Episode(server_url)
    yield made
    made.link.stop()


@pytest.fixture
def serve(server_url: str) -> Iterator[Serve]:
    hosts = []
    port = urlsplit(server_url).port
    assert port is not None

    def start(policy: ScriptedPolicy, delay_s: float = 0.0) -> PolicyHost:
        host = PolicyHost(policy, "127.0.0.1", port, delay_s=delay_s)
        host.start()
        hosts.append(host)
        return host

    yield start
    for host in hosts:
        host.stop()


def wait_until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        threading.Event().wait(0.01)


def test_a_session_is_opened_asked_and_released(episode: Episode, serve: Serve) -> None:
    policy = ScriptedPolicy()
    serve(policy)
    episode.link.connect("a")
    assert isinstance(episode.next(), ServerConfig)
    episode.ask("a")
    reply = episode.next()
    np.testing.assert_array_equal(reply.actions, policy.answer)
    assert reply.info["session_id"] == "a"
    assert 0 < reply.info["infer_s"] <= episode.latencies_s[0]
    episode.link.release("a")
    wait_until(lambda: policy.resets[-1] == "episode_end")
    assert policy.resets == ["new_episode", "episode_end"]
    episode.deliver()
    assert len(episode.heard) == 2


def test_calls_return_at_once_and_wake_once_for_each_answer(episode: Episode, serve: Serve) -> None:
    serve(ScriptedPolicy(), delay_s=600.0)
    episode.link.connect("a")
    episode.next()
    episode.ask()
    episode.deliver()  # nothing yet, and no waiting
    assert len(episode.heard) == 1


def test_an_abandoned_answer_is_never_heard(episode: Episode, serve: Serve) -> None:
    """The next connect found the connection that was about to be dropped, and failed with it."""
    policy = ScriptedPolicy()
    serve(policy, delay_s=0.5)
    episode.link.connect("a")
    episode.next()
    episode.ask("a")
    wait_until(lambda: policy.resets)
    episode.link.abandon()
    episode.link.connect("b")
    assert isinstance(episode.next(), ServerConfig)
    episode.ask("b")
    assert episode.next().info["session_id"] == "b"
    assert [type(item) for item in episode.heard] == [
        ServerConfig,
        ServerConfig,
        InferReply,
    ]


def test_an_answer_that_waits_when_it_is_abandoned_is_not_heard(
    episode: Episode, serve: Serve
) -> None:
    serve(ScriptedPolicy())
    episode.link.connect("a")
    assert episode._awake.wait(PATIENCE_S)
    episode.link.abandon()
    episode.deliver()
    assert episode.heard == []


def test_abandoning_before_the_connection_stands(episode: Episode, serve: Serve) -> None:
    serve(ScriptedPolicy())
    for number in range(5):
        episode.link.connect(str(number))
        episode.link.abandon()
    episode.link.connect("last")
    assert isinstance(episode.next(), ServerConfig)
    episode.ask("last")
    assert episode.next().info["session_id"] == "last"


def test_the_connection_is_kept_between_episodes(episode: Episode, serve: Serve) -> None:
    policy = ScriptedPolicy()
    serve(policy)
    for session_id in ("a", "b"):
        episode.link.connect(session_id)
        episode.next()
        connection = episode.link._client._client._connection
        episode.link.release(session_id)
    assert connection is not None
    wait_until(lambda: len(policy.resets) == 4)
    assert episode.link._client._client._connection is connection


def test_a_server_of_another_embodiment_is_refused_and_may_be_replaced(
    episode: Episode, serve: Serve
) -> None:
    host = serve(ScriptedPolicy(embodiment="droid"))
    episode.link.connect("a")
    error = episode.next()
    assert isinstance(error, ConfigurationError)
    assert "droid" in str(error)
    assert host.stop()
    serve(ScriptedPolicy())
    wait_until(lambda: not episode.link._client._client.connected)
    episode.link.connect("b")
    assert isinstance(episode.next(), ServerConfig)


def test_without_a_server_there_is_an_error_and_later_a_connection(
    episode: Episode, serve: Serve
) -> None:
    episode.link.connect("a")
    assert isinstance(episode.next(), ConnectionFailedError)
    serve(ScriptedPolicy())
    episode.link.connect("b")
    assert isinstance(episode.next(), ServerConfig)


def test_a_server_that_goes_away_during_an_inference(episode: Episode, serve: Serve) -> None:
    host = serve(ScriptedPolicy(), delay_s=600.0)
    episode.link.connect("a")
    episode.next()
    episode.ask("a")
    host.stop()
    assert isinstance(episode.next(), ConnectionFailedError)
    serve(ScriptedPolicy())
    episode.link.connect("b")
    assert isinstance(episode.next(), ServerConfig)


def test_a_policy_that_fails_is_heard_and_the_next_episode_connects_afresh(
    episode: Episode, serve: Serve
) -> None:
    policy = ScriptedPolicy(RuntimeError("out of memory"))
    serve(policy)
    episode.link.connect("a")
    episode.next()
    episode.ask("a")
    error = episode.next()
    assert isinstance(error, PolicyServerError)
    assert "out of memory" in str(error)
    policy.answer = ScriptedPolicy().answer
    episode.link.connect("b")
    assert isinstance(episode.next(), ServerConfig)


def test_a_release_after_the_server_went_away_is_harmless(episode: Episode, serve: Serve) -> None:
    host = serve(ScriptedPolicy())
    episode.link.connect("a")
    episode.next()
    host.stop()
    episode.link.release("a")
    episode.link.connect("b")
    assert isinstance(episode.next(), ConnectionFailedError)
    assert len(episode.heard) == 2


def test_stopping_does_not_wait_for_an_inference(episode: Episode, serve: Serve) -> None:
    serve(ScriptedPolicy(), delay_s=600.0)
    episode.link.connect("a")
    episode.next()
    episode.ask("a")
    episode.link.stop()
    episode.deliver()
    assert len(episode.heard) == 1

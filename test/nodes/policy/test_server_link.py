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
from vera_ros.errors import (
    ConfigurationError,
    ConnectionFailedError,
    PolicyServerError,
    WireError,
)
from vera_ros.nodes.policy.server_link import ServerLink
from vera_ros.policy.sharing import sign_of_another_client
from vera_ros.server.host import PolicyHost
from vera_ros.wire import session as session_module
from vera_ros.wire.connection.patience import FailedAttempt
from vera_ros.wire.protocol.messages import InferReply, InferRequest, ObserveRequest
from vera_ros.wire.protocol.server_config import ServerConfig
from vera_ros.wire.session import SessionOptions
from vera_ros.wire.tuning import Tuned

from ..stage import PATIENCE_S, ScriptedPolicy

MIMICGEN = find_embodiment("mimicgen")


class Episode:
    """Hears what a link delivers, in one list."""

    def __init__(self, url: str, connect_s: float = PATIENCE_S, **options: Any) -> None:
        self._awake = threading.Event()
        options = {"handshake_s": PATIENCE_S, **options}
        session = SessionOptions(url, MIMICGEN, connect_s=connect_s, **options)
        self.link = ServerLink(session, self, self._awake.set)
        self.heard: list[Any] = []
        self.attempts: list[FailedAttempt] = []
        self.latencies_s: list[float] = []
        self.tuned: list[Tuned] = []
        self.unseen: list[WireError] = []

    def on_connected(self, config: ServerConfig) -> None:
        self.heard.append(config)

    def on_attempt_failed(self, attempt: FailedAttempt) -> None:
        self.attempts.append(attempt)

    def on_reply(self, reply: InferReply, latency_s: float) -> None:
        self.heard.append(reply)
        self.latencies_s.append(latency_s)

    def on_server_failed(self, error: Exception) -> None:
        self.heard.append(error)

    def on_tuned(self, tuned: Tuned) -> None:
        self.tuned.append(tuned)

    def on_observe_failed(self, error: WireError) -> None:
        self.unseen.append(error)

    def deliver(self) -> None:
        self.link.deliver()

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Hear what comes until the condition holds."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert self._awake.wait(deadline_s - time.monotonic()), "nothing was heard"
            self._awake.clear()
            self.deliver()

    def next(self) -> Any:
        """What is heard next."""
        count = len(self.heard)
        self.wait_until(lambda: len(self.heard) > count)
        assert len(self.heard) == count + 1
        return self.heard[-1]

    def wait_for_connection(self) -> None:
        """Connect, however often it takes."""
        connected = False
        while not connected:
            self.link.connect("again")
            connected = isinstance(self.next(), ServerConfig)

    def ask(self, session_id: str = "a", frames: int = 0) -> None:
        layout = (MIMICGEN.view_keys, (128, 128), session_id)
        pictures = np.zeros((max(1, frames), 128, 256, 3), np.uint8)
        played = ObserveRequest(pictures, *layout) if frames else None
        self.link.infer(InferRequest(pictures[:1], *layout), played)


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
        connection = episode.link._session._client._exchange
        episode.link.release(session_id)
    assert connection is not None
    wait_until(lambda: len(policy.resets) == 4)
    assert episode.link._session._client._exchange is connection


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
    wait_until(lambda: not episode.link._session._client.connected)
    episode.link.connect("b")
    assert isinstance(episode.next(), ServerConfig)


def test_a_server_that_comes_late_is_waited_for(episode: Episode, serve: Serve) -> None:
    episode.link.connect("a")
    episode.wait_until(lambda: len(episode.attempts) == 2)
    serve(ScriptedPolicy())
    assert isinstance(episode.next(), ServerConfig)
    assert [attempt.number for attempt in episode.attempts[:2]] == [1, 2]
    assert all(attempt.wait_s > 0 for attempt in episode.attempts)
    assert "running" in str(episode.attempts[0].error)


def test_waiting_for_a_server_is_bounded_and_later_there_is_a_connection(
    server_url: str, serve: Serve
) -> None:
    with_little_patience = Episode(server_url, connect_s=1.0)
    with_little_patience.link.connect("a")
    error = with_little_patience.next()
    assert isinstance(error, ConnectionFailedError)
    assert "gave up after 1 s and" in str(error)
    serve(ScriptedPolicy())
    with_little_patience.wait_for_connection()
    with_little_patience.link.stop()


def test_waiting_for_a_server_ends_at_once_when_it_is_given_up(episode: Episode) -> None:
    episode.link.connect("a")
    episode.wait_until(lambda: episode.attempts)
    assert episode.link.busy
    episode.link.abandon()
    assert not episode.link.busy
    episode.link.stop()
    episode.deliver()
    assert episode.heard == []


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
    episode.wait_until(lambda: episode.attempts)
    assert len(episode.heard) == 1


def test_stopping_does_not_wait_for_an_inference(episode: Episode, serve: Serve) -> None:
    serve(ScriptedPolicy(), delay_s=600.0)
    episode.link.connect("a")
    episode.next()
    episode.ask("a")
    episode.link.stop()
    episode.deliver()
    assert len(episode.heard) == 1


# Another client.


def test_a_second_client_is_noticed_by_the_first(
    episode: Episode, serve: Serve, server_url: str
) -> None:
    serve(ScriptedPolicy())
    intruder = Episode(server_url)
    for client, session in ((episode, "ours"), (intruder, "theirs"), (episode, "ours")):
        if not client.heard:
            client.link.connect(session)
            client.next()
        client.ask(session)
        client.next()
    intruder.link.stop()
    first, second = (answer.info for answer in episode.heard[1:])
    assert sign_of_another_client(first, "ours", first=True, frames=1) == ""
    assert "reset" in sign_of_another_client(second, "ours", first=False, frames=1)


def test_one_client_gives_no_alarm(episode: Episode, serve: Serve) -> None:
    serve(ScriptedPolicy())
    for session in ("a", "b"):
        episode.link.connect(session)
        episode.next()
        for first in (True, False, False):
            episode.ask(session)
            info = episode.next().info
            assert sign_of_another_client(info, session, first=first, frames=1) == ""
        episode.link.release(session)


def test_a_server_that_infers_for_somebody_else_is_waited_for(
    episode: Episode, serve: Serve, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_KEPT_S", 0.05)
    policy = ScriptedPolicy()
    serve(policy)
    other = Episode(server_url)
    for client in (episode, other):
        client.link.connect("a")
        client.next()
    policy.may_infer.clear()
    other.ask("a")
    wait_until(lambda: policy.calls)
    episode.link.connect("b")
    episode.wait_until(lambda: episode.attempts)
    policy.may_infer.set()
    assert isinstance(episode.next(), ServerConfig)
    episode.ask("b")
    assert episode.next().info["session_id"] == "b"
    other.link.stop()


# Settings and models.


def test_settings_are_sent_over_every_new_connection(episode: Episode, serve: Serve) -> None:
    policy = ScriptedPolicy()
    host = serve(policy)
    episode.link.set_defaults({"sample_steps": 4})
    for session in ("a", "b"):
        episode.link.connect(session)
        episode.next()
        episode.link.release(session)
    assert policy.configured == [{"sample_steps": 4}]
    host.stop()
    serve(policy)
    episode.link.connect("c")
    episode.next()
    assert policy.configured == [{"sample_steps": 4}] * 2
    assert [tuned.applied for tuned in episode.tuned] == [{"sample_steps": 4}] * 2


def test_a_setting_waits_for_the_inference_under_way(episode: Episode, serve: Serve) -> None:
    policy = ScriptedPolicy()
    serve(policy, delay_s=0.2)
    episode.link.connect("a")
    episode.next()
    episode.ask("a")
    done: list[Any] = []
    episode.link.tune({"n_action_steps": 4}, done.append)
    assert isinstance(episode.next(), InferReply)
    episode.wait_until(lambda: done)
    assert policy.calls[-2:] == ["infer", "configure"]
    assert done[0].result().applied == {"n_action_steps": 4}


def test_a_setting_without_a_connection_is_not_sent(episode: Episode) -> None:
    done: list[Any] = []
    episode.link.tune({"n_action_steps": 4}, done.append)
    episode.wait_until(lambda: done)
    assert done[0].result() is None


def test_other_models_are_loaded_over_the_same_connection(episode: Episode, serve: Serve) -> None:
    policy = ScriptedPolicy()
    serve(policy)
    episode.link.set_defaults({"sample_steps": 4})
    done: list[Any] = []
    policy.reloaded = {"context_frames": 9}
    episode.link.reload({"algo_config": "omni.yaml"}, done.append)
    episode.wait_until(lambda: done)
    loaded = done[0].result()
    assert loaded.config.context_frames == 9
    assert "does not report its algo_config" in loaded.unheeded["algo_config"]
    # Of the connection, and what it has, before; then the same again.
    assert policy.calls == ["configure", "configure", "reload", "configure", "configure"]
    episode.link.connect("a")
    assert episode.next().context_frames == 9


# What was played.


def test_what_was_played_is_shown_before_the_next_question(episode: Episode, serve: Serve) -> None:
    policy = ScriptedPolicy()
    serve(policy)
    episode.link.connect("a")
    episode.next()
    episode.ask("a", frames=3)
    episode.next()
    assert policy.calls == ["observe", "infer"]
    assert policy.observed[0]["executed_rgb"].shape[0] == 3
    assert policy.observed[0]["session_id"] == "a"
    assert episode.unseen == []

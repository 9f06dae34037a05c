# SPDX-License-Identifier: Apache-2.0
"""An episode's link to the policy server: calls return at once, answers come by queue."""

import queue
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, Protocol

from vera_ros.errors import WireError
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.connection.loop_thread import LoopThread
from vera_ros.wire.connection.patience import FailedAttempt
from vera_ros.wire.protocol.messages import InferReply, InferRequest, ObserveRequest
from vera_ros.wire.protocol.server_config import ServerConfig
from vera_ros.wire.reloading import Reloaded, Request
from vera_ros.wire.session import PolicySession, SessionOptions
from vera_ros.wire.tuning import Setting, Tuned

_STOP_S = 5.0  # for the connection to be closed


class ServerEvents(Protocol):
    """Callbacks of a link, in the thread that calls `deliver`."""

    def on_connected(self, config: ServerConfig) -> None:
        """Handle the answer to `connect`."""

    def on_attempt_failed(self, attempt: FailedAttempt) -> None:
        """Handle a failed attempt to connect; the next one follows."""

    def on_reply(self, reply: InferReply, latency_s: float) -> None:
        """Handle the answer to `infer`, and how long it took [s]."""

    def on_server_failed(self, error: Exception) -> None:
        """Handle the failure of `connect` or `infer`."""

    def on_tuned(self, tuned: Tuned) -> None:
        """Handle the answer to the settings that a new connection sent."""

    def on_observe_failed(self, error: WireError) -> None:
        """Handle a failure to show the server what was played."""


class ServerLink:
    """The server port of an episode (see vera_ros.policy.ports).

    Args:
        options: options of the session.
        events: receives the answers.
        wake: called from the client's thread when an answer waits for `deliver`.
    """

    def __init__(
        self, options: SessionOptions, events: ServerEvents, wake: Callable[[], None]
    ) -> None:
        self._events = events
        self._wake = wake
        client = PolicyClient(options.timeouts, options.access)
        self._thread = LoopThread("policy_client", farewell=client.close)
        self._session = PolicySession(options, client, self)
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._asked = 0  # counts requests; answers to earlier ones are stale
        self._pending: Future[Any] | None = None

    @property
    def busy(self) -> bool:
        """Whether an episode's request awaits its answer."""
        return self._pending is not None

    def connect(self, session_id: str) -> None:
        """Connect, and have the server forget any earlier episode."""
        self._ask(partial(self._session.open, session_id), self._events.on_connected)

    def infer(self, request: InferRequest, played: ObserveRequest | None = None) -> None:
        """Request a chunk; first show the server what was played, if given."""
        self._ask(
            partial(self._session.infer, request, played),
            lambda answer: self._events.on_reply(*answer),
        )

    def abandon(self) -> None:
        """Cancel the pending request."""
        self._asked += 1
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None

    def release(self, session_id: str, played: ObserveRequest | None = None) -> None:
        """Notify the server that the episode is over, without waiting for an answer.

        First show it what was played, if given.
        """
        self._asked += 1
        self._pending = None
        self._thread.submit(partial(self._session.end, session_id, played))

    def set_defaults(self, settings: Mapping[str, Setting]) -> None:
        """Set what the policy is configured with on every new connection."""
        self._session.settings = dict(settings)

    def tune(
        self, settings: Mapping[str, Setting], on_done: "Callable[[Future[Tuned | None]], None]"
    ) -> None:
        """Apply settings after the server's current request; result None: not connected."""
        self._submit(partial(self._session.tune, dict(settings)), on_done)

    def reload(self, request: Request, on_done: "Callable[[Future[Reloaded]], None]") -> None:
        """Make the server load other models, between episodes."""
        self._submit(partial(self._session.reload, dict(request)), on_done)

    def stop(self) -> None:
        """Disconnect; pending requests get no answer."""
        self._thread.stop(_STOP_S)

    def deliver(self) -> None:
        """Run the callbacks of waiting answers, in the caller's thread."""
        while True:
            try:
                hand_over = self._waiting.get_nowait()
            except queue.Empty:
                return
            hand_over()

    # Callbacks of the session, in the client's thread.

    def on_attempt_failed(self, attempt: FailedAttempt) -> None:
        """See SessionNews."""
        self._later(partial(self._events.on_attempt_failed, attempt))

    def on_tuned(self, tuned: Tuned) -> None:
        """See SessionNews."""
        self._later(partial(self._events.on_tuned, tuned))

    def on_observe_failed(self, error: WireError) -> None:
        """See SessionNews."""
        self._later(partial(self._events.on_observe_failed, error))

    def _ask(
        self, call: Callable[[], Coroutine[Any, Any, Any]], on_answer: Callable[[Any], None]
    ) -> None:
        self._asked += 1
        self._pending = self._submit(call, partial(self._on_answer, self._asked, on_answer))

    def _on_answer(
        self, number: int, on_answer: Callable[[Any], None], future: "Future[Any]"
    ) -> None:
        if number != self._asked:
            return
        self._pending = None
        try:
            answer = future.result()
        except CancelledError:
            return
        except Exception as error:
            self._events.on_server_failed(error)
            return
        on_answer(answer)

    def _submit(
        self, call: Callable[[], Coroutine[Any, Any, Any]], on_done: "Callable[[Future[Any]], None]"
    ) -> "Future[Any]":
        future = self._thread.submit(call)
        future.add_done_callback(lambda done: self._later(partial(on_done, done)))
        return future

    def _later(self, hand_over: Callable[[], None]) -> None:
        self._waiting.put(hand_over)
        self._wake()

# SPDX-License-Identifier: Apache-2.0
"""Waiting for a server, on a clock that jumps: bounded, ever less often, and at once when vain."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import (
    ConfigurationError,
    ConnectionFailedError,
    PolicyServerError,
    ProtocolError,
    ServerTimeoutError,
)
from vera_ros.wire.connection.patience import FailedAttempt, keep_trying

MENDABLE = (ConnectionFailedError, ServerTimeoutError)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer instead of passing."""

    now_s = 0.0

    def time(self) -> float:
        return self.now_s

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.now_s = max(self.now_s, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class Server:
    """Fails as often as it is told, each time after a while."""

    def __init__(self, loop: JumpingLoop, failures: list[Exception], takes_s: float = 0.0) -> None:
        self._loop = loop
        self._failures = failures
        self._takes_s = takes_s
        self.asked_s: list[float] = []
        self.failed: list[FailedAttempt] = []

    async def attempt(self) -> str:
        self.asked_s.append(self._loop.time())
        await asyncio.sleep(self._takes_s)
        if len(self.asked_s) <= len(self._failures):
            raise self._failures[len(self.asked_s) - 1]
        return "connected"

    def wait(self, within_s: float) -> Coroutine[Any, Any, str]:
        return keep_trying(self.attempt, within_s, self.failed.append)


async def settled(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Its result or exception."""
    return (await asyncio.gather(coroutine, return_exceptions=True))[0]


def run(make: Callable[[JumpingLoop], Coroutine[Any, Any, Any]]) -> tuple[Any, float]:
    """Run a coroutine; return its result or exception, and how long it took."""
    loop = JumpingLoop()
    try:
        return loop.run_until_complete(settled(make(loop))), loop.time()
    finally:
        loop.close()


def wait_for(
    failures: list[Exception], within_s: float = 1000.0, takes_s: float = 0.0
) -> tuple[Server, Any, float]:
    servers: list[Server] = []

    async def waiting(loop: JumpingLoop) -> str:
        servers.append(Server(loop, failures, takes_s))
        return await servers[0].wait(within_s)

    outcome, took_s = run(waiting)
    return servers[0], outcome, took_s


@given(st.lists(st.sampled_from(MENDABLE), max_size=12))
def test_attempts_come_ever_less_often_until_one_succeeds(kinds: list[type[Exception]]) -> None:
    failures = [kind(f"failure {number}") for number, kind in enumerate(kinds, 1)]
    server, outcome, took_s = wait_for(failures)
    assert outcome == "connected"
    assert [failed.error for failed in server.failed] == failures
    assert [failed.number for failed in server.failed] == list(range(1, len(kinds) + 1))
    waits_s = [failed.wait_s for failed in server.failed]
    passed_s = [b - a for a, b in itertools.pairwise(server.asked_s)]
    assert passed_s == pytest.approx(waits_s)
    assert took_s == pytest.approx(sum(waits_s))
    for number, wait_s in enumerate(waits_s):
        shortest_s = min(0.25 * 2**number, 5.0)
        assert shortest_s <= wait_s <= shortest_s + 0.25


def test_two_clients_do_not_come_back_in_the_same_moment() -> None:
    failures: list[Exception] = [ConnectionFailedError("gone")] * 3
    first, second = (wait_for(failures)[0].asked_s[1:] for _ in range(2))
    assert first != second


@given(
    within_s=st.floats(0.05, 60.0),
    takes_s=st.floats(0.0, 10.0),
    kind=st.sampled_from(MENDABLE),
)
def test_it_ends_in_time_and_says_what_happened(
    within_s: float, takes_s: float, kind: type[Exception]
) -> None:
    server, outcome, took_s = wait_for([kind("nobody listens")] * 1000, within_s, takes_s)
    assert took_s == pytest.approx(within_s)
    if server.failed:
        assert type(outcome) is kind
        attempts = len(server.failed)
        assert f"{within_s:g} s" in str(outcome)
        assert f"{attempts} attempt{'s' * (attempts > 1)} " in str(outcome)
        assert "nobody listens" in str(outcome)
    else:
        assert isinstance(outcome, ServerTimeoutError)
        assert f"{within_s:g} s" in str(outcome)


def test_an_attempt_that_hangs_is_cut_short() -> None:
    server, outcome, took_s = wait_for([], within_s=3.0, takes_s=1e6)
    assert isinstance(outcome, ServerTimeoutError)
    assert (took_s, server.asked_s) == (3.0, [0.0])


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("droid"),
        ProtocolError("garbage"),
        PolicyServerError("traceback"),
        ZeroDivisionError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_waiting_cannot_mend_ends_it_at_once(error: Exception) -> None:
    server, outcome, took_s = wait_for([ConnectionFailedError("not yet"), error])
    assert outcome is error
    assert took_s == pytest.approx(server.failed[0].wait_s)
    assert len(server.failed) == 1


@pytest.mark.parametrize("takes_s", [0.0, 1e6], ids=["between attempts", "in an attempt"])
def test_it_is_cancelled_at_once(takes_s: float) -> None:
    async def cancelled(loop: JumpingLoop) -> None:
        server = Server(loop, [ConnectionFailedError("gone")] * 1000, takes_s)
        waiting = asyncio.ensure_future(server.wait(1000.0))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert loop.time() == pytest.approx(0.1)

    outcome, _ = run(cancelled)
    assert outcome is None

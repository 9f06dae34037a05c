# SPDX-License-Identifier: Apache-2.0
"""Retries with exponential back-off, until a server is reachable."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from vera_ros.errors import (
    AccessDeniedError,
    ConnectionFailedError,
    ServerTimeoutError,
    TlsError,
)

T = TypeVar("T")

# Clients that lost the same server must not all reconnect at the same time: hence the jitter.
_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 5.0
_JITTER_S = 0.25

_TRANSIENT = (ConnectionFailedError, ServerTimeoutError)


@dataclass(frozen=True)
class FailedAttempt:
    """A failed attempt that is followed by another one.

    Attributes:
        number: counts the attempts, from 1.
        error: why it failed.
        wait_s: until the next one begins.
    """

    number: int
    error: Exception
    wait_s: float


async def keep_trying(
    attempt: Callable[[], Coroutine[Any, Any, T]],
    within_s: float,
    on_failed: Callable[[FailedAttempt], None],
) -> T:
    """Repeat an attempt until it succeeds, and return its result.

    Args:
        attempt: bounds its own time; it is cancelled when `within_s` have passed.
        within_s: for all attempts and the waits between them.
        on_failed: called before each wait.

    Raises:
        ConnectionFailedError: no server was reached in time.
        ServerTimeoutError: a server was reached, but did not answer in time.
        Exception: any other error of an attempt, immediately: a retry would not fix it.
    """
    last: FailedAttempt | None = None

    async def repeat() -> T:
        nonlocal last
        number, wait_s = 1, _FIRST_WAIT_S
        while True:
            try:
                return await attempt()
            except (TlsError, AccessDeniedError):
                raise
            except _TRANSIENT as error:
                last = FailedAttempt(number, error, wait_s + random.uniform(0.0, _JITTER_S))
            on_failed(last)
            await asyncio.sleep(last.wait_s)
            number, wait_s = number + 1, min(2.0 * wait_s, _LONGEST_WAIT_S)

    try:
        return await asyncio.wait_for(repeat(), within_s)
    except (asyncio.TimeoutError, TimeoutError) as error:
        if last is None:
            raise ServerTimeoutError(
                f"the policy server did not answer within {within_s:g} s; it may be loading, serve "
                "another client, or be stuck: see its log, or allow more time"
            ) from error
        attempts = f"{last.number} attempt{'s' * (last.number > 1)}"
        raise type(last.error)(
            f"gave up after {within_s:g} s and {attempts} that failed; last error: {last.error}"
        ) from last.error

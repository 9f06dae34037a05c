# SPDX-License-Identifier: Apache-2.0
"""Translates errors of the websocket, the network and the server into vera_ros exceptions."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from vera_ros.errors import (
    ConfigurationError,
    ConnectionFailedError,
    PolicyServerError,
    ProtocolError,
    ServerTimeoutError,
)
from vera_ros.wire.codec import MAX_FRAME_BYTES

_MESSAGE_TOO_BIG = 1009
_SERVER_ERRORS = 500  # HTTP statuses from here on are errors of the server, which may pass


@contextmanager
def typed_failures(task: str, url: str, timeout_s: float) -> Iterator[None]:
    """Translate asyncio and websockets errors of a task to WireError or ConfigurationError."""
    try:
        yield
    except (asyncio.TimeoutError, TimeoutError) as error:
        raise ServerTimeoutError(
            f"{task}: the policy server at {url} did not answer within {timeout_s:g} s; it may "
            "be loading, serve another client, or be stuck: see its log, or allow more time"
        ) from error
    except ConnectionClosed as error:
        _raise_closed(task, url, error)
    except InvalidURI as error:
        raise ConfigurationError(
            f"'{url}' is not a websocket address; valid is ws://host:port"
        ) from error
    except (WebSocketException, OSError, EOFError) as error:
        if isinstance(error, InvalidHandshake) and not _is_transient(error):
            raise ProtocolError(
                f"{task}: what answers at {url} is not a policy server ({error}); are host and "
                "port right?"
            ) from error
        raise ConnectionFailedError(
            f"{task}: no connection to a policy server at {url} "
            f"({error or type(error).__name__}); is it running, and are host and port right?"
        ) from error


def raise_error_text(task: str, url: str, text: str) -> NoReturn:
    """Raise PolicyServerError for the server's error text, quoting its last line."""
    lines = text.strip().splitlines() or ["an empty text"]
    raise PolicyServerError(
        f"{task}: the policy server at {url} answered: {lines[-1]:.500}; "
        "see its log, or the full text of this error",
        text,
    )


def is_traceback(text: str) -> bool:
    """Whether the server's text is a traceback, after which it closes the connection."""
    return text.lstrip().startswith("Traceback")


def _is_transient(error: InvalidHandshake) -> bool:
    """Whether the peer closed the connection, or a proxy has no server yet."""
    if isinstance(error, InvalidStatus):
        return error.response.status_code >= _SERVER_ERRORS
    return isinstance(error, InvalidMessage) and isinstance(error.__cause__, EOFError | OSError)


def _raise_closed(task: str, url: str, error: ConnectionClosed) -> NoReturn:
    if error.sent is not None and error.sent.code == _MESSAGE_TOO_BIG:
        raise ProtocolError(
            f"{task}: the policy server at {url} sent a message larger than the "
            f"{MAX_FRAME_BYTES} bytes allowed"
        ) from error
    raise ConnectionFailedError(
        f"{task}: the connection to the policy server at {url} broke ({error}); "
        "see the server's log and connect again: its episode is lost"
    ) from error

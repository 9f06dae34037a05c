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
from websockets.frames import Close, CloseCode

from vera_ros.errors import (
    AccessDeniedError,
    ConfigurationError,
    ConnectionFailedError,
    PolicyServerError,
    ProtocolError,
    ServerTimeoutError,
)
from vera_ros.printable import printable, printable_lines
from vera_ros.wire.connection.address import without_password
from vera_ros.wire.protocol.codec import MAX_ANSWER_BYTES

REQUEST_FAILED = "the request failed: "  # begins the text of a host that shows no traceback

_SERVER_ERRORS = 500  # HTTP statuses from here on are errors of the server, which may pass
_DENIED = (401, 403)
_REDIRECTS = range(300, 400)
_TEXT_LINES = 100  # of an error text; a traceback has its reason in the last ones


@contextmanager
def typed_failures(task: str, url: str, timeout_s: float, sent_bytes: int = 0) -> Iterator[None]:
    """Translate asyncio and websockets errors of a task to WireError or ConfigurationError.

    Args:
        task: names it in the error.
        url: of the server, see `without_password`.
        timeout_s: of the task.
        sent_bytes: size of the message that it sends.
    """
    url = without_password(url)
    try:
        yield
    except (asyncio.TimeoutError, TimeoutError) as error:
        raise ServerTimeoutError(
            f"{task}: the policy server at {url} did not answer within {timeout_s:g} s; it may "
            "be loading, serve another client, or be stuck: see its log, or allow more time"
        ) from error
    except ConnectionClosed as error:
        _raise_closed(task, url, error, sent_bytes)
    except InvalidURI as error:
        raise ConfigurationError(
            f"'{url}' is not a websocket address ({error.msg}); valid is ws://host:port"
        ) from error
    except (WebSocketException, OSError, EOFError) as error:
        reason = _reason(error)
        if isinstance(error, InvalidStatus):
            _raise_status(task, url, error)
        if isinstance(error, InvalidHandshake) and not _is_transient(error):
            raise ProtocolError(
                f"{task}: what answers at {url} is not a policy server ({reason}); are host and "
                "port right?"
            ) from error
        raise ConnectionFailedError(
            f"{task}: no connection to a policy server at {url} ({reason}); is it running, and "
            "are host and port right?"
        ) from error


def raise_error_text(task: str, url: str, text: str) -> NoReturn:
    """Raise PolicyServerError for the server's error text, quoting its last line."""
    shown = printable_lines(text.strip(), _TEXT_LINES) or "an empty text"
    raise PolicyServerError(
        f"{task}: the policy server at {without_password(url)} answered: "
        f"{shown.rpartition(chr(10))[2]}; see its log, or the full text of this error",
        shown,
    )


def ends_connection(text: str) -> bool:
    """Whether the server's text says that its policy failed: then it closes the connection."""
    return text.lstrip().startswith(("Traceback", REQUEST_FAILED))


def _raise_status(task: str, url: str, error: InvalidStatus) -> None:
    """Raise the error of an HTTP status that says what is wrong; return from any other."""
    status = error.response.status_code
    if status in _DENIED:
        remedy = "set server_token_file to a file with a token that it accepts"
        if "…@" in url:
            remedy = "correct user and password in its address"
        elif url.startswith("ws://"):
            remedy = f"write its address as wss://, and {remedy}"
        raise AccessDeniedError(
            f"{task}: the server at {url} does not let this client in (HTTP {status}); {remedy}"
        ) from error
    if status in _REDIRECTS:
        target = without_password(error.response.headers.get("Location", "an unknown address"))
        raise ProtocolError(
            f"{task}: the server at {url} sends its clients to {target} (HTTP {status}), which is "
            "not followed; if that is the policy server, write its address"
        ) from error


def _reason(error: Exception) -> str:
    return printable(str(error)) or type(error).__name__


def _is_transient(error: InvalidHandshake) -> bool:
    """Whether the peer closed the connection, or a proxy has no server yet."""
    if isinstance(error, InvalidStatus):
        return error.response.status_code >= _SERVER_ERRORS
    return isinstance(error, InvalidMessage) and isinstance(error.__cause__, EOFError | OSError)


def _raise_closed(task: str, url: str, error: ConnectionClosed, sent_bytes: int) -> NoReturn:
    # The side that sends this code first is the one that got the message; the other repeats it.
    if _is_too_big(error.rcvd) and error.rcvd_then_sent is not False:
        reason = f" ({printable(error.rcvd.reason)})" if error.rcvd and error.rcvd.reason else ""
        raise ProtocolError(
            f"{task}: the policy server at {url} refuses our message of {sent_bytes} bytes as too "
            f"large{reason}; raise its limit (max_size of its websocket, or that of a proxy before "
            "it), or let the cameras send smaller pictures"
        ) from error
    if _is_too_big(error.sent):
        raise ProtocolError(
            f"{task}: the policy server at {url} sent a message larger than the "
            f"{MAX_ANSWER_BYTES} bytes allowed here; it should send less"
        ) from error
    raise ConnectionFailedError(
        f"{task}: the connection to the policy server at {url} broke ({_reason(error)}); "
        "see the server's log and connect again: its episode is lost"
    ) from error


def _is_too_big(close: Close | None) -> bool:
    return close is not None and close.code == CloseCode.MESSAGE_TOO_BIG

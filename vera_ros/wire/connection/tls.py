# SPDX-License-Identifier: Apache-2.0
"""Diagnoses failed TLS connections: wrong scheme, or a certificate that is not trusted.

They look like a server that is not there, and would be tried again in vain.
"""

import asyncio
import contextlib
import socket
import ssl
from urllib.parse import urlsplit

from websockets.exceptions import (
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    WebSocketException,
)

from vera_ros.errors import AccessDeniedError, TlsError
from vera_ros.printable import printable
from vera_ros.wire.connection.access import ServerAccess
from vera_ros.wire.connection.address import without_password
from vera_ros.wire.connection.websocket import open_websocket

_OTHER_S = 2.0  # for a peer that has just answered over the other scheme

# By OpenSSL's code of the failed check (X509_V_ERR_...).
_EXPIRED, _NOT_YET_VALID, _OTHER_HOST, _OTHER_ADDRESS = 10, 9, 62, 64
_CERTIFICATE_REQUEST = 13  # a handshake message of TLS, RFC 8446


async def check_tls(url: str, access: ServerAccess, error: Exception) -> None:
    """Find out whether TLS is why a connection could not be opened.

    Args:
        url: the address.
        access: the files that were used.
        error: why opening it failed.

    Raises:
        TlsError: trying again does not help; the message says what does.
        AccessDeniedError: the server does not let this client in without another certificate.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        raise TlsError(_explain(url, access, error)) from error
    if isinstance(error, ConnectionRefusedError | socket.gaierror | TimeoutError):
        return
    shown = without_password(url)
    scheme, rest = shown.split(":", 1)
    if scheme.lower() == "wss":
        if _misses_certificate(error):
            raise AccessDeniedError(_explain_refusal(shown, access)) from error
        if isinstance(error, InvalidStatus):
            return  # TLS is in order
        if await _refuses_certificate(url, access):
            raise AccessDeniedError(_explain_refusal(shown, access)) from error
        if await _accepts(_bare("ws", url)):
            raise TlsError(
                f"the policy server at {shown} speaks without TLS; write ws:{rest}"
            ) from error
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            raise TlsError(
                f"no TLS with what answers at {shown} ({printable(error.reason or str(error))}); "
                "are host, port and the server's TLS settings right?"
            ) from error
    elif not _speaks_http(error) and await _has_tls(url):
        raise TlsError(f"what answers at {shown} speaks TLS; write wss:{rest}") from error


def _explain(url: str, access: ServerAccess, error: ssl.SSLCertVerificationError) -> str:
    host = urlsplit(url).hostname
    own = (
        f"put the certificate of the authority that signed it into '{access.server_ca_file}'"
        if access.server_ca_file
        else "if it is your own server's, name the certificate of the authority that signed it: "
        "server_ca_file, or export SSL_CERT_FILE=/path/to/ca.pem before the start"
    )
    remedy = {
        _EXPIRED: "renew it, or set this machine's clock (see `date`)",
        _NOT_YET_VALID: "set this machine's clock (see `date`)",
        _OTHER_HOST: f"connect by a name that is in it, or issue one for {host}",
        _OTHER_ADDRESS: f"connect by a name that is in it, or issue one for {host}",
    }.get(error.verify_code, own)
    reason = printable(error.verify_message.rstrip("."))
    return f"the certificate of {without_password(url)} cannot be trusted: {reason}; {remedy}"


def _explain_refusal(shown: str, access: ServerAccess) -> str:
    if not access.server_certificate_file:
        return (
            f"the server at {shown} asks for a client certificate; set server_certificate_file and "
            "server_key_file"
        )
    return (
        f"the server at {shown} does not accept the client certificate in "
        f"'{access.server_certificate_file}'; is it valid today, for clients, and signed by an "
        "authority that the server trusts?"
    )


def _misses_certificate(error: Exception) -> bool:
    """Whether a proxy says in HTTP that it has no certificate of this client (as nginx does)."""
    if not isinstance(error, InvalidStatus) or error.response.status_code != 400:
        return False
    return b"certificate" in (error.response.body or b"").lower()


def _speaks_http(error: Exception) -> bool:
    """Whether the peer answered in plain HTTP, unless that this is the port for TLS (as nginx)."""
    if isinstance(error, InvalidStatus):
        return error.response.status_code != 400
    return isinstance(error, InvalidHandshake) and not isinstance(error, InvalidMessage)


async def _refuses_certificate(url: str, access: ServerAccess) -> bool:
    """Return whether the server asks for a certificate, and hangs up on what it is given.

    In TLS 1.3 it does so after the client's side of the handshake, mostly without a word.
    """
    asked: list[bool] = []
    context = await asyncio.to_thread(access.context)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    # Python has no other way to see the request. Without this one, refusals are not recognised.
    context._msg_callback = lambda *message: asked.append(  # type: ignore[attr-defined]
        message[4] == _CERTIFICATE_REQUEST
    )
    hung_up = True
    parts = urlsplit(url)
    with contextlib.suppress(OSError, EOFError):
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(parts.hostname, parts.port or 443, ssl=context), _OTHER_S
            )
            try:
                hung_up = not await asyncio.wait_for(reader.read(1), _OTHER_S)
            finally:
                writer.transport.abort()
        except (asyncio.TimeoutError, TimeoutError):
            hung_up = False
    return any(asked) and hung_up


def _bare(scheme: str, url: str) -> str:
    """Return the address with another scheme, and without password: that is not sent in vain."""
    parts = urlsplit(url)
    return parts._replace(scheme=scheme, netloc=parts.netloc.rpartition("@")[2]).geturl()


async def _accepts(url: str) -> bool:
    """Return whether a websocket can be opened there."""
    try:
        connection = await open_websocket(url, open_timeout=_OTHER_S, close_timeout=_OTHER_S)
    except (OSError, EOFError, WebSocketException):
        return False
    connection.transport.abort()
    return True


async def _has_tls(url: str) -> bool:
    """Return whether TLS can be begun there, with whatever certificate."""
    parts = urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        _, writer = await asyncio.wait_for(
            asyncio.open_connection(parts.hostname, parts.port or 80, ssl=context), _OTHER_S
        )
    except (OSError, EOFError, asyncio.TimeoutError):
        return False
    writer.transport.abort()  # the peer may never answer a closing handshake
    return True

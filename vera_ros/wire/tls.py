# SPDX-License-Identifier: Apache-2.0
"""Tells a wrong scheme and a certificate that is not trusted from a server that is not there.

Both look like a connection that breaks, and would be tried again in vain.
"""

import asyncio
import socket
import ssl
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException

from vera_ros.errors import TlsError
from vera_ros.wire.websocket import open_websocket

_OTHER_S = 2.0  # for a peer that has just answered over the other scheme

# By OpenSSL's code of the failed check (X509_V_ERR_...).
_EXPIRED, _NOT_YET_VALID, _OTHER_HOST, _OTHER_ADDRESS = 10, 9, 62, 64


async def check_tls(url: str, error: Exception) -> None:
    """Find out whether TLS is why a connection could not be opened.

    Args:
        url: the address.
        error: why opening it failed.

    Raises:
        TlsError: trying again does not help; the message says what does.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        raise TlsError(_explain(url, error)) from error
    if isinstance(error, ConnectionRefusedError | socket.gaierror | TimeoutError):
        return
    scheme, rest = url.split(":", 1)
    if scheme.lower() == "wss":
        plain = f"ws:{rest}"
        if await _accepts(plain):
            raise TlsError(
                f"the policy server at {url} speaks without TLS; write {plain}"
            ) from error
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            raise TlsError(
                f"no TLS with what answers at {url} ({error.reason or error}); are host, port and "
                "the server's TLS settings right?"
            ) from error
    elif await _has_tls(url):
        raise TlsError(f"what answers at {url} speaks TLS; write wss:{rest}") from error


def _explain(url: str, error: ssl.SSLCertVerificationError) -> str:
    host = urlsplit(url).hostname
    remedy = {
        _EXPIRED: "renew it, or set this machine's clock (see `date`)",
        _NOT_YET_VALID: "set this machine's clock (see `date`)",
        _OTHER_HOST: f"connect by a name that is in it, or issue one for {host}",
        _OTHER_ADDRESS: f"connect by a name that is in it, or issue one for {host}",
    }.get(
        error.verify_code,
        "if it is your own server's, name the certificate of the authority that signed it: "
        "export SSL_CERT_FILE=/path/to/ca.pem before the start",
    )
    return f"the certificate of {url} is not accepted: {error.verify_message.rstrip('.')}; {remedy}"


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

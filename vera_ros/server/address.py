# SPDX-License-Identifier: Apache-2.0
"""Where a client finds a server; the standard library alone."""

_SELF = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def url_of(host: str, port: int) -> str:
    """Return the address at which a client on this machine finds a server that listens there."""
    host = _SELF.get(host, host)
    return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"

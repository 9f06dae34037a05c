# SPDX-License-Identifier: Apache-2.0
"""The URL at which a client reaches a server. Standard library only."""

_SELF = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def url_of(host: str, port: int) -> str:
    """Return the URL at which a client on this machine reaches a server listening on `host`."""
    host = _SELF.get(host, host)
    return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"

# SPDX-License-Identifier: Apache-2.0
"""Exits with 0 when the policy server of this container completes a websocket handshake.

The server does not answer while a model runs, which may take minutes: that is not a failure, so
Docker repeats the check several times before it reports one.
"""

import inspect
import os
import sys
from typing import Any

from bundle_folders import load_table
from settings import filled, read_port
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

TIMEOUT_S = 20.0
# From version 15 on, websockets uses the environment's proxies, which Docker passes to every
# container where its own configuration names them.
NO_PROXY: dict[str, Any] = (
    {"proxy": None} if "proxy" in inspect.signature(connect).parameters else {}
)


def main() -> int:
    """Return 0 when the server sends its configuration, 1 otherwise."""
    port = read_port(load_table(), filled(os.environ))
    try:
        with connect(
            f"ws://127.0.0.1:{port}",
            open_timeout=TIMEOUT_S,
            max_size=None,
            compression=None,
            **NO_PROXY,
        ) as server:
            server.recv(timeout=TIMEOUT_S)
    except (OSError, WebSocketException) as error:
        print(f"port {port}: {error or type(error).__name__}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

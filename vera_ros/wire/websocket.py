# SPDX-License-Identifier: Apache-2.0
"""Opens websockets directly, past the proxies of the environment."""

import inspect
from typing import Any

from websockets.asyncio.client import connect

# From version 15 on, websockets uses the environment's proxies, which are not meant for a server
# in the laboratory.
_NO_PROXY: dict[str, Any] = (
    {"proxy": None} if "proxy" in inspect.signature(connect.__init__).parameters else {}
)


def open_websocket(url: str, **options: Any) -> connect:
    """Return an awaitable for the connection; `options` are those of websockets' `connect`."""
    return connect(url, **options, **_NO_PROXY)

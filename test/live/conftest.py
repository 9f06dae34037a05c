# SPDX-License-Identifier: Apache-2.0
"""The live suite runs against a policy server that is there, and only when it is asked to.

VERA_LIVE=1 asks for it; VERA_LIVE_HOST (127.0.0.1), VERA_LIVE_PORT (the embodiment's own) and
VERA_LIVE_EMBODIMENT (mimicgen) say where the server is and what it serves.
"""

import os
from pathlib import Path

import pytest

from .server import LiveServer

_FOLDER = Path(__file__).parent
_REASON = (
    "test/live was left out: it needs a policy server; set VERA_LIVE=1, and VERA_LIVE_HOST, "
    "VERA_LIVE_PORT, VERA_LIVE_EMBODIMENT where it is not a local mimicgen server"
)
_measured: list[str] = []
_left_out = 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    global _left_out
    if os.environ.get("VERA_LIVE") == "1":
        return
    live = [item for item in items if _FOLDER in item.path.parents]
    config.hook.pytest_deselected(items=live)
    items[:] = [item for item in items if item not in live]
    _left_out = len(live)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _left_out:
        terminalreporter.write_line(_REASON)
    for line in _measured:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def live() -> LiveServer:
    """The server that the environment names."""
    return LiveServer.from_environment(os.environ)


@pytest.fixture
def measured() -> list[str]:
    """Lines for the summary: what was measured, and is judged by nobody."""
    return _measured

# SPDX-License-Identifier: Apache-2.0
"""server_node: finds or starts a policy server, and monitors it."""

import os
import queue
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NoReturn

from diagnostic_msgs.msg import DiagnosticStatus

from vera_ros.errors import VeraRosError
from vera_ros.nodes.common.health import Health
from vera_ros.nodes.common.lifecycle_node import STEADY, VeraNode
from vera_ros.nodes.common.node_process import run_node
from vera_ros.nodes.server.parameters import PARAMETERS
from vera_ros.server.keeper import ServerKeeper, ServerState, ServerStatus
from vera_ros.server.modes import make_mode
from vera_ros.server.settings import ServerSettings
from vera_ros.server.sources import read_settings
from vera_ros.wire.connection.loop_thread import LoopThread

_PERIOD_S = 0.1
_LONGEST_STOP_S = 60.0  # if everything hangs: the modes' own time-outs end before
_IDLE = ServerStatus(ServerState.LOOKING, "nothing was started yet")
_PROVENANCE = ("embodiment", "planner_model", "idm_model", "git_head", "git_dirty", "hostname")


class ServerNode(VeraNode):
    """Finds or starts a server on configure; can be activated once the server is ready.

    A thread of its own runs the server; its reports wait in a queue for this node's timer.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("server_node", PARAMETERS, **options)
        own = {p.name: self.parameters[p.name] for p in PARAMETERS}
        sourced = read_settings(own, os.environ)
        self._settings: ServerSettings = sourced.settings
        for line in sourced.overrides:
            self.get_logger().info(line)
        self._log = self.get_logger().get_child("output")
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: LoopThread | None = None
        self._keeping: Future[None] | None = None
        self._status = _IDLE

    def setup(self) -> None:
        """Begin to find or start a server."""
        self.fault = None
        self._status = _IDLE
        mode = make_mode(
            self._settings,
            os.environ,
            lambda line: self._news.put(lambda: self._log.info(line)),
        )
        keeper = ServerKeeper(
            mode, self._settings, lambda status: self._news.put(lambda: self._note(status))
        )
        self._thread = LoopThread("policy_server", farewell=_nothing)
        self._keeping = self._thread.submit(keeper.run)
        self.create_timer(_PERIOD_S, self._follow, clock=STEADY)

    def waiting_to_start(self) -> str:
        """Return what is missing: a policy server that is ready."""
        return "" if self._status.state is ServerState.READY else "the policy server to be ready"

    def teardown(self) -> None:
        """Stop the server, if it was started here."""
        if self._thread is None:
            return
        if not self._thread.stop(_LONGEST_STOP_S):
            self.get_logger().error(f"the server did not end within {_LONGEST_STOP_S:g} s")
        self._thread = self._keeping = None
        self._hear()
        self._status = _IDLE

    def health(self) -> Health:
        """Report the server's state and provenance."""
        config = self._status.config
        values: dict[str, object] = {
            "mode": self._settings.server_mode,
            "url": self._settings.url,
            "state": self._status.state.name.lower(),
            "ours": self._status.ours,
        }
        if config is not None:
            values |= {name: getattr(config, name) for name in _PROVENANCE}
        if self.fault is not None:
            return Health(DiagnosticStatus.ERROR, str(self.fault), values, self._settings.url)
        ready = self._status.state is ServerState.READY
        level = DiagnosticStatus.OK if ready else DiagnosticStatus.WARN
        return Health(level, self._status.message, values, self._settings.url)

    def _follow(self) -> None:
        self._hear()
        if self._keeping is None or not self._keeping.done() or self.fault is not None:
            return
        error = self._keeping.exception()
        if isinstance(error, VeraRosError):
            self.fault = error
            self.get_logger().error(str(error))
        elif isinstance(error, Exception):
            self.fail(error)
        if self.active:
            self.trigger_deactivate()

    def _hear(self) -> None:
        while not self._news.empty():
            self._news.get_nowait()()

    def _note(self, status: ServerStatus) -> None:
        self._status = status
        if status.state is ServerState.LOST or status.unconfirmed:
            self.get_logger().warning(status.message)
        else:
            self.get_logger().info(status.message)


async def _nothing() -> None:
    """Do nothing: the thread has nothing to close."""


def main() -> NoReturn:
    """Entry point."""
    run_node(ServerNode)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The policy server of a run: which one it is, whether it is there, and how its loading goes."""

import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.graph_environment import with_environment
from vera_ros.bringup.graph_options import GraphOptions, Value
from vera_ros.bringup.isolation import free_port
from vera_ros.bringup.processes import Processes
from vera_ros.demo.display import Display
from vera_ros.demo.options import DemoOptions

_CONNECT_S = 5.0
_PROGRESS_S = 10.0


def graph_options(
    options: DemoOptions, environment: Mapping[str, str]
) -> tuple[GraphOptions, tuple[str, ...]]:
    """Return what makes the system, and a line for each option that the environment changes.

    A reference server listens on a port that is free; the others where a second run finds them.
    """
    graph, overrides = with_environment(
        GraphOptions(
            server=options.server,
            server_url=options.server_url or "",
            seed=options.seed,
            realtime_factor=options.realtime_factor,
            lockstep=options.lockstep,
            sabotage=options.sabotage,
            judge=False,  # the evaluator judges, and times
            config=options.config or "",
        ),
        environment,
    )
    parameters: dict[str, dict[str, Value]] = {n: dict(own) for n, own in graph.parameters.items()}
    if options.lockstep:
        parameters.setdefault("policy_node", {})["await_verdict"] = True
    if graph.server == "reference":
        parameters["reference_server"] = {"delay_s": options.server_delay_s}
        if not graph.server_url:
            graph = replace(graph, server_url=f"ws://127.0.0.1:{free_port()}")
    return replace(graph, parameters=parameters), overrides


def check_server(url: str) -> None:
    """Fail early, and clearly, when no server listens.

    Raises:
        DemoError: none does.
    """
    parts = urlsplit(url)
    port = parts.port or {"ws": 80, "wss": 443}[parts.scheme]
    try:
        socket.create_connection((str(parts.hostname), port), _CONNECT_S).close()
    except OSError as error:
        raise DemoError(
            f"no policy server at {url} ({error}); start it first, or leave --server away and the "
            "demo starts the reference server"
        ) from error


class Loading:
    """Tells from time to time what server_node says while the policy server loads."""

    def __init__(self, processes: Processes, display: Display) -> None:
        self._processes = processes
        self._display = display
        self._told_s = time.monotonic()
        self._told = ""

    def tell(self) -> None:
        """Tell it, if it is time and there is something new. To be called again and again."""
        if time.monotonic() - self._told_s < _PROGRESS_S:
            return
        self._told_s = time.monotonic()
        last = self._processes.tail_of("server_node").splitlines()[-1].strip()
        if last != self._told:
            self._told = last
            self._display.say(last)

# SPDX-License-Identifier: Apache-2.0
"""The policy server of a run: its options, whether it listens, and its progress in loading."""

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
from vera_ros.wire.connection.address import without_password

_CONNECT_S = 5.0
_PROGRESS_S = 10.0


def graph_options(
    options: DemoOptions, environment: Mapping[str, str]
) -> tuple[GraphOptions, tuple[str, ...]]:
    """Return the options of the graph, and a line for each one that the environment overrides.

    A reference server gets a free port; the others a fixed one, so that a second run finds them.
    """
    graph, overrides = with_environment(
        GraphOptions(
            embodiment=options.embodiment,
            server=options.server,
            server_url=options.server_url or "",
            seed=options.seed,
            realtime_factor=options.realtime_factor,
            lockstep=options.lockstep,
            sabotage=options.sabotage,
            judge=False,  # the evaluator judges, and keeps the time limit
            config=options.config or "",
            arm=options.arm,
        ),
        environment,
    )
    parameters: dict[str, dict[str, Value]] = {n: dict(own) for n, own in graph.parameters.items()}
    served = {"reference": ["reference_server"], "attach": []}.get(graph.server, ["server_node"])
    for name in ("sim_node", "policy_node", "ik_node", *served):
        # A file for another embodiment is then refused: its views or its server do not fit.
        parameters.setdefault(name, {})["embodiment"] = options.embodiment
    if options.table is not None:
        parameters.setdefault("sim_node", {})["table"] = options.table
    if options.lockstep:
        parameters.setdefault("policy_node", {})["await_verdict"] = True
    if graph.server == "reference":
        parameters["reference_server"]["delay_s"] = options.server_delay_s
        if not graph.server_url:
            graph = replace(graph, server_url=f"ws://127.0.0.1:{free_port()}")
    return replace(graph, parameters=parameters), overrides


def check_server(url: str) -> None:
    """Check that a server listens, so that a run without one fails early.

    Raises:
        DemoError: nothing listens at the address.
    """
    parts = urlsplit(url)
    port = parts.port or {"ws": 80, "wss": 443}[parts.scheme]
    try:
        socket.create_connection((str(parts.hostname), port), _CONNECT_S).close()
    except OSError as error:
        raise DemoError(
            f"no policy server at {without_password(url)} ({error}); start it first, or leave "
            "--server out and the demo starts the reference server"
        ) from error


class Loading:
    """Shows server_node's last log line from time to time while the policy server loads."""

    def __init__(self, processes: Processes, display: Display) -> None:
        self._processes = processes
        self._display = display
        self._looked_s = time.monotonic()
        self._shown = ""

    def tell(self) -> None:
        """Show the line if that is due and it has changed. To be called repeatedly."""
        if time.monotonic() - self._looked_s < _PROGRESS_S:
            return
        self._looked_s = time.monotonic()
        last = self._processes.tail_of("server_node").splitlines()[-1].strip()
        if last != self._shown:
            self._shown = last
            self._display.say(last)

# SPDX-License-Identifier: Apache-2.0
"""Check of the ports that a policy server listens on, and of the processes that hold them."""

from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from vera_ros.doctor.finding import Finding, failure, not_needed, ok

NAME = "ports"


@dataclass(frozen=True)
class Holder:
    """A process that listens on a port.

    Attributes:
        name: of the process; empty: another user's process.
        pid: of the process; None: another user's process.
    """

    name: str = ""
    pid: int | None = None

    def __str__(self) -> str:
        """Return name and pid as text."""
        return f"{self.name} (pid {self.pid})" if self.pid else "a process of another user"


def is_local(host: str) -> bool:
    """Return whether a host name or address is that of this machine."""
    own = {address.address for group in psutil.net_if_addrs().values() for address in group}
    return host == "localhost" or host.startswith("127.") or host in own


def holder_of(port: int) -> Holder | None:
    """Return the process that listens on a TCP port of this machine; None: none does."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
            if connection.pid is None:
                return Holder()
            try:
                return Holder(psutil.Process(connection.pid).name(), connection.pid)
            except psutil.Error:
                return Holder()
    return None


def judge(holders: Mapping[int, Holder | None], viewer_port: int, *, running: bool) -> Finding:
    """Check that the ports are free, or held by the expected server.

    Args:
        holders: of the server's ports; empty: the server is on another machine.
        viewer_port: the live viewer's; 0: no viewer.
        running: whether the expected server answers.
    """
    if not holders:
        return not_needed(NAME, "the policy server is on another machine")
    words = [
        f"{port} is {'free' if holder is None else f'held by {holder}'}"
        for port, holder in holders.items()
    ]
    if holders.get(viewer_port) is not None and not running:
        return failure(
            NAME,
            f"{', '.join(words)}: the live viewer cannot listen there, and VERA does not start",
            "stop that process, or choose another vis_port (VERA_VIS_PORT; 0: no viewer)",
        )
    return ok(NAME, ", ".join(words))

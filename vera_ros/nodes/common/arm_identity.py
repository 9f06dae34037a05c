# SPDX-License-Identifier: Apache-2.0
"""Identities of ik_nodes, and detection of several that serve the same arm."""

import os
import secrets
import socket
from typing import Any

from vera_ros.printable import printable

_NAMED = 3  # in a message
_TRACKED = 32
_LIVE_S = 2.0  # arm_status is repeated at least once a second


def identity(node: Any) -> str:
    """Return a readable name that is unique among all ik_nodes of all machines.

    Containers may share host name and process id, so it ends in a few random digits.
    """
    return printable(
        f"{node.get_fully_qualified_name()} on {socket.gethostname()}, process {os.getpid()}, "
        f"{secrets.token_hex(3)}"
    )


def double(identities: list[str]) -> str:
    """Return the message for several ik_nodes where there should be one."""
    named = "; ".join(identities[:_NAMED]) + "; …" * (len(identities) > _NAMED)
    return (
        f"{len(identities)} ik_nodes answer here: {named}. The same graph runs twice, or two "
        "graphs share their topics: stop one, or give each a namespace of its own"
    )


class RollCall:
    """Tracks which nodes are alive, by the names that they publish periodically.

    Times are steady time [s]. A node that was killed and its successor do not overlap: the former
    is not heard again once the latter has started. Of very many, some are forgotten.
    """

    def __init__(self) -> None:
        self._heard: dict[str, tuple[float, float]] = {}

    def record(self, name: str, now_s: float) -> None:
        """Record that `name` was received."""
        if name not in self._heard and len(self._heard) >= _TRACKED:
            live = self.live(now_s)[:_NAMED]
            self._heard = {one: self._heard[one] for one in live}
        first_s, last_s = self._heard.get(name, (now_s, now_s))
        self._heard[name] = (first_s if now_s - last_s <= _LIVE_S else now_s, now_s)

    def live(self, now_s: float) -> list[str]:
        """Return the names received within the last seconds, in alphabetical order."""
        heard = self._heard.items()
        return sorted(name for name, (_, last_s) in heard if now_s - last_s <= _LIVE_S)

    def together(self, now_s: float) -> list[str]:
        """Return the names that are live together with another; empty: at most one is live."""
        live = self.live(now_s)
        return [one for one in live if any(self._overlap(one, other) for other in live)]

    def _overlap(self, one: str, other: str) -> bool:
        (first_s, last_s), (others_first_s, others_last_s) = self._heard[one], self._heard[other]
        return one != other and max(first_s, others_first_s) <= min(last_s, others_last_s)

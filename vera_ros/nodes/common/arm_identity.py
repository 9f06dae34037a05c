# SPDX-License-Identifier: Apache-2.0
"""Which ik_node is which: chunks are for one arm, and two that answer are one too many."""

import os
import secrets
import socket
from typing import Any

_LIVE_S = 2.0  # arm_status is repeated once a second at least


def identity(node: Any) -> str:
    """A name for a person to read that no other ik_node has, on this machine or another one.

    Containers may share host name and process id, so a few random digits end it.
    """
    return (
        f"{node.get_fully_qualified_name()} on {socket.gethostname()}, process {os.getpid()}, "
        f"{secrets.token_hex(3)}"
    )


def double(identities: list[str]) -> str:
    """Say that these arms answer where there should be one, and what to do."""
    return (
        f"{len(identities)} ik_nodes answer here: {'; '.join(identities)}. The same graph runs "
        "twice, or two graphs share their topics: stop one, or give each a namespace of its own"
    )


class RollCall:
    """Who has spoken of those that repeat their names again and again.

    Times are steady time [s]. One that was killed and its successor are not there together: the
    former is not heard again once the latter has begun.
    """

    def __init__(self) -> None:
        self._heard: dict[str, tuple[float, float]] = {}

    def hear(self, name: str, now_s: float) -> None:
        """Take note that one has spoken."""
        first_s, last_s = self._heard.get(name, (now_s, now_s))
        self._heard[name] = (first_s if now_s - last_s <= _LIVE_S else now_s, now_s)

    def live(self, now_s: float) -> list[str]:
        """Names of those that were heard a moment ago, in alphabetical order."""
        heard = self._heard.items()
        return sorted(name for name, (_, last_s) in heard if now_s - last_s <= _LIVE_S)

    def together(self, now_s: float) -> list[str]:
        """Names of those that live at the same time as another one; empty: there is one at most."""
        live = self.live(now_s)
        return [one for one in live if any(self._overlap(one, other) for other in live)]

    def _overlap(self, one: str, other: str) -> bool:
        (first_s, last_s), (others_first_s, others_last_s) = self._heard[one], self._heard[other]
        return one != other and max(first_s, others_first_s) <= min(last_s, others_last_s)

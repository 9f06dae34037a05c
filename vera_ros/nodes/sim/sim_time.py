# SPDX-License-Identifier: Apache-2.0
"""The interface of simulated time, which SimRealTime and SimLockstep implement."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Stream:
    """Something that is published periodically in simulated time.

    Attributes:
        rate_hz: its rate in simulated time [Hz].
        publish: publishes the present state.
    """

    rate_hz: float
    publish: Callable[[], None]


class SimTime(Protocol):
    """Advances the simulated world, and publishes the streams that are due."""

    @property
    def running(self) -> bool:
        """Whether time was started, and not stopped."""
        ...

    @property
    def realtime_factor(self) -> float:
        """Simulated over real time; 0: undefined."""
        ...

    def stamp_ns(self) -> int:
        """Return the present's stamp [ns]."""
        ...

    def start(self) -> None:
        """Let time pass."""
        ...

    def stop(self) -> None:
        """Let time stand still."""
        ...

    def catch_up(self) -> None:
        """Advance the world to the present; the caller holds the world's lock."""
        ...

    def note_trajectory(self, name: str) -> None:
        """Record that a controller, `arm` or `gripper`, has accepted a trajectory."""
        ...

    async def set_scene(self, reset: Callable[[], None]) -> str:
        """Set a scene by calling `reset`; return why that failed, empty: success."""
        ...

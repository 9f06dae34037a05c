# SPDX-License-Identifier: Apache-2.0
"""The interface of simulated time, as SimRealTime and SimLockstep have it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Stream:
    """Something that is published again and again while time passes.

    Attributes:
        rate_hz: how often, in simulated time.
        publish: publishes the present.
    """

    rate_hz: float
    publish: Callable[[], None]


class SimTime(Protocol):
    """Moves the simulated world on, and has published what is due."""

    @property
    def running(self) -> bool:
        """Whether it was started, and not stopped."""
        ...

    @property
    def realtime_factor(self) -> float:
        """Simulated over real time; 0 where that means nothing."""
        ...

    def stamp_ns(self) -> int:
        """The present moment's stamp [ns]."""
        ...

    def start(self) -> None:
        """Let time pass."""
        ...

    def stop(self) -> None:
        """Let time stand still."""
        ...

    def catch_up(self) -> None:
        """Bring the world to the present moment; the caller holds the world's lock."""
        ...

    def note_trajectory(self, name: str) -> None:
        """A controller, arm or gripper, has accepted a trajectory."""
        ...

    async def set_scene(self, reset: Callable[[], None]) -> str:
        """Set a scene by calling `reset`; return why that failed, empty: it did not."""
        ...

# SPDX-License-Identifier: Apache-2.0
"""Interface for the reports of a Supervisor."""

from typing import Protocol

from vera_ros.motion.causes import Reason
from vera_ros.motion.chunk import ChunkRequest
from vera_ros.motion.planning.active_plan import Playing


class Listener(Protocol):
    """Receives what becomes of chunks, moves and stops."""

    def awaiting(self, playing: Playing, planning_s: float) -> None:
        """A chunk was planned, and waits for approval."""

    def rejected(self, chunk: ChunkRequest, reason: Reason) -> None:
        """A chunk that was being planned, or waited for approval, is not played."""

    def accepted(self, playing: Playing, planning_s: float) -> None:
        """A chunk or move was sent."""

    def superseded(self, playing: Playing) -> None:
        """The next chunk of the episode has taken over."""

    def stepped(self, playing: Playing) -> None:
        """Another action has been played."""

    def finished(self, playing: Playing) -> None:
        """The plan was played to its end, and the arm rests."""

    def aborted(self, playing: Playing, reason: Reason) -> None:
        """The plan was stopped before its end."""

    def rested(self, success: bool, message: str) -> None:
        """The arm has come to rest after a stop (`success`); or it has not, or that is unknown."""

    def warned(self, message: str) -> None:
        """Something happened that an operator should know."""

# SPDX-License-Identifier: Apache-2.0
"""Planning of a chunk, in any thread, while the arm is supervised."""

from collections.abc import Callable
from dataclasses import dataclass

from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.chunk import ChunkRequest, Measured
from vera_ros.motion.execution.chunk_scheduler import ChunkScheduler
from vera_ros.motion.execution.playback_state import PlaybackState
from vera_ros.motion.execution.scheduled_motion import ScheduledMotion

_TRIES = 2  # at a plan that is ready before it is to take over
_ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Clocks:
    """Clocks to read while a chunk is planned.

    Attributes:
        steady: steady time [s].
        present: ROS time [s], in any thread; None: it stands still meanwhile.
    """

    steady: Callable[[], float]
    present: Callable[[], float] | None = None


class PlanningJob:
    """Plans one chunk. Times are ROS time [s].

    Args:
        scheduler: plans it.
        playback: what the arm plays, and what it was sent until now.
        chunk: what is to be played.
        measured: where the arm is.
        now_s: the present.
        approval: whether it is to wait for approval once it is planned.
        most_s: how long planning may take [s].
        clocks: give the time meanwhile.

    Attributes:
        chunk: what is to be played.
        approval: whether it is to wait for approval.
        dropped: why nothing of it may be played any more; None: it may.
    """

    def __init__(
        self,
        scheduler: ChunkScheduler,
        playback: PlaybackState,
        chunk: ChunkRequest,
        measured: Measured,
        now_s: float,
        *,
        approval: bool,
        most_s: float,
        clocks: Clocks,
    ) -> None:
        self._scheduler = scheduler
        self._playback = playback
        self._measured = measured
        self._now_s = now_s
        self._most_s = most_s
        self._clocks = clocks
        self.chunk = chunk
        self.approval = approval
        self.dropped: Reason | None = None

    def drop(self, reason: Reason) -> Reason:
        """Make the job void; return why its chunk is refused."""
        words = f"{reason.message}; nothing is played of the chunk that was being planned"
        self.dropped = Reason(reason.cause, words)
        return self.dropped

    def run(self) -> tuple[ScheduledMotion, float]:
        """Plan the chunk; return the plan, and how long planning took [s].

        It reads nothing that changes except the clocks, so it may run in a thread of its own.

        Raises:
            MotionRefusedError: nothing of the chunk can be played.
        """
        began_s = self._clocks.steady()
        prepared = self._in_time()
        took_s = self._clocks.steady() - began_s
        if took_s > self._most_s and not self._time_stands_still():
            raise MotionRefusedError(
                Cause.PLANNING_TOO_SLOW,
                f"planning took {took_s:.3f} s; valid is up to {self._most_s} s; nothing of the "
                "chunk is played; is the machine overloaded?",
            )
        return prepared, took_s

    def _time_stands_still(self) -> bool:
        """Whether ROS time has not moved since planning began, as in lockstep: nothing is late."""
        present = self._clocks.present
        return present is not None and present() == self._now_s

    def _in_time(self) -> ScheduledMotion:
        """Plan so that the plan is ready before it takes over; if it is not, retry once."""
        present, later_s = self._clocks.present, 0.0
        for _ in range(_TRIES):
            if self.dropped is not None:
                raise self.dropped.refused()
            prepared = self._scheduler.prepare(
                self._playback, self.chunk, self._measured, self._now_s, later_s
            )
            if present is None or prepared.from_rest:
                return prepared
            present_s = present()
            # Where time stands still, what is sent arrives at once.
            lead_s = self._scheduler.lead_s if present_s != self._now_s else 0.0
            late_s = present_s + lead_s - prepared.begins_s
            if late_s <= _ROUNDING_S:
                return prepared
            later_s = 2.0 * (present_s - self._now_s)
        raise MotionRefusedError(
            Cause.CHUNK_TOO_OLD,
            f"the chunk was planned {late_s:.3f} s too late to arrive before it takes over; "
            "nothing of it is played; is the machine overloaded?",
        )

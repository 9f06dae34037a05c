# SPDX-License-Identifier: Apache-2.0
"""Whether a chunk comes in time to mean anything. Times are ROS time [s]."""

import math

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import ChunkRequest
from vera_ros.motion.observation.arm_observation import SupervisionLimits

_ROUNDING_S = 1e-6
_FUTURE_S = 0.02  # clocks that are synchronized, and steps of /clock, are not further apart


class ChunkDeadlines:
    """Knows when a chunk is of the past.

    Args:
        limits: supervision thresholds.
    """

    def __init__(self, limits: SupervisionLimits) -> None:
        self._limits = limits
        self._stopped_s = -math.inf

    def stopped(self, now_s: float) -> None:
        """Note a stop: chunks that were sent before it are not played after it."""
        self._stopped_s = now_s

    def later(self, by_s: float) -> None:
        """The clock was set forward by so much."""
        self._stopped_s += by_s

    def forget(self) -> None:
        """Time was turned back."""
        self._stopped_s = -math.inf

    def refuse_late(self, chunk: ChunkRequest, now_s: float) -> None:
        """Refuse what was long under way: its episode may be over, or paused, since.

        Raises:
            MotionRefusedError: it was.
        """
        if chunk.sent_s is None:
            return
        late_s, most_s = now_s - chunk.sent_s - chunk.waited_s, self._limits.chunk_max_delay_s
        if late_s > most_s:
            raise MotionRefusedError(
                Cause.CHUNK_TOO_OLD,
                f"the chunk was sent {late_s:.2f} s ago; valid is up to {most_s} s; nothing of it "
                "is played; is the network slow, or do the machines' clocks differ?",
            )
        if late_s < -_FUTURE_S:
            raise MotionRefusedError(
                Cause.CLOCKS_DIFFER,
                f"the chunk was sent {-late_s:.3f} s from now, by its stamp; valid is the present; "
                "nothing of it is played; synchronize the clocks of the machines, for instance "
                "with chrony",
            )
        if chunk.sent_s < self._stopped_s:
            raise MotionRefusedError(
                Cause.CHUNK_TOO_OLD,
                "the chunk was sent before the last stop was asked for; nothing of it is played",
            )

    def refuse_overtaken(self, begins_s: float, now_s: float) -> None:
        """Refuse a plan that should have taken over before it could be sent.

        Raises:
            MotionRefusedError: the controller would enter it behind its beginning.
        """
        late_s = now_s - begins_s
        if late_s > _ROUNDING_S:
            raise MotionRefusedError(
                Cause.CHUNK_TOO_OLD,
                f"the chunk is planned {late_s:.3f} s after it should have taken over; nothing of "
                "it is played; is the machine overloaded?",
            )

    def refuse_old(self, chunk: ChunkRequest, now_s: float) -> None:
        """Refuse what was planned from what was seen too long ago.

        Raises:
            MotionRefusedError: it was.
        """
        most_s = self._limits.chunk_max_age_s
        if chunk.stamp_s is not None and now_s - chunk.stamp_s > most_s:
            raise MotionRefusedError(
                Cause.CHUNK_TOO_OLD,
                f"the chunk was planned from what was seen {now_s - chunk.stamp_s:.2f} s ago; "
                f"valid is up to {most_s} s; nothing of it is played",
            )

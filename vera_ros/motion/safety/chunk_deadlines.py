# SPDX-License-Identifier: Apache-2.0
"""Refuses late, outdated or repeated chunks. Times are ROS time [s]."""

import math

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import ChunkRequest
from vera_ros.motion.observation.arm_observation import SupervisionLimits

_ROUNDING_S = 1e-6
_FUTURE_S = 0.02  # synchronized clocks, and steps of /clock, differ by no more


class ChunkDeadlines:
    """Refuses chunks that are late, outdated or repeated.

    Args:
        limits: supervision thresholds.
    """

    def __init__(self, limits: SupervisionLimits) -> None:
        self._limits = limits
        self._stopped_s = -math.inf
        self._last: ChunkRequest | None = None  # that was taken up

    def stopped(self, now_s: float) -> None:
        """Note a stop: chunks that were sent before it are not played after it."""
        self._stopped_s = now_s

    def later(self, by_s: float) -> None:
        """Shift the time of the last stop by `by_s`, by which the clock was set forward."""
        self._stopped_s += by_s
        self._last = None if self._last is None else self._last.later(by_s)

    def forget(self) -> None:
        """Forget the last stop and chunk, since time was turned back."""
        self._stopped_s, self._last = -math.inf, None

    def refuse_late(self, chunk: ChunkRequest, now_s: float) -> None:
        """Refuse a chunk that was long under way: its episode may have ended or paused since.

        Raises:
            MotionRefusedError: it was sent too long ago, in the future, or before the last stop.
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
                f"the chunk was sent {-late_s:.3f} s from now, by its stamp; valid is up to "
                f"{_FUTURE_S} s; nothing of it is played; synchronize the clocks of the machines, "
                "for instance with chrony",
            )
        if chunk.sent_s < self._stopped_s:
            raise MotionRefusedError(
                Cause.CHUNK_TOO_OLD,
                "the chunk was sent before the last stop; nothing of it is played",
            )

    def refuse_repeated(self, chunk: ChunkRequest) -> None:
        """Refuse a chunk that was taken up already, or sent before one that was; else note it.

        The same chunk may have another time than before, where the controller's clock is estimated.

        Raises:
            MotionRefusedError: somebody repeats what they received, or the network did.
        """
        last = self._last
        if chunk.sent_s is None:
            return
        if last is not None and last.sent_s is not None:
            again = (chunk.session_id, chunk.sequence) == (last.session_id, last.sequence)
            if chunk.sent_s < last.sent_s or (again and chunk.sent_s <= last.sent_s + _FUTURE_S):
                raise MotionRefusedError(
                    Cause.CHUNK_TOO_OLD,
                    f"the chunk was sent {last.sent_s - chunk.sent_s:.3f} s before the last one "
                    "that was taken up, or is the same; nothing of it is played; does another node "
                    "repeat chunks?",
                )
        self._last = chunk

    def refuse_overtaken(self, begins_s: float, now_s: float) -> None:
        """Refuse a plan that should have taken over before it could be sent.

        Raises:
            MotionRefusedError: the controller would miss its beginning.
        """
        late_s = now_s - begins_s
        if late_s > _ROUNDING_S:
            raise MotionRefusedError(
                Cause.CHUNK_TOO_OLD,
                f"the chunk was planned {late_s:.3f} s after it should have taken over; nothing of "
                "it is played; is the machine overloaded?",
            )

    def refuse_old(self, chunk: ChunkRequest, now_s: float) -> None:
        """Refuse a chunk that was inferred from outdated frames.

        Raises:
            MotionRefusedError: the frames are older than `chunk_max_age_s`.
        """
        most_s = self._limits.chunk_max_age_s
        if chunk.stamp_s is not None and now_s - chunk.stamp_s > most_s:
            raise MotionRefusedError(
                Cause.CHUNK_TOO_OLD,
                f"the chunk was inferred from frames taken {now_s - chunk.stamp_s:.2f} s ago; "
                f"valid is up to {most_s} s; nothing of it is played",
            )

# SPDX-License-Identifier: Apache-2.0
"""What the arm side is told, and what it is told of the arm. Times are ROS time [s]."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.trajectory import ArmState

CLOCK_STEP_S = 0.01  # where the time comes by /clock, it comes in steps
_LONGEST_LEAD_S = 10.0
_ROUNDING = 1e-3  # of an action: ROS times have no more than some 1e-7 s

# Shortest and longest duration of one action.
ACTION_S = (0.005, 1.0)


@dataclass(frozen=True)
class Measured:
    """The arm's measured state.

    Attributes:
        q: joint positions. Shape (n,), [rad].
        dq: joint velocities. Shape (n,), [rad/s].
        finger_m: finger position; None without a gripper.
        stamp_s: when it was measured, ROS time.
        received_s: when it arrived, steady time.
    """

    q: Vector
    dq: Vector
    finger_m: float | None
    stamp_s: float
    received_s: float

    @property
    def arm(self) -> ArmState:
        """The arm's part."""
        return ArmState(self.q, self.dq, self.stamp_s)

    def moved_on(self, time_s: float) -> "Measured":
        """Where it is some moments later, if it goes on as it moved. `time_s`: ROS time."""
        passed_s = max(0.0, time_s - self.stamp_s)
        return replace(self, q=self.q + self.dq * passed_s, stamp_s=self.stamp_s + passed_s)

    @property
    def speed_rad_s(self) -> float:
        """Of the fastest joint."""
        return float(np.abs(self.dq).max(initial=0.0))


@dataclass(frozen=True)
class ChunkRequest:
    """A chunk, as the arm side gets it.

    Attributes:
        deltas: of the actions that are to be played. Shape (H, 6), [m, rad], base frame.
        close: gripper command per action, dropped ones included. Shape (dropped + H,), or (0,) for
            none.
        control_dt_s: duration of one action.
        session_id: the episode's; the response model's state carries over within one.
        sequence: the chunk's number.
        start_s: when the first action begins, ROS time; None: as soon as possible.
        stamp_s: when that was seen which it was planned from, ROS time; None: not told.
        sent_s: when it was sent, ROS time of the sender; None: not told.
        dropped: leading actions that are not played, since their time had passed.
        waited_s: it came in time, and waited so long for joint states that agree.
    """

    deltas: Vector
    close: npt.NDArray[np.bool_]
    control_dt_s: float
    session_id: str
    sequence: int
    start_s: float | None = None
    stamp_s: float | None = None
    sent_s: float | None = None
    dropped: int = 0
    waited_s: float = 0.0

    def later(self, by_s: float) -> "ChunkRequest":
        """The same on a clock that is ahead by so much."""

        def shifted(time_s: float | None) -> float | None:
            return None if time_s is None else time_s + by_s

        return replace(
            self,
            start_s=shifted(self.start_s),
            stamp_s=shifted(self.stamp_s),
            sent_s=shifted(self.sent_s),
        )

    def for_later(self) -> "ChunkRequest":
        """The same for whenever it is asked for, however long ago it was sent by then."""
        return replace(self, start_s=None, sent_s=None)

    def from_time(self, soonest_s: float) -> "ChunkRequest":
        """What of it begins no sooner than a time; without a time of its own, all of it.

        Raises:
            MotionRefusedError: nothing is left of it.
        """
        if self.start_s is None or self.start_s >= soonest_s:
            return self
        return self._rest(self.start_s, soonest_s)

    def due(self, now_s: float, soonest_s: float) -> tuple["ChunkRequest", float, float]:
        """What of it is still to come, the present, and how long until that begins.

        Where its time is the present, give or take a step of the clock, the present is its time.

        Args:
            now_s: the present.
            soonest_s: when a chunk whose time has passed can begin.

        Raises:
            MotionRefusedError: it is too early, or nothing is left of it.
        """
        if self.start_s is None:
            return self, now_s, 0.0
        lead_s = self.start_s - now_s
        if not -np.inf < lead_s <= _LONGEST_LEAD_S:
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"the chunk begins {lead_s:.3f} s from now; valid is up to {_LONGEST_LEAD_S} s; "
                "nothing of it is played",
            )
        if lead_s < -CLOCK_STEP_S:
            return self._rest(self.start_s, soonest_s).due(now_s, soonest_s)
        if lead_s <= CLOCK_STEP_S:
            return self, self.start_s, 0.0
        return self, now_s, lead_s

    def _rest(self, start_s: float, soonest_s: float) -> "ChunkRequest":
        """The actions that begin no sooner than a time, each at the time that it has."""
        past = math.ceil((soonest_s - start_s) / self.control_dt_s - _ROUNDING)
        if past >= len(self.deltas):
            raise MotionRefusedError(
                Cause.CHUNK_TOO_OLD,
                f"the chunk lasts {len(self.deltas) * self.control_dt_s:.3f} s and was to begin "
                f"{soonest_s - start_s:.3f} s before it now can; nothing of it is played; send "
                "longer chunks, or send them sooner",
            )
        return replace(
            self,
            deltas=self.deltas[past:],
            start_s=start_s + past * self.control_dt_s,
            dropped=self.dropped + past,
        )

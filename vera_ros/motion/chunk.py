# SPDX-License-Identifier: Apache-2.0
"""Inputs of the motion side: chunk requests and measured states. Times are ROS time [s]."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.trajectory import ArmState

CLOCK_STEP_S = 0.01  # ROS time that comes from /clock advances in steps of up to this
_LONGEST_LEAD_S = 10.0
_ROUNDING = 1e-3  # share of an action; ROS times as floats are exact to some 1e-7 s only

# Shortest and longest duration of one action.
ACTION_S = (0.005, 1.0)
MOST_ACTIONS = 4096  # of a chunk; far above any checkpoint


@dataclass(frozen=True)
class Measured:
    """The arm's measured state.

    Attributes:
        q: joint positions. Shape (n,), [rad or m].
        dq: joint velocities. Shape (n,), [rad/s or m/s].
        finger_m: finger position; None without a gripper.
        stamp_s: when it was measured, ROS time.
        received_s: when it arrived, steady time.
        slides: indices of the joints that slide; all others turn.
    """

    q: Vector
    dq: Vector
    finger_m: float | None
    stamp_s: float
    received_s: float
    slides: frozenset[int] = frozenset()

    @property
    def arm(self) -> ArmState:
        """The arm's state, without the finger."""
        return ArmState(self.q, self.dq, self.stamp_s)

    def moved_on(self, time_s: float) -> "Measured":
        """Extrapolate to `time_s` (ROS time) at the measured velocity."""
        passed_s = max(0.0, time_s - self.stamp_s)
        return replace(self, q=self.q + self.dq * passed_s, stamp_s=self.stamp_s + passed_s)

    @property
    def speed_rad_s(self) -> float:
        """Speed of the fastest joint [rad/s, of one that slides m/s]."""
        return float(np.abs(self.dq).max(initial=0.0))

    @property
    def speed(self) -> str:
        """Speed of the fastest joint, in words."""
        return f"{self.speed_rad_s:.3f} {self.speed_unit}"

    @property
    def speed_unit(self) -> str:
        """Unit of the speed of the fastest joint."""
        return f"{self.unit(int(np.abs(self.dq).argmax()) if len(self.dq) else 0)}/s"

    def unit(self, joint: int) -> str:
        """Return the unit of a joint's position: rad or m."""
        return "m" if joint in self.slides else "rad"


@dataclass(frozen=True)
class ChunkRequest:
    """A chunk of actions that is to be planned and played.

    Attributes:
        actions: translation and axis-angle rotation of each, base frame, Shape (H, 6), [m, rad];
            or displacements or targets of the joints, Shape (H, n), [rad or m].
        close: gripper command of each action, dropped ones included; true: close. Shape
            (dropped + H,), or (0,) for none.
        control_dt_s: duration of one action.
        session_id: of the episode; the response model's state carries over within one.
        sequence: the chunk's number.
        start_s: when the first action begins, ROS time; None: as soon as possible.
        stamp_s: when the frames that it was inferred from were taken, ROS time; None: unknown.
        sent_s: when it was sent, ROS time of the sender; None: unknown.
        dropped: number of leading actions that are not played, since their time had passed.
        waited_s: how long it was kept waiting here until joint states agreed.
    """

    actions: Vector
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
        """Return the chunk with its times on a clock that is ahead by `by_s`."""

        def shifted(time_s: float | None) -> float | None:
            return None if time_s is None else time_s + by_s

        return replace(
            self,
            start_s=shifted(self.start_s),
            stamp_s=shifted(self.stamp_s),
            sent_s=shifted(self.sent_s),
        )

    def for_later(self) -> "ChunkRequest":
        """Return the chunk without start and sending times, for playing it once it is approved."""
        return replace(self, start_s=None, sent_s=None)

    def from_time(self, soonest_s: float) -> "ChunkRequest":
        """Drop actions scheduled before `soonest_s`; unscheduled chunks pass unchanged.

        Raises:
            MotionRefusedError: no action is left.
        """
        if self.start_s is None or self.start_s >= soonest_s:
            return self
        return self._remaining(self.start_s, soonest_s)

    def due(self, now_s: float, soonest_s: float) -> tuple["ChunkRequest", float, float]:
        """Return the actions still to come, the present, and the time until they begin [s].

        For a chunk that begins within one clock step of `now_s`, the present is its start time.

        Args:
            now_s: the present.
            soonest_s: earliest time at which a chunk that is overdue can begin.

        Raises:
            MotionRefusedError: it begins too far in the future, or no action is left.
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
            return self._remaining(self.start_s, soonest_s).due(now_s, soonest_s)
        if lead_s <= CLOCK_STEP_S:
            return self, self.start_s, 0.0
        return self, now_s, lead_s

    def _remaining(self, start_s: float, soonest_s: float) -> "ChunkRequest":
        """Return the actions that begin at `soonest_s` or later, at their own times."""
        past = math.ceil((soonest_s - start_s) / self.control_dt_s - _ROUNDING)
        if past >= len(self.actions):
            raise MotionRefusedError(
                Cause.CHUNK_TOO_OLD,
                f"the chunk lasts {len(self.actions) * self.control_dt_s:.3f} s; its start time is "
                f"{soonest_s - start_s:.3f} s before the earliest possible one; nothing of it is "
                "played; send longer chunks, or send them sooner",
            )
        return replace(
            self,
            actions=self.actions[past:],
            start_s=start_s + past * self.control_dt_s,
            dropped=self.dropped + past,
        )

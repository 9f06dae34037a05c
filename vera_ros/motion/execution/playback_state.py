# SPDX-License-Identifier: Apache-2.0
"""Playback state of an arm: what it plays, what it was sent, and what may come next.

Times are the controller's [s].
"""

import math
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import Measured
from vera_ros.motion.gripper.gripper import Gripper
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.response.model import State
from vera_ros.motion.setpoint.setpoint import START_SLACK_RAD, UNKNOWN, Setpoint

_SAME_RAD = 5e-3  # an arm that moved by less has stayed where it was


@dataclass(frozen=True)
class PlaybackState:
    """What an arm plays, and what it was sent so far. Immutable: any thread may plan from it.

    Attributes:
        playing: the plan that is played; None: none is.
        stopping: the stop that was sent last, until the arm was seen at rest.
        session_id: the episode of the chunk that was sent last.
        before: the response's state at that chunk's end; None: another motion came since.
        gripper: what is known of the fingers; None: there is no gripper.
        fingers_before: the same as it was before a stop; None: no stop was sent last.
        setpoint: what the controller commands.
        rested_q: where the arm was measured when it came to rest last; None: it was not, or has
            been sent something since. Shape (n,), [rad].
        parts_s: when what was sent last parts from what played before.
        replaced: the plan that played before it; None: none did.
        missed: plan that the controller had not taken up when it was stopped again, and still may.
        live: whether the arm plays what is sent; false in a dry run, where it stands still.
    """

    playing: Playing | None = None
    stopping: Playing | None = None
    session_id: str = ""
    before: State | None = None
    gripper: Gripper | None = None
    fingers_before: Gripper | None = None
    setpoint: Setpoint = UNKNOWN
    rested_q: Vector | None = None
    parts_s: float = -math.inf
    replaced: Playing | None = None
    missed: Playing | None = None
    live: bool = True

    def start_q(self, measured: Measured, most_rad: float) -> tuple[Vector, bool]:
        """Return where a motion from rest begins, and whether the set-point is there.

        It begins (Shape (n,), [rad]) where the controller holds the arm, so that the arm's offset
        from there does not add up. An arm that is too far away may not be held there, so for that
        one it begins where the arm is measured.

        Raises:
            MotionRefusedError: the arm came to rest elsewhere, and is still there.
        """
        if not self.live:
            return measured.q, True
        end_q = self.setpoint.end_q
        if end_q is None:
            return measured.q, False
        off = np.abs(end_q - measured.q)
        if off.max() <= most_rad + START_SLACK_RAD:
            return end_q, True
        stayed = self.rested_q is not None and np.abs(self.rested_q - measured.q).max() < _SAME_RAD
        if stayed:  # beginning there would push it further off each time
            joint = int(np.argmax(off))
            unit = measured.unit(joint)
            raise MotionRefusedError(
                Cause.SETPOINT_UNKNOWN,
                f"joint {joint + 1} came to rest {off[joint]:.3f} {unit} from where it was sent; "
                f"valid is up to {most_rad} {unit} (start_tolerance); check what holds the arm, "
                "and its encoders; restart its controller, then deactivate and activate ik_node; "
                "nothing is sent",
            )
        return measured.q, False

    @property
    def _moves_by(self) -> Playing | None:
        return self.playing or self.stopping

    @property
    def unsent(self) -> bool:
        """Whether what is played moves no joint, and was not sent: see `Dispatcher.send`."""
        return self.live and not self.setpoint.known

    def moving(self, now_s: float) -> bool:
        """Whether a plan or a stop is being played."""
        moving = self._moves_by
        return moving is not None and not moving.finished(now_s) and not self.unsent

    def plays_for(self, session_id: str) -> bool:
        """Whether a chunk of this episode is being played."""
        playing = self.playing
        return (
            playing is not None
            and playing.plan.chunk is not None
            and playing.session_id == session_id
        )

    def refuse_other_motion(self, now_s: float) -> None:
        """Raise MotionRefusedError while something is played."""
        moving = self._moves_by
        if moving is None or moving.finished(now_s):
            return
        raise MotionRefusedError(
            Cause.BUSY,
            f"another plan is being played, for {moving.end_s - now_s:.2f} s more; wait for its "
            "end",
        )

    def present(self, now_s: float) -> float:
        """Return the later of the time and the start of what was sent last."""
        moving = self._moves_by
        return now_s if moving is None or self.unsent else max(now_s, moving.start_s)

    def later(self, by_s: float) -> "PlaybackState":
        """Return the same when the controller's clock was set forward by `by_s`; negative: back."""
        gripper, before = copy(self.gripper), copy(self.fingers_before)
        for fingers in (gripper, before):
            if fingers is not None:
                fingers.later(by_s)
        return replace(
            self,
            playing=None if self.playing is None else self.playing.later(by_s),
            stopping=None if self.stopping is None else self.stopping.later(by_s),
            setpoint=self.setpoint.later(by_s),
            parts_s=self.parts_s + by_s,
            replaced=None if self.replaced is None else self.replaced.later(by_s),
            missed=None if self.missed is None else self.missed.later(by_s),
            gripper=gripper,
            fingers_before=before,
        )

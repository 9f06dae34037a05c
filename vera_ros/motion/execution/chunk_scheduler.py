# SPDX-License-Identifier: Apache-2.0
"""Plans a chunk in the light of what the arm was told before. It keeps nothing, and sends nothing.

Times are the controller's [s], given by the caller.
"""

import math
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import CLOCK_STEP_S, ChunkRequest, Measured
from vera_ros.motion.gripper.gripper import Gripper, GripperPlan, plan_fingers
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.plan import Plan
from vera_ros.motion.planning.start import in_motion
from vera_ros.motion.response.model import State
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.motion.setpoint.setpoint import START_SLACK_RAD, UNKNOWN, Setpoint
from vera_ros.motion.trajectory import ArmState
from vera_ros.rails import Rails

_SAME_RAD = 5e-3  # by which an arm that stayed where it was may be elsewhere


@dataclass(frozen=True)
class PlaybackState:
    """What an arm was told so far. It never changes, so that any thread may plan by it.

    Attributes:
        playing: the plan that is played.
        stopping: the stop that was sent last, until the arm was seen at rest.
        session_id: the episode of the chunk that was sent last.
        before: the response's state at that chunk's end; None: another motion came since.
        gripper: what is known of the fingers; None: there are none.
        fingers_before: the same as it was before a stop; None: no stop was sent last.
        setpoint: what the controller commands.
        rested_q: where the arm was measured when it came to rest last; None: it was not, or has
            been told something since. Shape (n,), [rad].
        parts_s: when what was sent last parts from what played before.
        replaced: what played before it; None: nothing did.
        in_earnest: the arm does as it is told; otherwise it stands still all the time.
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
    in_earnest: bool = True

    def start_q(self, measured: Measured, most_rad: float) -> tuple[Vector, bool]:
        """Where a motion from rest begins (Shape (n,), [rad]), and whether the set-point is there.

        That is where the controller holds the arm: what the arm is off it then stays as it is, and
        does not add up. An arm that is elsewhere is not held there, as far as one can know.

        Raises:
            MotionRefusedError: the arm came to rest elsewhere, and is still there.
        """
        if not self.in_earnest:
            return measured.q, True
        end_q = self.setpoint.end_q
        if end_q is None:
            return measured.q, False
        off = np.abs(end_q - measured.q)
        if off.max() <= most_rad + START_SLACK_RAD:
            return end_q, True
        stayed = self.rested_q is not None and np.abs(self.rested_q - measured.q).max() < _SAME_RAD
        if stayed:  # to go on from there would push it further off each time
            joint = int(np.argmax(off))
            raise MotionRefusedError(
                Cause.SETPOINT_UNKNOWN,
                f"joint {joint + 1} came to rest {off[joint]:.3f} rad from where it was sent; "
                f"valid is up to {most_rad} rad (start_tolerance); see what holds the arm, or "
                "whether its encoders are right; start its controller anew, then deactivate and "
                "activate ik_node; nothing is sent",
            )
        return measured.q, False

    @property
    def _moves_by(self) -> Playing | None:
        return self.playing or self.stopping

    @property
    def unsent(self) -> bool:
        """Whether what is played asks for nothing, and was not sent: see `Dispatcher.send`."""
        return self.in_earnest and not self.setpoint.known

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
        """The time, or time 0 of what was sent last, if that is still to come."""
        moving = self._moves_by
        return now_s if moving is None or self.unsent else max(now_s, moving.start_s)

    def later(self, by_s: float) -> "PlaybackState":
        """The same when the controller's clock was set forward by so much; negative: back."""
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
            gripper=gripper,
            fingers_before=before,
        )


@dataclass(frozen=True)
class ScheduledMotion:
    """A motion that is planned, and not sent yet.

    Attributes:
        playing: the plan, and when it begins.
        measured: the arm that it was planned for.
        gripper: what is known of the fingers from then on; None: as before.
        fingers: what they do; None: nothing is commanded.
        chunk: what is played; None: another motion.
        from_rest: the arm rests until then, and may rest longer.
        continues: the set-point leads to its beginning; otherwise the controller is given time to
            get there by itself.
        joins_s: for so long after its time 0 it goes on as what plays does.
    """

    playing: Playing
    measured: ArmState
    gripper: Gripper | None = None
    fingers: GripperPlan | None = None
    chunk: ChunkRequest | None = None
    from_rest: bool = False
    continues: bool = True
    joins_s: float = 0.0

    @property
    def begins_s(self) -> float:
        """When it goes on from what was played before, or the arm begins to move, ROS time."""
        chunk = self.playing.plan.chunk
        return self.playing.start_s + (0.0 if chunk is None else chunk.begins_s)

    def beginning_at(self, start_s: float) -> "ScheduledMotion":
        """The same with another time 0, for an arm at rest."""
        playing, fingers = replace(self.playing, start_s=start_s), self.fingers
        if self.chunk is not None and self.gripper is not None:
            fingers = plan_fingers(self.gripper, self.chunk, playing.plan, start_s)
        return replace(self, playing=playing, fingers=fingers)


class ChunkScheduler:
    """Plans chunks for one arm.

    Args:
        chunks: the planner.
        rails: bounds of the embodiment's actions; None: it has none.
        hand_over_lead_s: time until a chunk takes over from the one that plays.
        start_lead_s: how far ahead time 0 of a motion from rest may be.
        rest_speed: a joint slower than this is at rest [rad/s].
        start_rad: how far the resting arm may be from its set-point, per joint.
        lead: time that what is sent is given to arrive.
    """

    def __init__(
        self,
        chunks: ChunkPlanner,
        rails: Rails | None,
        hand_over_lead_s: float,
        start_lead_s: float,
        rest_speed: float,
        start_rad: float,
        lead: Lead,
    ) -> None:
        self._chunks = chunks
        self._rails = rails
        self._hand_over_lead_s = hand_over_lead_s
        self._start_lead_s = start_lead_s
        self._rest_speed = rest_speed
        self._start_rad = start_rad
        self._lead = lead

    @property
    def lead_s(self) -> float:
        """Time that what is sent is given to arrive."""
        return self._lead.value_s

    def prepare(
        self,
        told: PlaybackState,
        chunk: ChunkRequest,
        measured: Measured,
        now_s: float,
        later_s: float = 0.0,
    ) -> ScheduledMotion:
        """Plan a chunk, and send nothing.

        It begins from where the arm rests, or takes over from the chunk of the same episode that
        plays, in its motion. Leading actions whose time has passed are not played.

        Args:
            told: what the arm was told until now.
            chunk: what is to be played.
            measured: where the arm is.
            now_s: ROS time.
            later_s: it begins so much later than it otherwise could; 0: as soon as it can.

        Raises:
            MotionRefusedError: it cannot be played.
        """
        self._chunks.check(chunk.deltas, chunk.control_dt_s)
        if len(chunk.close) not in (0, len(chunk.deltas)):
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"{len(chunk.close)} gripper commands for {len(chunk.deltas)} actions; valid is "
                "one for each, or none; nothing of the chunk is played",
            )
        now_s = told.present(now_s)
        if not told.plays_for(chunk.session_id):
            told.refuse_other_motion(now_s)
        moving = told.moving(now_s)
        hand_over_s = max(self._hand_over_lead_s, self._lead.value_s) + later_s
        start_q, continues = told.start_q(measured, self._start_rad)
        if not moving and not continues:  # its time is not certain: the arm has to get there first
            chunk = replace(chunk.from_time(now_s - CLOCK_STEP_S), start_s=None)
        if later_s > 0.0:  # what is due until then is late, whatever the clock's steps
            chunk = chunk.from_time(now_s + hand_over_s)
        chunk, now_s, lead_s = chunk.due(now_s, now_s + (hand_over_s if moving else 0.0))
        deltas, bound = chunk.deltas, False
        if self._rails is not None:
            deltas, bound = self._rails.keep(deltas)
        plan, joins_s = self._plan(
            told, chunk, deltas, measured, start_q, now_s, lead_s, hand_over_s
        )
        gripper = _gripper_for(told, chunk, measured)
        fingers = None if gripper is None else plan_fingers(gripper, chunk, plan, now_s)
        moves = fingers is not None and fingers.trajectory is not None
        playing = Playing(
            plan, now_s, chunk.session_id, chunk.sequence, bound, moves, chunk.dropped
        )
        from_rest = chunk.start_s is None and not moving
        return ScheduledMotion(
            playing,
            measured.arm,
            gripper,
            fingers,
            chunk,
            from_rest,
            moving or continues,
            joins_s,
        )

    def _plan(
        self,
        told: PlaybackState,
        chunk: ChunkRequest,
        deltas: Vector,
        measured: Measured,
        start_q: Vector,
        now_s: float,
        lead_s: float,
        hand_over_s: float,
    ) -> tuple[Plan, float]:
        """The plan, and for how long it goes on as what plays does."""
        dt_s, running = chunk.control_dt_s, told.playing
        plays = told.plays_for(chunk.session_id) and told.in_earnest and not told.unsent
        if running is None or not plays:
            refuse_unless_at_rest(measured, self._rest_speed)
            before = told.before if chunk.session_id == told.session_id else None
            start = self._chunks.from_rest(start_q, before, lead_s)
            return self._chunks.plan_chunk(deltas, dt_s, start), 0.0
        if running.finished(now_s) and measured.speed_rad_s <= self._rest_speed:
            start = self._chunks.from_rest(start_q, told.before, lead_s)
            return self._chunks.plan_chunk(deltas, dt_s, start), 0.0
        elapsed_s = now_s - running.start_s
        begins_s = lead_s
        if chunk.start_s is None or lead_s > 0.0:  # what is planned must arrive before it begins
            begins_s = max(lead_s, hand_over_s)
        moving = in_motion(running.plan, elapsed_s, begins_s)
        if moving is not None:
            # Now and then the limits leave no way on from such a motion: then from its end.
            with suppress(MotionRefusedError):
                return self._chunks.plan_chunk(deltas, dt_s, moving), moving.lead_s
        resting = self._chunks.from_end(running.plan, elapsed_s, lead_s)
        return self._chunks.plan_chunk(deltas, dt_s, resting), resting.lead_s


def refuse_unless_at_rest(measured: Measured, rest_speed: float) -> None:
    """Raise MotionRefusedError if a joint is faster than `rest_speed` [rad/s]."""
    if measured.speed_rad_s > rest_speed:
        raise MotionRefusedError(
            Cause.NOT_AT_REST,
            f"a joint moves at {measured.speed_rad_s:.3f} rad/s although nothing is played; "
            f"motion begins from rest, up to {rest_speed} rad/s; call stop, or see who "
            "moves the arm; nothing is sent",
        )


def _gripper_for(told: PlaybackState, chunk: ChunkRequest, measured: Measured) -> Gripper | None:
    """What is known of the fingers when a chunk comes: a copy, for the chunk to be planned on.

    In another episode, who knows who moved them since.
    """
    if told.gripper is None:
        return None
    gripper = copy(told.gripper)
    if chunk.session_id != told.session_id:
        gripper.forget()
    if measured.finger_m is not None:
        gripper.measured(measured.finger_m)
    return gripper

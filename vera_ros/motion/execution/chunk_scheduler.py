# SPDX-License-Identifier: Apache-2.0
"""Plans a chunk as the continuation of what the arm plays; keeps no state, and sends nothing.

Times are the controller's [s], given by the caller.
"""

from contextlib import suppress
from copy import copy
from dataclasses import replace

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import CLOCK_STEP_S, ChunkRequest, Measured
from vera_ros.motion.execution.playback_state import PlaybackState
from vera_ros.motion.execution.scheduled_motion import ScheduledMotion
from vera_ros.motion.gripper.gripper import Gripper, plan_fingers
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.plan import Plan
from vera_ros.motion.planning.start import in_motion
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.rails import Rails


class ChunkScheduler:
    """Plans chunks for one arm.

    Args:
        chunks: the planner.
        rails: bounds of the embodiment's actions; None: it has none.
        hand_over_lead_s: time until a chunk takes over from the one that plays.
        rest_speed: a joint slower than this is at rest [rad/s].
        start_rad: how far the resting arm may be from its set-point, per joint.
        lead: time that what is sent is given to arrive before it begins.
    """

    def __init__(
        self,
        chunks: ChunkPlanner,
        rails: Rails | None,
        hand_over_lead_s: float,
        rest_speed: float,
        start_rad: float,
        lead: Lead,
    ) -> None:
        self._chunks = chunks
        self._rails = rails
        self._hand_over_lead_s = hand_over_lead_s
        self._rest_speed = rest_speed
        self._start_rad = start_rad
        self._lead = lead

    @property
    def lead_s(self) -> float:
        """Time that what is sent is given to arrive before it begins [s]."""
        return self._lead.value_s

    def start_q(self, playback: PlaybackState, measured: Measured) -> tuple[Vector, bool]:
        """Return where a motion from rest begins: see `PlaybackState.start_q`.

        Raises:
            MotionRefusedError: it may not begin, or the measured positions are invalid.
        """
        self._chunks.check_measured(measured.q)
        return playback.start_q(measured, self._start_rad)

    def prepare(
        self,
        playback: PlaybackState,
        chunk: ChunkRequest,
        measured: Measured,
        now_s: float,
        later_s: float = 0.0,
    ) -> ScheduledMotion:
        """Plan a chunk, and send nothing.

        It begins where the arm rests, or takes over in motion from the playing chunk of the same
        episode. Leading actions whose time has passed are not played.

        Args:
            playback: what the arm plays, and what it was sent until now.
            chunk: what is to be played.
            measured: where the arm is.
            now_s: ROS time.
            later_s: delay of its beginning; 0: it begins as soon as possible.

        Raises:
            MotionRefusedError: it cannot be played.
        """
        self._chunks.check(chunk.actions, chunk.control_dt_s)
        if len(chunk.close) not in (0, len(chunk.actions)):
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"{len(chunk.close)} gripper commands for {len(chunk.actions)} actions; valid is "
                "one for each, or none; nothing of the chunk is played",
            )
        now_s = playback.present(now_s)
        if not playback.plays_for(chunk.session_id):
            playback.refuse_other_motion(now_s)
        moving = playback.moving(now_s)
        hand_over_s = max(self._hand_over_lead_s, self._lead.value_s) + later_s
        start_q, continues = self.start_q(playback, measured)
        if not moving and not continues:  # its start time is open: the arm has to get there first
            chunk = replace(chunk.from_time(now_s - CLOCK_STEP_S), start_s=None)
        if later_s > 0.0:  # actions due before then are late, even within a clock step
            chunk = chunk.from_time(now_s + hand_over_s)
        chunk, now_s, lead_s = chunk.due(now_s, now_s + (hand_over_s if moving else 0.0))
        actions, bound = chunk.actions, False
        if self._rails is not None:
            actions, bound = self._rails.keep(actions)
        plan, joins_s = self._plan(
            playback, chunk, actions, measured, start_q, now_s, lead_s, hand_over_s
        )
        gripper = _gripper_for(playback, chunk, measured)
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
        playback: PlaybackState,
        chunk: ChunkRequest,
        actions: Vector,
        measured: Measured,
        start_q: Vector,
        now_s: float,
        lead_s: float,
        hand_over_s: float,
    ) -> tuple[Plan, float]:
        """Return the plan, and how long it equals what plays [s]."""
        dt_s, running = chunk.control_dt_s, playback.playing
        plays = playback.plays_for(chunk.session_id) and playback.live and not playback.unsent
        if running is None or not plays:
            refuse_unless_at_rest(measured, self._rest_speed)
            before = playback.before if chunk.session_id == playback.session_id else None
            start = self._chunks.from_rest(start_q, before, lead_s)
            return self._chunks.plan_chunk(actions, dt_s, start), 0.0
        if running.finished(now_s) and measured.speed_rad_s <= self._rest_speed:
            start = self._chunks.from_rest(start_q, playback.before, lead_s)
            return self._chunks.plan_chunk(actions, dt_s, start), 0.0
        elapsed_s = now_s - running.start_s
        begins_s = lead_s
        if chunk.start_s is None or lead_s > 0.0:  # the plan must arrive before it begins
            begins_s = max(lead_s, hand_over_s)
        moving = in_motion(running.plan, elapsed_s, begins_s)
        if moving is not None:
            # The limits may leave no way to continue in motion: then begin at the plan's end.
            with suppress(MotionRefusedError):
                return self._chunks.plan_chunk(actions, dt_s, moving), moving.lead_s
        resting = self._chunks.from_end(running.plan, elapsed_s, lead_s)
        return self._chunks.plan_chunk(actions, dt_s, resting), resting.lead_s


def refuse_unless_at_rest(measured: Measured, rest_speed: float) -> None:
    """Raise MotionRefusedError if a joint is faster than `rest_speed` [rad/s]."""
    if measured.speed_rad_s > rest_speed:
        raise MotionRefusedError(
            Cause.NOT_AT_REST,
            f"a joint moves at {measured.speed} although nothing is played; motion begins from "
            f"rest, up to {rest_speed} {measured.speed_unit}; use the arm's own stop, and find out "
            "what moves it; nothing is sent",
        )


def _gripper_for(
    playback: PlaybackState, chunk: ChunkRequest, measured: Measured
) -> Gripper | None:
    """Return a copy of what is known of the fingers, for a chunk to be planned on.

    For a chunk of another episode the command is forgotten: the fingers may have been moved since.
    """
    if playback.gripper is None:
        return None
    gripper = copy(playback.gripper)
    if chunk.session_id != playback.session_id:
        gripper.forget()
    if measured.finger_m is not None:
        gripper.measured(measured.finger_m)
    return gripper

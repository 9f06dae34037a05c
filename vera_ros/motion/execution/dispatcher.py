# SPDX-License-Identifier: Apache-2.0
"""Sends motions through the gate, and remembers what plays.

Every motion but the first goes on from the set-point, whatever the arm does: what begins elsewhere
would make the controller's command jump.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vera_ros.motion.causes import MotionRefusedError
from vera_ros.motion.chunk import Measured
from vera_ros.motion.execution.chunk_scheduler import ChunkScheduler, refuse_unless_at_rest
from vera_ros.motion.execution.gripper_dispatcher import GripperDispatcher
from vera_ros.motion.execution.playback_state import PlaybackState
from vera_ros.motion.execution.scheduled_motion import ScheduledMotion
from vera_ros.motion.gripper.gripper import Gripper
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.plan import KNOT_S, Plan
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.planning.start import hold
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.setpoint.lead import LONGEST_S, Lead
from vera_ros.motion.setpoint.setpoint import PAST_S, START_SLACK_RAD
from vera_ros.motion.trajectory import ArmState
from vera_ros.rails import Rails

Present = Callable[[], float]

_STILL_RAD = 1e-9
_NEAR_RAD = 5e-3  # by which a set-point that is not what it seems to be makes a step, at most
_LATE_SHARE = 0.5  # of the lead, in which a stop must be planned


class Dispatcher:
    """One arm's plans, one at a time. Times are the controller's [s], given by the caller.

    Args:
        chunks: plans chunks.
        planner: plans all other motions.
        gate: sends them.
        gripper: None: there is none.
        rails: bounds of the embodiment's actions; None: it has none.
        lead: time until what is sent may begin, for it to arrive.
        hand_over_lead_s: time until a chunk takes over from the one that plays.
        start_lead_s: time until a motion from rest begins once it is checked, for it to arrive.
        rest_speed: a joint slower than this is at rest [rad/s].
        start_rad: how far a resting arm may be from its set-point, per joint.

    Attributes:
        scheduler: plans chunks, in any thread.
        playback: what the arm plays, and what it was sent so far.
        past_s: how much is sent of what is commanded before the present: more than the present is
            uncertain.
    """

    def __init__(
        self,
        chunks: ChunkPlanner,
        planner: Planner,
        gate: Gate,
        gripper: Gripper | None,
        *,
        rails: Rails | None = None,
        lead: Lead,
        hand_over_lead_s: float,
        start_lead_s: float = 0.0,
        rest_speed: float,
        start_rad: float = 0.05,
    ) -> None:
        self._planner = planner
        self._gate = gate
        self._lead = lead
        self._start_lead_s = start_lead_s
        self._rest_speed = rest_speed
        self._start_rad = start_rad
        self.past_s = PAST_S
        self.scheduler = ChunkScheduler(
            chunks, rails, hand_over_lead_s, start_lead_s, rest_speed, start_rad, lead
        )
        self.playback = PlaybackState(gripper=gripper, setpoint=gate.setpoint)
        self._gripper = GripperDispatcher(gate, lead)

    @property
    def playing(self) -> Playing | None:
        """The plan that is played."""
        return self.playback.playing

    @property
    def stopping(self) -> Playing | None:
        """The stop that was sent last, until `rested` is called.

        None as well: nothing was sent since the arm was seen at rest.
        """
        return self.playback.stopping

    def prepare_move(
        self, goal: Vector, speed_share: float, measured: Measured, now_s: float
    ) -> ScheduledMotion:
        """Plan a slow move to joint positions, and send nothing. `goal`: Shape (n,), [rad].

        Raises:
            MotionRefusedError: it cannot be played.
        """
        self.playback.refuse_other_motion(now_s)
        refuse_unless_at_rest(measured, self._rest_speed)
        start_q, continues = self.scheduler.start_q(self.playback, measured)
        plan = self._planner.plan_move(start_q, goal, speed_share)
        return ScheduledMotion(
            Playing(plan, now_s), measured.arm, from_rest=True, continues=continues
        )

    def revalidate(self, prepared: ScheduledMotion, measured: Measured) -> ScheduledMotion:
        """The same motion for an arm that was measured since: from rest, it must rest still.

        Raises:
            MotionRefusedError: it moves.
        """
        if not prepared.from_rest:
            return prepared
        refuse_unless_at_rest(measured, self._rest_speed)
        return replace(prepared, measured=measured.arm)

    def check(self, prepared: ScheduledMotion) -> None:
        """Raise MotionRefusedError unless the gate would let both arm and fingers through."""
        playing, fingers = prepared.playing, prepared.fingers
        if fingers is not None and fingers.trajectory is not None:
            self._gate.check_gripper(fingers.trajectory)
        self._gate.check_arm(
            playing.plan.trajectory(),
            prepared.measured,
            playing.start_s,
            ahead_s=self._ahead_s(prepared),
            joins_s=prepared.joins_s,
        )

    def _ahead_s(self, prepared: ScheduledMotion) -> float:
        """How long the controller is given to get to the beginning by itself."""
        in_doubt = prepared.from_rest and not self._gate.setpoint.known  # since it was planned
        if prepared.continues and not in_doubt:
            return 0.0
        return self._gate.gentle_s(prepared.playing.plan.spline.derivative(0, 0.0))

    @property
    def _rest_lead_s(self) -> float:
        """Time until a motion from rest begins."""
        return max(self._start_lead_s, self._lead.value_s)

    def send(self, prepared: ScheduledMotion, present: Present | None = None) -> ScheduledMotion:
        """Send what was prepared; return it as it was sent.

        Args:
            prepared: the motion.
            present: tells the ROS time once all is checked, when an arm at rest begins to move,
                after its lead: no part of its motion is to be late. None: as it was prepared.

        Raises:
            MotionRefusedError: nothing was sent; what plays goes on to its end.
        """

        def begin() -> float:
            nonlocal prepared
            if prepared.from_rest and present is not None:
                begins_s = max(present(), prepared.playing.start_s) + self._rest_lead_s + ahead_s
                prepared = prepared.beginning_at(begins_s)
            elif ahead_s:
                prepared = prepared.beginning_at(prepared.playing.start_s + ahead_s)
            fingers = prepared.fingers
            if fingers is not None and fingers.trajectory is not None:
                self._gate.check_gripper(fingers.trajectory)  # both move, or none
            return prepared.playing.start_s

        ahead_s = self._ahead_s(prepared)
        trajectory = prepared.playing.plan.trajectory()
        if ahead_s and np.abs(trajectory.q - trajectory.start_q).max() < _STILL_RAD:
            ahead_s = 0.0  # it asks for nothing: the arm stays as it is held, wherever that is
            begin()
        else:
            self._gate.send_arm(
                trajectory,
                prepared.measured,
                prepared.playing.start_s,
                ahead_s=ahead_s,
                joins_s=prepared.joins_s,
                past_s=self.past_s,
                begin=begin,
            )
        playing, fingers, chunk = prepared.playing, prepared.fingers, prepared.playing.plan.chunk
        playback = replace(
            self.playback,
            playing=playing,
            stopping=None,
            before=None,
            rested_q=None,
            setpoint=self._gate.setpoint,
            parts_s=playing.start_s + prepared.joins_s,
            replaced=self.playing or self.stopping,
            missed=None,
        )
        if chunk is not None:  # any other motion leads elsewhere
            before = chunk.response.state_at(chunk.until_s)
            playback = replace(playback, session_id=playing.session_id, before=before)
        if prepared.gripper is not None:
            playback = replace(playback, gripper=prepared.gripper)
        self.playback = playback
        if fingers is not None:
            self.playback = self._gripper.send(self.playback, fingers, playing.start_s)
        return prepared

    def stop(self, now_s: float, present: Present | None = None) -> None:
        """Bring the playing plan to rest smoothly, along its path; the gripper ends its move.

        Args:
            now_s: ROS time, from which on it may.
            present: tells the ROS time again; None: it stands still meanwhile.

        Raises:
            MotionRefusedError: no stop within the limits was found; the plan plays to its own end,
                which is at rest.
        """
        if self.playing is not None:
            self._stop_along(self._let_go(self.playing), now_s, present)

    def brake(self, measured: Measured, now_s: float) -> None:
        """Bring an arm to rest that moves though nothing is played: where it can stop by itself.

        Where a trajectory that came too late for its controller may play, it is left to its own
        end, at rest: the controller commands that, and not what the arm does to catch up with it.

        Raises:
            MotionRefusedError: no gentle way there was found; nothing is sent.
        """
        missed = self.playback.missed
        if missed is not None and not missed.finished(now_s):
            self.playback = replace(self.playback, stopping=missed)
            return
        measured = measured.moved_on(now_s)
        way = self._planner.plan_brake(measured.q, measured.dq)
        self.doubt()  # it is commanded otherwise
        self._rest_at(way, measured, now_s)

    def stay(
        self,
        measured: Measured,
        now_s: float,
        present: Present | None = None,
        *,
        taken_up: bool = False,
    ) -> None:
        """Bring the set-point of an arm that stands off its plan to where the arm stands.

        Where the controller plays the plan, the way turns off it as a stop does. Where it may not,
        what is sent has no point before the end, so that it finds its own way there from whatever
        it commands; one that plays the plan covers its first period twice as fast. Where no way is
        gentle enough, the arm comes to rest along the playing plan.

        Args:
            measured: where the arm stands.
            now_s: ROS time.
            present: see `stop`.
            taken_up: the arm was seen to follow the plan.

        Raises:
            MotionRefusedError: as for `stop`.
        """
        playing = self.playing
        if playing is None or self._let_go(playing).finished(now_s) or self.playback.unsent:
            return
        passed_s = now_s - playing.start_s
        off_rad = np.abs(playing.plan.spline.derivative(0, passed_s) - measured.q).max()
        try:
            if passed_s > 0.0 and (taken_up or off_rad <= _NEAR_RAD):
                self._return_along(playing, measured, now_s)
                return
            way = self._planner.plan_return(playing.plan, passed_s, measured.q, self._lead.value_s)
            self._rest_at(way, measured, now_s)
        except MotionRefusedError:
            self._stop_along(playing, now_s, present)

    def _return_along(self, playing: Playing, measured: Measured, now_s: float) -> None:
        passed_s, lead_s = now_s - playing.start_s, self._lead.value_s
        way = self._planner.plan_return_along(playing.plan, passed_s, measured.q, lead_s)
        self._turn_off(playing, way, now_s, lead_s)

    def _turn_off(self, playing: Playing, way: Plan, now_s: float, lead_s: float) -> None:
        """Send a way to rest that goes on as the playing plan until its lead is over.

        It starts from the plan, which the arm follows within the tracking tolerance.
        """
        self._gate.send_arm(
            way.trajectory(),
            ArmState(way.spline.state(0.0)[0]),
            now_s,
            joins_s=min(lead_s, way.duration_s),
            past_s=self.past_s,
        )
        self._stopped_by(way, now_s, now_s + lead_s, playing)

    def _rest_at(self, way: Plan, measured: Measured, now_s: float) -> None:
        """Send the end of a way, for the controller to find its own way there as fast."""
        end_q = way.spline.state(way.duration_s)[0]
        rest = hold(end_q, KNOT_S)
        assert rest is not None
        self._gate.send_arm(
            Plan(rest).trajectory(),
            measured.arm,
            now_s + way.duration_s,
            ahead_s=way.duration_s,
        )
        self._stopped_by(way, now_s, now_s + way.duration_s)

    def later(self, by_s: float) -> None:
        """The controller's clock was set forward by so much: so is all that is remembered of it."""
        self.playback = self.playback.later(by_s)
        self._gate.setpoint = self.playback.setpoint

    def doubt(self) -> None:
        """The controller may command something else than it was sent: it was away."""
        if not self.playback.setpoint.known:
            return
        self._gate.setpoint = self._gate.setpoint.doubted()
        self.playback = replace(self.playback, setpoint=self._gate.setpoint)

    def stop_again(self, now_s: float) -> None:
        """Stop what still plays where the controller never took up what was sent last.

        Raises:
            MotionRefusedError: as for `stop`.
        """
        replaced, sent = self.playback.replaced, self.playback.playing or self.playback.stopping
        missed = [each for each in (self.playback.missed, sent) if each is not None]
        self._gate.setpoint = self._gate.setpoint.reverted()
        self.playback = replace(
            self.playback,
            playing=None,
            stopping=replaced,
            before=None,
            setpoint=self._gate.setpoint,
            missed=max(missed, key=lambda each: each.end_s, default=None),
        )
        if replaced is not None and not replaced.finished(now_s):
            self._stop_along(replaced, now_s)
        elif sent is not None:  # which may still arrive
            self._cancel(sent, now_s)

    def _stop_along(self, playing: Playing, now_s: float, present: Present | None = None) -> None:
        if playing.finished(now_s) or self.playback.unsent:
            return
        if now_s < playing.start_s:
            setpoint = self._gate.setpoint.state(now_s)
            if setpoint is None or not np.abs(setpoint[1]).any():
                self._cancel(playing, now_s)
                return
            now_s, present = playing.start_s, None
        lead_s = self._lead.value_s
        plan = self._planner.plan_stop(playing.plan, now_s - playing.start_s, lead_s)
        late_s = 0.0 if present is None else present() - now_s
        if late_s > _LATE_SHARE * lead_s:  # it would hardly arrive in time: once more, for later
            now_s, lead_s = now_s + late_s, min(lead_s + late_s, LONGEST_S)
            plan = self._planner.plan_stop(playing.plan, now_s - playing.start_s, lead_s)
        self._turn_off(playing, plan, now_s, lead_s)

    def _cancel(self, playing: Playing, now_s: float) -> None:
        """Have the set-point rest where a motion was to begin, before it does."""
        start_q = playing.plan.spline.derivative(0, 0.0)
        rest = hold(start_q, max(self._lead.value_s, KNOT_S))
        assert rest is not None
        plan, arm = Plan(rest), ArmState(start_q)
        known = self._gate.setpoint.state(now_s) is not None
        ahead_s = 0.0 if known else self._gate.gentle_s(start_q)
        self._gate.send_arm(
            plan.trajectory(), arm, now_s + ahead_s, ahead_s=ahead_s, past_s=self.past_s
        )
        self._stopped_by(plan, now_s + ahead_s, now_s + ahead_s)

    def _stopped_by(
        self, plan: Plan, now_s: float, parts_s: float, replaced: Playing | None = None
    ) -> None:
        self.playback = replace(
            self.playback,
            stopping=Playing(plan, now_s),
            rested_q=None,
            setpoint=self._gate.setpoint,
            parts_s=parts_s,
            replaced=replaced,
        )
        self.playback = self._gripper.stop(self.playback, now_s)

    def stop_gripper_where_missed(self, finger_m: float, now_s: float) -> bool:
        """Stop the gripper again where it missed its stop; return whether it did.

        `finger_m`: the finger position as measured.
        """
        if not self._gripper.missed_stop(self.playback, finger_m, now_s):
            return False
        self.playback = self._gripper.stop_again(self.playback, now_s)
        return True

    def _let_go(self, playing: Playing) -> Playing:
        """Forget the playing plan; until something replaces it, the arm still plays it."""
        self.playback = replace(self.playback, playing=None, stopping=playing, before=None)
        return playing

    def finish(self, measured: Measured | None = None) -> None:
        """The playing plan has come to rest, with the arm where it is measured."""
        self.playback = replace(self.playback, playing=None)
        self._rest_where(measured)

    def rested(self, measured: Measured | None = None) -> None:
        """The stop has come to rest, with the arm where it is measured."""
        self.playback = replace(self.playback, stopping=None)
        self._rest_where(measured)

    def _rest_where(self, measured: Measured | None) -> None:
        """Note where the arm rests.

        If that is where an earlier trajectory ends, and not the last one, the controller has missed
        some: which one it plays is not certain.
        """
        q, end_q = None if measured is None else measured.q, self.playback.setpoint.end_q
        self.playback = replace(self.playback, rested_q=q)
        if q is None or end_q is None or self._near(q, end_q):
            return
        if any(self._near(q, earlier_q) for earlier_q in self.playback.setpoint.earlier_q):
            self.doubt()

    def _near(self, q: Vector, end_q: Vector) -> bool:
        return bool(np.abs(q - end_q).max() <= self._start_rad + START_SLACK_RAD)

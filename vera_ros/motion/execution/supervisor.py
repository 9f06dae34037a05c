# SPDX-License-Identifier: Apache-2.0
"""What the arm may do: who lets it move, what stops it, and whether it does as it was told.

Times are the controller's [s], given by the caller, unless they are called steady. Whatever is
wrong, the answer is the same: the arm comes to rest smoothly and stays there until another chunk or
move comes, and nothing is wrong.
"""

import math

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import ChunkRequest, Measured
from vera_ros.motion.execution.dispatcher import Dispatcher
from vera_ros.motion.execution.listener import Listener
from vera_ros.motion.execution.planning_job import Clocks, PlanningJob
from vera_ros.motion.execution.scheduled_motion import ScheduledMotion
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.observation.arm_observation import ArmObservation, SupervisionLimits
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.safety.chunk_deadlines import Timeliness
from vera_ros.motion.safety.tracking_watch import PlaybackWatch
from vera_ros.motion.safety.watchdogs import ClockWatch, Rest, RestWatch
from vera_ros.motion.setpoint.join_watch import Join
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.motion.setpoint.setpoint import Setpoint

HELD = "a hold was asked for; call release when it is safe, then give the goal again"
AT_REST = "the arm has come to rest"
_DOUBT_S = 0.2  # for which a stop waits at most, until it is clear what time it is
_CLOCK_SET_S = 0.02  # by which a clock is worth a word
# How long past its lead something may be missed by the controller until it counts as lost [s].
_STOP_LOST_S, _MOTION_LOST_S = 0.05, 0.1
_OTHER_MOTION = "another motion was begun"
_REST_UNKNOWN = "whether the arm rests after its stop is not known"
_GO_ON = "the arm stops and holds; once all is well, give the goal again"


class Hold:
    """Whether a hold was asked for and not released yet; outlives the Supervisor that heeds it."""

    def __init__(self) -> None:
        self.held = False


class Supervisor:
    """One arm's playback: takes chunks and moves, watches them, stops them.

    Args:
        commander: plans and sends.
        watch: looks at the arm while it plays; None: it need not follow, in a dry run.
        bounds: what is still taken for well.
        hold: the latched hold.
        listener: is told what happens.
        clocks: tell the time.
        lead: time that what is sent is given to arrive.

    Attributes:
        awaiting: the chunk that waits for approval.
        cause: why the last plan ended early, or the last chunk was refused.
        message: the same in words.
        unrest: why the arm is not known to rest though it was stopped; empty: all is well.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        watch: PlaybackWatch | None,
        bounds: SupervisionLimits,
        hold: Hold,
        listener: Listener,
        clocks: Clocks,
        lead: Lead,
    ) -> None:
        self._dispatcher = dispatcher
        self._lead = lead
        self._awaited: Setpoint | None = None
        self._postponed: tuple[Cause, str] | None = (
            None  # a stop, until it is clear what time it is
        )
        self._doubted_s = -math.inf  # steady time since when it is not
        self._watch = watch
        self._bounds = bounds
        self._hold = hold
        self._listener = listener
        self._clocks = clocks
        self._clock = ClockWatch(bounds.clock_jump_s)
        self._rest = RestWatch(bounds.rest_s)
        self._timeliness = Timeliness(bounds)
        self._steps_told = 0
        self._reacquired, self._doubtful = 0, False
        self._planning: PlanningJob | None = None
        self._approved: ChunkRequest | None = None
        self.awaiting: ChunkRequest | None = None
        self.cause, self.message, self.unrest = Cause.NONE, "", ""

    @property
    def playing(self) -> Playing | None:
        """What is played."""
        return self._dispatcher.playing

    @property
    def stopping(self) -> bool:
        """Whether a stop was sent since which the arm was not seen at rest."""
        return self._dispatcher.stopping is not None or self._postponed is not None

    def moves(self, observation: ArmObservation) -> bool:
        """Whether the arm moves, as far as is known."""
        return observation.measured is not None and self._bounds.moves(observation.measured)

    def rests(self, observation: ArmObservation) -> tuple[bool, str]:
        """Whether the arm is known to rest while no stop is under way, and the same in words."""
        measured, fault = observation.measured, observation.fault
        if measured is None:
            return False, f"whether the arm rests is not known: {fault}"
        if not self.moves(observation):
            return True, "the arm was not moving"
        reason = f" ({fault})" if fault else ""
        return False, (
            f"the arm moves at {measured.speed_rad_s:.3f} rad/s, plays nothing, and was not "
            f"braked{reason}; use its own stop"
        )

    def explain(self, cause: Cause, message: str) -> None:
        """Remember why nothing is played; Cause.NONE: something is."""
        self.cause, self.message = cause, message

    # Chunks and moves.

    def plan(
        self,
        chunk: ChunkRequest,
        observation: ArmObservation,
        now_s: float,
        *,
        approval: bool = False,
    ) -> PlanningJob:
        """Begin with a chunk: see whether it may be played, and what it must be planned from.

        Whoever calls this has it planned, in any thread, and hands it to `take`, or gives it up.
        One chunk at a time: another one that comes before, or another motion or a stop, makes it
        void, which the listener is told at once.

        Args:
            chunk: what is to be played.
            observation: what is known of the arm.
            now_s: ROS time.
            approval: it is to wait for approval.

        Raises:
            MotionRefusedError: nothing of it is played; all else goes on as it was.
        """
        self._look_at_clock(observation, now_s)
        measured = self._free(observation)
        waiting = self.awaiting
        if waiting is not None and waiting.session_id != chunk.session_id:
            raise MotionRefusedError(
                Cause.BUSY,
                f"chunk {waiting.sequence} of another episode waits for approval; call approve or "
                "discard first",
            )
        self._timeliness.refuse_late(chunk, now_s)
        self._timeliness.refuse_old(chunk, now_s)
        self._drop(Cause.BUSY, "another chunk has come")
        self._planning = PlanningJob(
            self._dispatcher.scheduler,
            self._dispatcher.told,
            chunk.for_later() if approval else chunk,
            measured,
            now_s,
            approval=approval,
            most_s=self._bounds.planning_s,
            clocks=self._clocks,
        )
        return self._planning

    def take(
        self,
        planning: PlanningJob,
        planned: tuple[ScheduledMotion, float],
        observation: ArmObservation,
        now_s: float,
    ) -> None:
        """Play a chunk that was planned, or have it wait for approval.

        Raises:
            MotionRefusedError: nothing of it is played; all else goes on as it was.
        """
        self._look_at_clock(observation, now_s)
        if planning.dropped is not None:
            raise planning.dropped
        self.give_up(planning)
        prepared, planning_s = planned
        prepared = self._dispatcher.revalidate(prepared, self._free(observation))
        if planning.approval:
            self._offer(planning.chunk, prepared, planning_s)
            return
        if not prepared.from_rest:
            self._timeliness.refuse_overtaken(prepared.begins_s, now_s)
        self._send(prepared, planning_s)

    def give_up(self, planning: PlanningJob) -> None:
        """Nothing comes of what was being planned."""
        if self._planning is planning:
            self._planning = None

    def approve(self, observation: ArmObservation, now_s: float) -> ChunkRequest:
        """Let go of the chunk that waits for approval, for it to be planned from the present state.

        Raises:
            MotionRefusedError: there is none.
        """
        self._look_at_clock(observation, now_s)
        chunk, self.awaiting = self.awaiting, None
        if chunk is None:
            raise MotionRefusedError(Cause.NOT_APPROVED, "no chunk waits for approval")
        self._approved = chunk
        return chunk

    def discard(self, reason: str) -> bool:
        """Let go of the chunk that waits for approval; return whether there was one.

        One that was approved, and is being planned, counts.
        """
        message = f"the chunk was not approved: {reason}"
        if self._planning is not None and self._planning.chunk is self._approved:
            self._drop(Cause.NOT_APPROVED, message)
            return True
        chunk, self.awaiting = self.awaiting, None
        if chunk is None:
            return False
        self._listener.rejected(chunk, Cause.NOT_APPROVED, message)
        return True

    def move_to(
        self, goal: Vector, speed_share: float, observation: ArmObservation, now_s: float
    ) -> None:
        """Move to joint positions slowly. `goal`: Shape (n,), [rad].

        Raises:
            MotionRefusedError: nothing is moved.
        """
        self._look_at_clock(observation, now_s)
        measured = self._free(observation)
        prepared = self._dispatcher.prepare_move(goal, speed_share, measured, now_s)
        self._send(prepared, 0.0)

    def _free(self, observation: ArmObservation) -> Measured:
        """The measured arm, if it may be moved."""
        if self._hold.held:
            raise MotionRefusedError(Cause.HELD, HELD)
        if observation.fault is not None:
            raise observation.fault
        if observation.unfit is not None:
            raise observation.unfit
        if observation.elsewhere and self.playing is None:
            words = f"the arm may not be where it was measured: {observation.elsewhere}"
            raise MotionRefusedError(Cause.NO_JOINT_STATES, words)
        if not self._lead.fits:
            raise MotionRefusedError(Cause.COMMANDS_LATE, self._lead.refusal)
        assert observation.measured is not None
        return observation.measured

    def _drop(self, cause: Cause, message: str) -> None:
        """What is being planned is not to be played."""
        planning, self._planning = self._planning, None
        if planning is not None:
            refusal = planning.drop(cause, message)
            self._listener.rejected(planning.chunk, refusal.cause, str(refusal))

    def _offer(self, chunk: ChunkRequest, prepared: ScheduledMotion, planning_s: float) -> None:
        self._dispatcher.check(prepared)
        self.discard("the next chunk of the episode has come")
        self.awaiting = chunk
        self._listener.awaiting(prepared.playing, planning_s)

    def _send(self, prepared: ScheduledMotion, planning_s: float) -> None:
        before, stopped = self.playing, self.stopping
        prepared = self._dispatcher.send(prepared, self._clocks.present)
        self.explain(Cause.NONE, "")
        self.unrest = ""
        self._steps_told = 0
        self._drop(Cause.BUSY, _OTHER_MOTION)
        self.discard(_OTHER_MOTION)
        if stopped:  # it has come to rest, or nothing could have been sent
            self._listener.rested(True, AT_REST)
        if before is not None:
            self._listener.superseded(before)
        self._listener.accepted(prepared.playing, planning_s)

    # Stops.

    def stop(self, cause: Cause, message: str, observation: ArmObservation, now_s: float) -> None:
        """Bring the arm to rest smoothly, whatever moves it; a stop under way goes on."""
        self._look_at_clock(observation, now_s)
        self._timeliness.stopped(now_s)
        self._drop(cause, message)
        self.discard(message)
        if self.playing is not None:
            self._end_early(self.playing, cause, message, observation, now_s)
        elif not self.stopping and self.moves(observation):
            self._brake(observation, now_s)

    def _end_early(
        self,
        playing: Playing,
        cause: Cause,
        message: str,
        observation: ArmObservation,
        now_s: float,
    ) -> None:
        self._drop(cause, message)
        if observation.in_doubt and self._clocks.steady() - self._doubted_s < _DOUBT_S:
            self._postponed = self._postponed or (cause, message)
            return
        try:
            watch = self._watch
            stands = None if watch is None else watch.stands(cause, observation, playing, now_s)
            if stands is None:
                self._dispatcher.stop(now_s, self._clocks.present)
            else:
                self._dispatcher.stay(stands, now_s, self._clocks.present)
        except MotionRefusedError as error:
            self._listener.worried(
                f"no smoother stop was possible ({error}); the plan ends at rest in "
                f"{playing.end_s - now_s:.2f} s"
            )
        self.explain(cause, message)
        self._listener.aborted(playing, cause, message)

    def _brake(self, observation: ArmObservation, now_s: float) -> None:
        """Brake an arm that moves though nothing is played, if that is for this node to do."""
        self._drop(Cause.NOT_AT_REST, "the arm moves though nothing is played")
        if observation.fault is not None or self._watch is None:
            return
        measured = self._watch.trusted(observation)
        if measured is None:
            self._listener.worried("the arm is not braked: its joint states are not to be trusted")
            return
        try:
            self._dispatcher.brake(measured, now_s)
        except MotionRefusedError as error:
            self._listener.worried(f"the arm cannot be braked: {error}")

    # Time.

    def doubt(self) -> None:
        """The controller may command something else than it was sent, once that has ended."""
        self._doubtful = True

    def tick(self, observation: ArmObservation, now_s: float) -> None:
        """Look at the arm, some fifty times a second."""
        self._look(observation, now_s)
        if observation.reacquired != self._reacquired:
            self._reacquired = observation.reacquired
            self.doubt()
        if self._doubtful and self.playing is None and not self.stopping:
            self._doubtful = False
            self._dispatcher.doubt()

    def _look(self, observation: ArmObservation, now_s: float) -> None:
        self._look_at_clock(observation, now_s)
        self._lead.look(self._clocks.steady())
        if not observation.in_doubt:
            self._doubted_s = self._clocks.steady()
        postponed, self._postponed = self._postponed, None
        if postponed is not None and self.playing is not None:
            self._end_early(self.playing, *postponed, observation, now_s)
        self._watch_joins(observation, now_s)
        trouble = self._watch and self._watch.look(self.playing, observation, now_s)
        playing = self.playing
        if playing is None:
            self._watch_rest(observation, now_s)
            return
        if observation.fault is not None:
            trouble = observation.fault.cause, str(observation.fault)
        if trouble:
            cause, what = trouble
            self._end_early(playing, cause, f"{what}; {_GO_ON}", observation, now_s)
            return
        steps = playing.steps_played(now_s)
        if steps > self._steps_told:
            self._steps_told = steps
            self._listener.stepped(playing)
        if playing.finished(now_s) and (self._watch is None or not self.moves(observation)):
            self._dispatcher.finish(observation.measured)
            self._listener.finished(playing)

    def _watch_joins(self, observation: ArmObservation, now_s: float) -> None:
        """See whether the controller has taken up what was sent last."""
        watch, told = self._watch, self._dispatcher.told
        if watch is None:
            return
        if told.setpoint is not self._awaited:
            self._awaited = told.setpoint
            watch.joins.sent(told.setpoint, told.parts_s, observation.measured)
        finger_m = None if observation.measured is None else observation.measured.finger_m
        if finger_m is not None and self._dispatcher.fingers_went_on(finger_m, now_s):
            self._listener.worried("the gripper's controller missed its stop: it is sent again")
            self._dispatcher.stop_fingers_again(now_s)
        join, late_s = watch.joined(observation, told.setpoint), watch.joins.lateness_s
        if join is Join.LATE:
            self._come_late(late_s, "it makes a step in the arm's set-point")
        elif join is Join.MISSED and self._is_lost(late_s, observation, now_s):
            self._stop_again(late_s, observation, now_s)

    def _is_lost(self, late_s: float, observation: ArmObservation, now_s: float) -> bool:
        """Whether what the arm has not followed yet counts as lost."""
        replaced = self._dispatcher.told.replaced
        moves = replaced is not None and not replaced.finished(now_s)
        if not moves and observation.heard is not False:
            return False  # an arm that stands tells less than the network does
        return late_s >= (_MOTION_LOST_S if self.playing else _STOP_LOST_S)

    def _come_late(self, late_s: float, what: str) -> None:
        self._lead.missed(late_s, self._clocks.steady())
        self._listener.worried(
            f"the controller took up what was sent {late_s:.3f} s past its lead, or not at all: "
            f"{what}; the lead is {self._lead.value_s:.3f} s now"
        )
        if not self._lead.fits:
            self._listener.worried(self._lead.refusal)

    def _stop_again(self, late_s: float, observation: ArmObservation, now_s: float) -> None:
        """Stop what the arm follows instead of what was sent."""
        self._come_late(late_s, "what it plays instead is stopped")
        playing = self.playing
        words = "the controller has not taken up what was sent"
        self._drop(Cause.COMMANDS_LATE, words)
        try:
            self._dispatcher.stop_again(now_s)
        except MotionRefusedError as error:
            self._listener.worried(f"the arm cannot be stopped again: {error}")
        if playing is not None:
            self.explain(Cause.COMMANDS_LATE, f"{words}; {_GO_ON}")
            self._listener.aborted(playing, self.cause, self.message)

    def clock_was_set(self, by_s: float) -> None:
        """The controller's clock was set forward by so much: what plays goes on, later by it.

        A controller counts the periods since it took a trajectory up, and looks at its clock for
        the next one alone.
        """
        self._dispatcher.later(by_s)
        self._clock.later(by_s)
        self._timeliness.later(by_s)
        self._rest.forget()
        if self._watch is not None:
            self._watch.forget()
        message = f"the controller's clock was set by {by_s:+.3f} s"
        if abs(by_s) >= _CLOCK_SET_S:
            self._listener.worried(message)
        self._drop(Cause.CLOCKS_DIFFER, message)

    def _look_at_clock(self, observation: ArmObservation, now_s: float) -> None:
        back_s = self._clock.look(now_s)
        if not back_s:
            return
        self._dispatcher.later(-back_s)
        self._rest.forget()
        self._timeliness.forget()
        message = f"ROS time went back by {back_s:.3f} s"
        self._listener.worried(message)
        self._drop(Cause.CLOCK_JUMPED, message)
        self.discard(message)
        if self.playing is not None:
            words = f"{message}; {_GO_ON}"
            self._end_early(self.playing, Cause.CLOCK_JUMPED, words, observation, now_s)
        if self._watch is not None:
            self._watch.forget()

    def _watch_rest(self, observation: ArmObservation, now_s: float) -> None:
        """After a stop, the arm must really come to rest."""
        stop, measured = self._dispatcher.stopping, observation.measured
        if stop is None:
            self._rest.forget()
            return
        moves = None if measured is None else self.moves(observation)
        rest = self._rest.look(stop.end_s, moves, now_s, self._clocks.steady())
        if rest is Rest.THERE:
            self._dispatcher.rested(measured)
            self.unrest = ""
            self._listener.rested(True, AT_REST)
        elif rest is Rest.OVERDUE:
            measured = observation.measured
            if measured is None:
                self._say_unrest(f"{_REST_UNKNOWN}: {observation.fault}")
            else:
                self._say_unrest(
                    f"the arm still moves at {measured.speed_rad_s:.3f} rad/s although it was "
                    f"stopped: it was to rest {self._bounds.rest_s} s ago or sooner; use its own "
                    "stop",
                    again=True,
                )
            self._brake(observation, now_s)
        elif rest is Rest.UNKNOWN:
            self._say_unrest(f"{_REST_UNKNOWN}: ROS time stands still")

    def _say_unrest(self, message: str, *, again: bool = False) -> None:
        told, self.unrest = self.unrest, message
        self.explain(Cause.NOT_AT_REST, message)
        if again or not told:
            self._listener.worried(message)
        self._listener.rested(False, message)

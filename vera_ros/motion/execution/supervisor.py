# SPDX-License-Identifier: Apache-2.0
"""Supervision of the arm: whether it may move, what stops it, and whether it follows its plan.

Times are the controller's [s], given by the caller, unless they are called steady. Whatever goes
wrong, the reaction is the same: the arm comes to rest smoothly, and stays there until nothing is
wrong any more and another chunk or move comes.
"""

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.chunk import ChunkRequest, Measured
from vera_ros.motion.execution.chunk_intake import ChunkIntake
from vera_ros.motion.execution.dispatcher import Dispatcher
from vera_ros.motion.execution.listener import Listener
from vera_ros.motion.execution.planning_job import Clocks, PlanningJob
from vera_ros.motion.execution.scheduled_motion import ScheduledMotion
from vera_ros.motion.execution.stop_controller import AT_REST, StopController
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.observation.arm_observation import ArmObservation, SupervisionLimits
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.safety.tracking_watch import PlaybackWatch
from vera_ros.motion.safety.watchdogs import ClockWatch

HELD = "a hold was requested; call release when it is safe, then send the goal again"
_CLOCK_SET_S = 0.02  # smaller corrections of the clock are not reported
_OTHER_MOTION = "another motion was begun"
_GO_ON = "the arm is stopped; once all is well, send the goal again"


class Hold:
    """Latched hold, which lasts until it is released; outlives the Supervisor that obeys it."""

    def __init__(self) -> None:
        self.held = False


class Supervisor:
    """One arm's playback: takes chunks and moves, watches them, stops them.

    Args:
        dispatcher: plans and sends.
        watch: compares the arm with its plan; None: the arm need not follow, in a dry run.
        limits: supervision thresholds.
        hold: the latched hold.
        listener: receives reports.
        clocks: give the time.

    Attributes:
        intake: chunks that are being planned or wait for approval.
        stops: stops, and whether the arm comes to rest.
        reason: why the last plan ended early, or the last chunk was refused.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        watch: PlaybackWatch | None,
        limits: SupervisionLimits,
        hold: Hold,
        listener: Listener,
        clocks: Clocks,
    ) -> None:
        self._dispatcher = dispatcher
        self._watch = watch
        self._hold = hold
        self._listener = listener
        self._clocks = clocks
        self._clock = ClockWatch(limits.clock_jump_s)
        self._steps_reported = 0
        self._reacquired, self._doubtful = 0, False
        self.intake = ChunkIntake(dispatcher, limits, listener, clocks)
        self.stops = StopController(
            dispatcher.stops, dispatcher.channel, watch, limits, listener, clocks
        )
        self.reason = Reason()

    @property
    def playing(self) -> Playing | None:
        """The plan that is played; None: none is."""
        return self._dispatcher.playing

    # Chunks and moves.

    def plan(
        self,
        chunk: ChunkRequest,
        observation: ArmObservation,
        now_s: float,
        *,
        approval: bool = False,
    ) -> PlanningJob:
        """Return a job that plans a chunk, if the chunk may be played.

        The caller runs the job, in any thread, and hands its plan to `take`, or gives it up. There
        is one job at a time: another chunk, another motion or a stop makes it void, which is
        reported to the listener at once.

        Args:
            chunk: what is to be played.
            observation: what is known of the arm.
            now_s: ROS time.
            approval: the chunk is to wait for approval.

        Raises:
            MotionRefusedError: nothing of it is played; all else continues unchanged.
        """
        self._check_clock(observation, now_s)
        return self.intake.begin(chunk, self._movable(observation), now_s, approval=approval)

    def take(
        self,
        planning: PlanningJob,
        planned: tuple[ScheduledMotion, float],
        observation: ArmObservation,
        now_s: float,
    ) -> None:
        """Play a chunk that was planned, or have it wait for approval.

        Raises:
            MotionRefusedError: nothing of it is played; all else continues unchanged.
        """
        self._check_clock(observation, now_s)
        self.intake.close(planning)
        prepared, planning_s = planned
        prepared = self._dispatcher.revalidate(prepared, self._movable(observation))
        if planning.approval:
            self.intake.offer(planning, prepared, planning_s)
            return
        if not prepared.from_rest:
            self.intake.deadlines.refuse_overtaken(prepared.begins_s, now_s)
        self._send(prepared, planning_s)

    def approve(self, observation: ArmObservation, now_s: float) -> ChunkRequest:
        """Release the chunk that waits for approval, to be planned from the present state.

        Raises:
            MotionRefusedError: no chunk waits.
        """
        self._check_clock(observation, now_s)
        return self.intake.approve()

    def move_to(
        self, goal: Vector, speed_share: float, observation: ArmObservation, now_s: float
    ) -> None:
        """Move to `goal` (Shape (n,), [rad]) at `speed_share` of the rate limits.

        Raises:
            MotionRefusedError: nothing is moved.
        """
        self._check_clock(observation, now_s)
        measured = self._movable(observation)
        prepared = self._dispatcher.prepare_move(goal, speed_share, measured, now_s)
        self._send(prepared, 0.0)

    def _movable(self, observation: ArmObservation) -> Measured:
        """Return the measured state, or raise MotionRefusedError if the arm may not be moved."""
        hindrance = self.hindrance(observation)
        if hindrance is not None:
            raise hindrance.refused()
        assert observation.measured is not None
        return observation.measured

    def hindrance(self, observation: ArmObservation) -> Reason | None:
        """Return why no motion may begin now; None: one may."""
        if self._hold.held:
            return Reason(Cause.HELD, HELD)
        known = observation.fault or observation.unfit
        if known is not None:
            return known
        if observation.elsewhere and self.playing is None:
            words = f"the arm may not be where it was measured: {observation.elsewhere}"
            return Reason(Cause.NO_JOINT_STATES, words)
        lead = self._dispatcher.channel.lead
        return None if lead.fits else Reason(Cause.COMMANDS_LATE, lead.refusal)

    def _send(self, prepared: ScheduledMotion, planning_s: float) -> None:
        before, stopped = self.playing, self.stops.under_way
        prepared = self._dispatcher.send(prepared, self._clocks.present)
        self.stops.note_delay()
        self.reason, self.stops.unrest = Reason(), ""
        self._steps_reported = 0
        self.intake.void_all(Reason(Cause.BUSY, _OTHER_MOTION))
        if stopped:  # it has come to rest, or nothing could have been sent
            self._listener.rested(True, AT_REST)
        if before is not None:
            self._listener.superseded(before)
        self._listener.accepted(prepared.playing, planning_s)

    # Stops.

    def stop(self, reason: Reason, observation: ArmObservation, now_s: float) -> None:
        """Bring the arm to rest smoothly, whatever moves it; a stop under way goes on."""
        self._check_clock(observation, now_s)
        self.intake.deadlines.stopped(now_s)
        self.intake.void_all(reason)
        if self.playing is not None:
            self._end_early(self.playing, reason, observation, now_s)
        elif not self.stops.under_way and self.stops.moves(observation):
            self.stops.brake(observation, now_s)

    def _end_early(
        self, playing: Playing, reason: Reason, observation: ArmObservation, now_s: float
    ) -> None:
        self.intake.void(reason)
        if self.stops.stop(playing, reason, observation, now_s):
            self._report_aborted(playing, reason)

    def _report_aborted(self, playing: Playing, reason: Reason) -> None:
        self.reason = reason
        self._listener.aborted(playing, reason)

    # Time.

    def doubt(self) -> None:
        """Mark the set-point as unknown once what plays has ended."""
        self._doubtful = True

    def tick(self, observation: ArmObservation, now_s: float) -> None:
        """Check the arm; to be called some fifty times a second."""
        self._check(observation, now_s)
        if observation.reacquired != self._reacquired:
            self._reacquired = observation.reacquired
            self.doubt()
        if self._doubtful and self.playing is None and not self.stops.under_way:
            self._doubtful = False
            self._dispatcher.channel.doubt()

    def _check(self, observation: ArmObservation, now_s: float) -> None:
        self._check_clock(observation, now_s)
        self._dispatcher.channel.lead.expire(self._clocks.steady())
        postponed = self.stops.postponed(observation)
        if postponed is not None and self.playing is not None:
            self._end_early(self.playing, postponed, observation, now_s)
        self._check_joins(observation, now_s)
        trouble = self._watch and self._watch.update(self.playing, observation, now_s)
        playing = self.playing
        if playing is None:
            self._check_rest(observation, now_s)
            return
        if observation.fault is not None:
            trouble = observation.fault
        if trouble:
            reason = Reason(trouble.cause, f"{trouble.message}; {_GO_ON}")
            self._end_early(playing, reason, observation, now_s)
            return
        steps = playing.steps_played(now_s)
        if steps > self._steps_reported:
            self._steps_reported = steps
            self._listener.stepped(playing)
        if playing.finished(now_s) and (self._watch is None or not self.stops.moves(observation)):
            self._dispatcher.channel.finish(observation.measured)
            self._listener.finished(playing)

    def _check_joins(self, observation: ArmObservation, now_s: float) -> None:
        playing = self.playing
        lost = self.stops.watch_joins(observation, now_s)
        if lost is None:
            return
        self.intake.void(lost)
        if playing is not None:
            self._report_aborted(playing, Reason(lost.cause, f"{lost.message}; {_GO_ON}"))

    def _check_rest(self, observation: ArmObservation, now_s: float) -> None:
        unrest = self.stops.watch_rest(observation, now_s)
        if unrest is not None:
            self.reason = unrest
            self.intake.void(unrest)

    def clock_was_set(self, by_s: float) -> None:
        """Shift what plays by `by_s`, by which the controller's clock was set forward.

        A controller counts periods while it plays a trajectory, so that goes on as before; only
        the next one starts by its clock.
        """
        self._dispatcher.channel.later(by_s)
        self._clock.later(by_s)
        self.intake.deadlines.later(by_s)
        self.stops.forget()
        message = f"the controller's clock was set by {by_s:+.3f} s"
        if abs(by_s) >= _CLOCK_SET_S:
            self._listener.warned(message)
        self.intake.void(Reason(Cause.CLOCKS_DIFFER, message))

    def _check_clock(self, observation: ArmObservation, now_s: float) -> None:
        back_s = self._clock.update(now_s)
        if not back_s:
            return
        self._dispatcher.channel.later(-back_s)
        self.intake.deadlines.forget()
        message = f"ROS time went back by {back_s:.3f} s"
        self._listener.warned(message)
        self.intake.void_all(Reason(Cause.CLOCK_JUMPED, message))
        if self.playing is not None:
            reason = Reason(Cause.CLOCK_JUMPED, f"{message}; {_GO_ON}")
            self._end_early(self.playing, reason, observation, now_s)
        self.stops.forget()

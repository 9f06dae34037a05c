# SPDX-License-Identifier: Apache-2.0
"""Control of stops: how the arm is brought to rest, and whether it comes to rest.

The ways to rest, in the order in which they are tried:

1. An arm that stands although its plan moves: the set-point comes to where the arm stands.
2. An arm that plays its plan: along the plan, as soon as the limits allow, or beside it where that
   is much sooner.
3. Where no such stop is found: the plan's own end, which is at rest.
4. An arm that moves though nothing is played: where it can stop by itself, if its measurements are
   to be trusted.

A stop that the controller has not taken up is sent again. Times are the controller's [s].
"""

import math
from collections.abc import Sequence

import numpy as np

from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.chunk import Measured
from vera_ros.motion.execution.channel import Channel
from vera_ros.motion.execution.listener import Listener
from vera_ros.motion.execution.planning_job import Clocks
from vera_ros.motion.execution.stop_dispatcher import StopDispatcher
from vera_ros.motion.observation.arm_observation import ArmObservation, SupervisionLimits
from vera_ros.motion.observation.joint_track import way
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.safety.tracking_watch import PlaybackWatch
from vera_ros.motion.safety.watchdogs import Rest, RestWatch
from vera_ros.motion.setpoint.join_watch import Join
from vera_ros.motion.setpoint.lead import LONGEST_S
from vera_ros.motion.setpoint.setpoint import Setpoint

AT_REST = "the arm has come to rest"
_DOUBT_S = 0.2  # longest wait of a stop for the controller's time to be clear
# Time past its lead after which a trajectory that was not taken up counts as lost [s].
_STOP_LOST_S, _MOTION_LOST_S = 0.05, 0.1
_STILL_RAD = 2e-4  # displacement below which positions show nothing
_REST_UNKNOWN = "whether the arm rests after its stop is not known"


class StopController:
    """Stops one arm.

    Args:
        stops: plans and sends stops.
        channel: holds what was sent.
        watch: compares the arm with its plan; None: the arm need not follow, in a dry run.
        limits: supervision thresholds.
        listener: receives reports of trouble and of rest.
        clocks: give the time.

    Attributes:
        unrest: why the arm is not known to rest although it was stopped; empty: all is well.
    """

    def __init__(
        self,
        stops: StopDispatcher,
        channel: Channel,
        watch: PlaybackWatch | None,
        limits: SupervisionLimits,
        listener: Listener,
        clocks: Clocks,
    ) -> None:
        self._stops = stops
        self._channel = channel
        self._watch = watch
        self._limits = limits
        self._listener = listener
        self._clocks = clocks
        self._rest = RestWatch(limits.rest_timeout_s)
        self._awaited: Setpoint | None = None
        self._postponed: Reason | None = None  # a stop, until the controller's time is clear
        self._clear_s = -math.inf  # steady time at which the controller's time was last clear
        self.unrest = ""

    @property
    def under_way(self) -> bool:
        """Whether a stop was requested, and the arm not seen at rest since."""
        return self._channel.playback.stopping is not None or self._postponed is not None

    def moves(self, observation: ArmObservation) -> bool:
        """Whether the arm is measured to move."""
        return observation.measured is not None and self._limits.moves(observation.measured)

    def rests(self, observation: ArmObservation) -> tuple[bool, str]:
        """Return whether the arm is known to rest while no stop is under way, and a message."""
        measured, fault = observation.measured, observation.fault
        if measured is None:
            return False, f"whether the arm rests is not known: {fault}"
        if not self.moves(observation):
            return True, "the arm was not moving"
        reason = f" ({fault})" if fault else ""
        return False, (
            f"the arm moves at {measured.speed}, plays nothing, and was not "
            f"braked{reason}; use its own stop"
        )

    # Stops.

    def stop(
        self, playing: Playing, reason: Reason, observation: ArmObservation, now_s: float
    ) -> bool:
        """Stop what plays; return False if the stop waits until the controller's time is clear."""
        steady_s, before = self._clocks.steady(), self._channel.playback.setpoint
        if observation.in_doubt and steady_s - self._clear_s < _DOUBT_S:
            self._postponed = self._postponed or reason
            return False
        try:
            watch = self._watch
            stands = (
                None if watch is None else watch.stands(reason.cause, observation, playing, now_s)
            )
            if stands is None:
                self._stops.stop(now_s, self._clocks.present)
            else:
                taken_up = watch is not None and watch.joins.taken_up
                self._stops.stop_in_place(stands, now_s, self._clocks.present, taken_up=taken_up)
        except MotionRefusedError as error:
            self._listener.warned(
                f"no stop within the limits was found, and none was sent ({error}); the arm plays "
                f"its plan to the end, at rest in {playing.end_s - now_s:.2f} s"
            )
        if self._channel.playback.setpoint is not before:
            self.note_delay()
        return True

    def note_delay(self) -> None:
        """Lengthen the lead if what was just sent left late, since this machine is busy."""
        present = self._clocks.present
        delay_s = 0.0 if present is None else self._channel.delay_s(present())
        if delay_s > 0.0:  # of one that is beyond all leads, only the arm's motion is evidence
            self._channel.lead.observe(min(delay_s, LONGEST_S), self._clocks.steady())

    def postponed(self, observation: ArmObservation) -> Reason | None:
        """Return why a stop was postponed, for it to be tried again; None: none was."""
        if not observation.in_doubt:
            self._clear_s = self._clocks.steady()
        postponed, self._postponed = self._postponed, None
        return postponed

    def brake(self, observation: ArmObservation, now_s: float) -> None:
        """Brake an arm that moves although nothing is played, if its joint states allow it."""
        if observation.fault is not None or self._watch is None:
            return
        measured = self._watch.trusted(observation)
        if measured is None or not _moves_as_reported(measured, observation.recent):
            self._listener.warned("the arm is not braked: its joint states cannot be trusted")
            return
        try:
            self._stops.brake(measured, now_s)
        except MotionRefusedError as error:
            self._listener.warned(f"the arm cannot be braked: {error}")

    # Trajectories that are late or lost.

    def watch_joins(self, observation: ArmObservation, now_s: float) -> Reason | None:
        """Check whether the controller has taken up what was sent last; stop again what it lost.

        Returns:
            Why what played was stopped; None: it was not.
        """
        watch, playback = self._watch, self._channel.playback
        if watch is None:
            return None
        if playback.setpoint is not self._awaited:
            self._awaited = playback.setpoint
            watch.joins.sent(playback.setpoint, playback.parts_s, observation.measured)
        finger_m = None if observation.measured is None else observation.measured.finger_m
        if finger_m is not None and self._stops.stop_gripper_where_missed(finger_m, now_s):
            self._channel.lead.late += 1
            self._listener.warned("the gripper's controller missed its stop: it is sent again")
        join, late_s = watch.joined(observation, playback.setpoint), watch.joins.lateness_s
        if join is Join.LATE:
            self._report_late(late_s, "it makes a step in the arm's set-point")
        if join is not Join.MISSED or not self._is_lost(late_s, observation, now_s):
            return None
        self._report_late(late_s, "what it plays instead is stopped")
        try:
            self._stops.stop_again(now_s)
        except MotionRefusedError as error:
            self._listener.warned(f"the arm cannot be stopped again: {error}")
        return Reason(Cause.COMMANDS_LATE, "the controller has not taken up what was sent")

    def _is_lost(self, late_s: float, observation: ArmObservation, now_s: float) -> bool:
        """Whether a trajectory that the arm has not followed yet counts as lost."""
        replaced = self._channel.playback.replaced
        moves = replaced is not None and not replaced.finished(now_s)
        if not moves and observation.acknowledged is not False:
            return False  # a standing arm is weaker evidence than the controller's report
        return late_s >= (_MOTION_LOST_S if self._channel.playback.playing else _STOP_LOST_S)

    def _report_late(self, late_s: float, what: str) -> None:
        self._channel.lead.missed(late_s, self._clocks.steady())
        self._listener.warned(
            f"the controller took up what was sent {late_s:.3f} s past its lead, or not at all: "
            f"{what}; the lead is {self._channel.lead.value_s:.3f} s now"
        )
        if not self._channel.lead.fits:
            self._listener.warned(self._channel.lead.refusal)

    # Rest.

    def forget(self) -> None:
        """Start over, since the clock was set."""
        self._rest.forget()
        if self._watch is not None:
            self._watch.forget()

    def watch_rest(self, observation: ArmObservation, now_s: float) -> Reason | None:
        """Check that the arm comes to rest after a stop; brake it where it does not.

        Returns:
            Why it is not known to rest; None: nothing is wrong.
        """
        stop, measured = self._channel.playback.stopping, observation.measured
        if stop is None:
            self._rest.forget()
            return None
        moves = None if measured is None else self.moves(observation)
        rest = self._rest.update(stop.end_s, moves, now_s, self._clocks.steady())
        if rest is Rest.THERE:
            self._channel.rested(measured)
            self.unrest = ""
            self._listener.rested(True, AT_REST)
        elif rest is Rest.OVERDUE:
            reason = self._report_overdue(observation)
            self.brake(observation, now_s)
            return reason
        elif rest is Rest.UNKNOWN:
            return self._report_unrest(f"{_REST_UNKNOWN}: ROS time stands still")
        return None

    def _report_overdue(self, observation: ArmObservation) -> Reason:
        measured = observation.measured
        if measured is None:
            return self._report_unrest(f"{_REST_UNKNOWN}: {observation.fault}")
        return self._report_unrest(
            f"the arm still moves at {measured.speed} although it was stopped: it "
            f"should have rested {self._limits.rest_timeout_s} s ago or earlier; use its own stop",
            again=True,
        )

    def _report_unrest(self, message: str, *, again: bool = False) -> Reason:
        before, self.unrest = self.unrest, message
        if again or not before:
            self._listener.warned(message)
        self._listener.rested(False, message)
        return Reason(Cause.NOT_AT_REST, message)


def _moves_as_reported(measured: Measured, recent: Sequence[Measured]) -> bool:
    """Whether the positions of the last hundredths of a second move as the velocities say.

    Where a driver begins to report false velocities, positions and velocities still agree well
    enough for a while; a brake would move the arm that rests.
    """
    if not recent:
        return True
    reported = way(recent[0], measured)
    moved = (measured.q - recent[0].q) * np.sign(reported)
    return bool((moved >= np.abs(reported) / 3.0 - _STILL_RAD).all())

# SPDX-License-Identifier: Apache-2.0
"""Plans and sends stops; StopController decides which."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import numpy as np

from vera_ros.motion.causes import MotionRefusedError
from vera_ros.motion.chunk import Measured
from vera_ros.motion.execution.channel import Channel
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.planning.plan import KNOT_S, Plan
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.planning.start import hold
from vera_ros.motion.setpoint.lead import LONGEST_S
from vera_ros.motion.trajectory import ArmState

Present = Callable[[], float]

_NEAR_RAD = 5e-3  # largest step of a set-point that is not what it is assumed to be
_LEFT_S = 0.006  # of the lead, for the checks and the way to the controller, once a stop is planned


class StopDispatcher:
    """Brings one arm to rest. Times are the controller's [s], given by the caller.

    Args:
        planner: plans stops.
        channel: channel to the controllers.
    """

    def __init__(self, planner: Planner, channel: Channel) -> None:
        self._planner = planner
        self._channel = channel

    def stop(self, now_s: float, present: Present | None = None) -> None:
        """Bring the playing plan to rest smoothly; the gripper ends its move.

        The way to rest follows the plan's path, unless that takes long and the arm may leave it.

        Args:
            now_s: ROS time, from which on it may begin.
            present: returns ROS time after planning; None: it stands still meanwhile.

        Raises:
            MotionRefusedError: no stop within the limits was found; the plan plays to its own end,
                which is at rest.
        """
        playing = self._channel.let_go()
        if playing is not None:
            self._stop_along(playing, now_s, present)

    def brake(self, measured: Measured, now_s: float) -> None:
        """Bring an arm to rest that moves although nothing is played, where it can stop.

        If a trajectory may play that the controller took up late, it is left to its own end, at
        rest: the controller commands that, and the arm only catches up with it.

        Raises:
            MotionRefusedError: no gentle stop was found; nothing is sent.
        """
        missed = self._channel.playback.missed
        if missed is not None and not missed.finished(now_s):
            self._channel.playback = replace(self._channel.playback, stopping=missed)
            return
        measured = measured.moved_on(now_s)
        way = self._planner.plan_brake(measured.q, measured.dq)
        self._channel.doubt()  # what commands it is unknown
        self._rest_at(way, measured, now_s)

    def stop_in_place(
        self,
        measured: Measured,
        now_s: float,
        present: Present | None = None,
        *,
        taken_up: bool = False,
    ) -> None:
        """Bring the set-point of an arm that stands off its plan to where the arm stands.

        If the controller plays the plan, or is still close to its beginning, the return leaves the
        plan as a stop does. If that is uncertain, only an end point is sent, so that the controller
        finds its own way there from whatever it commands; one that plays the plan covers its first
        period twice as fast. If no return is gentle enough, the arm comes to rest along the playing
        plan.

        Args:
            measured: where the arm stands.
            now_s: ROS time.
            present: see `stop`.
            taken_up: the arm was seen to follow the plan.

        Raises:
            MotionRefusedError: as for `stop`.
        """
        playing = self._channel.let_go()
        if playing is None or playing.finished(now_s) or self._channel.playback.unsent:
            return
        lead_s = self._channel.lead.value_s
        begins = now_s < playing.start_s < now_s + lead_s
        if begins:  # before the return can arrive
            now_s = playing.start_s
        passed_s = max(0.0, now_s - playing.start_s)
        start_q, planned_q = playing.plan.spline.derivative(0, np.array([0.0, passed_s]))
        near = min(np.abs(planned_q - other_q).max() for other_q in (measured.q, start_q))
        try:
            if begins or (passed_s > 0.0 and (taken_up or near <= _NEAR_RAD)):
                way = self._planner.plan_return_along(playing.plan, passed_s, measured.q, lead_s)
                self._turn_off(playing, way, now_s, lead_s)
                return
            way = self._planner.plan_return(playing.plan, passed_s, measured.q, lead_s)
            self._rest_at(way, measured, now_s)
        except MotionRefusedError:
            self._stop_along(playing, now_s, present)

    def stop_again(self, now_s: float) -> None:
        """Stop what still plays when the controller has not taken up what was sent last.

        Raises:
            MotionRefusedError: as for `stop`.
        """
        replaced, sent = (
            self._channel.playback.replaced,
            self._channel.playback.playing or self._channel.playback.stopping,
        )
        missed = [each for each in (self._channel.playback.missed, sent) if each is not None]
        self._channel.gate.setpoint = self._channel.gate.setpoint.reverted()
        self._channel.playback = replace(
            self._channel.playback,
            playing=None,
            stopping=replaced,
            before=None,
            setpoint=self._channel.gate.setpoint,
            missed=max(missed, key=lambda each: each.end_s, default=None),
        )
        if replaced is not None and not replaced.finished(now_s):
            self._stop_along(replaced, now_s)
        elif sent is not None:  # since it may still arrive
            self._cancel(sent, now_s)

    def stop_gripper_where_missed(self, finger_m: float, now_s: float) -> bool:
        """Stop the gripper again if it missed its stop; return whether it did.

        `finger_m`: the finger position as measured.
        """
        if not self._channel.gripper.missed_stop(self._channel.playback, finger_m, now_s):
            return False
        self._channel.playback = self._channel.gripper.stop_again(self._channel.playback, now_s)
        return True

    # The ways to rest.

    def _stop_along(self, playing: Playing, now_s: float, present: Present | None = None) -> None:
        if playing.finished(now_s) or self._channel.playback.unsent:
            return
        lead_s = self._channel.lead.value_s
        if now_s < playing.start_s:
            setpoint = self._channel.gate.setpoint.state(now_s)
            rests = setpoint is None or not np.abs(setpoint[1]).any()
            if rests and now_s + lead_s <= playing.start_s:
                self._cancel(playing, now_s)
                return
            now_s, present = playing.start_s, None
        plans = self._stops(playing, now_s, lead_s)
        late_s = 0.0 if present is None else present() - now_s
        if late_s > lead_s - _LEFT_S:  # it would hardly arrive in time: plan again, for later
            now_s, lead_s = now_s + late_s, min(lead_s + late_s, LONGEST_S)
            plans = self._stops(playing, now_s, lead_s)
        short, along = plans
        if short is not None:
            with suppress(MotionRefusedError):  # something stands beside the path
                self._turn_off(playing, short, now_s, lead_s)
                return
        self._turn_off(playing, along, now_s, lead_s)

    def _stops(self, playing: Playing, now_s: float, lead_s: float) -> tuple[Plan | None, Plan]:
        """Return the stops that leave the path, if that is sooner, and that follow it."""
        plan, passed_s = playing.plan, now_s - playing.start_s
        along = self._planner.plan_stop(plan, passed_s, lead_s)
        return self._planner.plan_short_stop(plan, passed_s, lead_s, along), along

    def _turn_off(self, playing: Playing, way: Plan, now_s: float, lead_s: float) -> None:
        """Send a way to rest that equals the playing plan until its lead is over.

        It starts on the plan, which the arm follows within the tracking tolerance.
        """
        self._channel.gate.send_arm(
            way.trajectory(),
            ArmState(way.spline.state(0.0)[0]),
            now_s,
            joins_s=min(lead_s, way.duration_s),
            past_s=self._channel.past_s,
        )
        self._stopped_by(way, now_s, now_s + lead_s, playing)

    def _rest_at(self, way: Plan, measured: Measured, now_s: float) -> None:
        """Send only the end of a way; the controller gets there by itself in the same time."""
        end_q = way.spline.state(way.duration_s)[0]
        rest = hold(end_q, KNOT_S)
        assert rest is not None
        self._channel.gate.send_arm(
            Plan(rest).trajectory(),
            measured.arm,
            now_s + way.duration_s,
            ahead_s=way.duration_s,
        )
        self._stopped_by(way, now_s, now_s + way.duration_s)

    def _cancel(self, playing: Playing, now_s: float) -> None:
        """Hold the set-point where a motion was to begin, before it begins."""
        start_q = playing.plan.spline.derivative(0, 0.0)
        rest = hold(start_q, max(self._channel.lead.value_s, KNOT_S))
        assert rest is not None
        plan, arm = Plan(rest), ArmState(start_q)
        known = self._channel.gate.setpoint.state(now_s) is not None
        ahead_s = 0.0 if known else self._channel.gate.gentle_s(start_q)
        self._channel.gate.send_arm(
            plan.trajectory(), arm, now_s + ahead_s, ahead_s=ahead_s, past_s=self._channel.past_s
        )
        self._stopped_by(plan, now_s + ahead_s, now_s + ahead_s)

    def _stopped_by(
        self, plan: Plan, now_s: float, parts_s: float, replaced: Playing | None = None
    ) -> None:
        self._channel.playback = replace(
            self._channel.playback,
            stopping=Playing(plan, now_s),
            rested_q=None,
            setpoint=self._channel.gate.setpoint,
            parts_s=parts_s,
            replaced=replaced,
        )
        self._channel.playback = self._channel.gripper.stop(self._channel.playback, now_s)

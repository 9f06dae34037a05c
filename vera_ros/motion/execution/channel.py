# SPDX-License-Identifier: Apache-2.0
"""Channel to an arm's controllers, and the state of what was sent on it."""

from dataclasses import replace

import numpy as np

from vera_ros.motion.chunk import Measured
from vera_ros.motion.execution.gripper_dispatcher import GripperDispatcher
from vera_ros.motion.execution.playback_state import PlaybackState
from vera_ros.motion.gripper.gripper import Gripper
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.motion.setpoint.setpoint import PAST_S, START_SLACK_RAD


class Channel:
    """Holds what is known of the controllers of one arm. Times are the controllers' [s].

    Args:
        gate: checks and publishes.
        gripper: what is known of the fingers; None: there is no gripper.
        lead: time that what is sent is given to arrive before it begins.
        start_rad: how far a resting arm may be from its set-point, per joint.

    Attributes:
        gate: checks and publishes.
        lead: time that what is sent is given to arrive before it begins.
        gripper: commands the fingers.
        playback: what the arm plays, and what it was sent so far.
        past_s: how much is sent of what is commanded before time 0: more than the uncertainty of
            the controller's clock.
    """

    def __init__(self, gate: Gate, gripper: Gripper | None, lead: Lead, start_rad: float) -> None:
        self._start_rad = start_rad
        self.gate = gate
        self.lead = lead
        self.gripper = GripperDispatcher(gate, lead)
        self.playback = PlaybackState(gripper=gripper, setpoint=gate.setpoint)
        self.past_s = PAST_S

    def later(self, by_s: float) -> None:
        """Shift all remembered times by `by_s`, by which the controller's clock was set forward."""
        self.playback = self.playback.later(by_s)
        self.gate.setpoint = self.playback.setpoint

    def delay_s(self, present_s: float) -> float:
        """Return how much of its lead what was sent last had used up by now [s]; 0 in a dry run."""
        if not self.playback.live:
            return 0.0
        return self.lead.value_s - (self.playback.parts_s - present_s)

    def doubt(self) -> None:
        """Mark the set-point as unknown, since the controller may have been restarted."""
        if not self.playback.setpoint.known:
            return
        self.gate.setpoint = self.gate.setpoint.doubted()
        self.playback = replace(self.playback, setpoint=self.gate.setpoint)

    def let_go(self) -> Playing | None:
        """Forget the playing plan, and return it: until it is replaced, the arm still plays it."""
        playing = self.playback.playing
        if playing is not None:
            self.playback = replace(self.playback, playing=None, stopping=playing, before=None)
        return playing

    def finish(self, measured: Measured | None = None) -> None:
        """Note that the playing plan has come to rest, with the arm where it is measured."""
        self.playback = replace(self.playback, playing=None)
        self._rest_where(measured)

    def rested(self, measured: Measured | None = None) -> None:
        """Note that the stop has come to rest, with the arm where it is measured."""
        self.playback = replace(self.playback, stopping=None)
        self._rest_where(measured)

    def _rest_where(self, measured: Measured | None) -> None:
        """Note where the arm rests.

        If that is where an earlier trajectory ends, and not the last one, the controller has missed
        some, so which one it plays is uncertain.
        """
        q, end_q = None if measured is None else measured.q, self.playback.setpoint.end_q
        self.playback = replace(self.playback, rested_q=q)
        if q is None or end_q is None or self._near(q, end_q):
            return
        if any(self._near(q, earlier_q) for earlier_q in self.playback.setpoint.earlier_q):
            self.doubt()

    def _near(self, q: Vector, end_q: Vector) -> bool:
        return bool(np.abs(q - end_q).max() <= self._start_rad + START_SLACK_RAD)

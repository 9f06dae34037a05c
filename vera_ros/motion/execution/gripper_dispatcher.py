# SPDX-License-Identifier: Apache-2.0
"""Dispatcher of gripper commands: sends them, and checks that stops are obeyed."""

from copy import copy
from dataclasses import replace

import numpy as np

from vera_ros.motion.execution.playback_state import PlaybackState
from vera_ros.motion.gripper.gripper import Gripper, GripperPlan
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.setpoint.lead import Lead

_SAME_M = 1e-6
_BEYOND_M = 2e-3  # more than a controller whose clock is a lead ahead is beyond a stop


class GripperDispatcher:
    """Commands one gripper. Times are the controller's [s].

    Every method that sends returns the playback state that follows from it.

    Args:
        gate: checks and publishes.
        lead: time that a trajectory is given to arrive before it begins.
    """

    def __init__(self, gate: Gate, lead: Lead) -> None:
        self._gate = gate
        self._lead = lead
        self._way, self._least_m = 0.0, 0.0  # see missed_stop

    def send(self, playback: PlaybackState, fingers: GripperPlan, start_s: float) -> PlaybackState:
        """Send a plan with time 0 at `start_s`."""
        gripper = copy(playback.gripper)
        assert gripper is not None
        if fingers.trajectory is not None:
            self._gate.send_gripper(fingers.trajectory, start_s)
        gripper.commanded(fingers, start_s)
        return replace(playback, gripper=gripper, fingers_before=None)

    def stop(self, playback: PlaybackState, now_s: float) -> PlaybackState:
        """Let the fingers end the move under way, and make no other."""
        gripper = playback.gripper
        if gripper is None or not gripper.known:
            return playback
        return self._end(playback, gripper, gripper.plan_stop(now_s, self._lead.value_s), now_s)

    def stop_again(self, playback: PlaybackState, now_s: float) -> PlaybackState:
        """Hold the fingers after a stop that was lost, even in mid-move."""
        before = playback.fingers_before
        assert before is not None
        hold = before.plan_hold(now_s, self._lead.value_s)
        return self._end(replace(playback, gripper=before), before, hold, now_s)

    def _end(
        self, playback: PlaybackState, before: Gripper, stop: GripperPlan, now_s: float
    ) -> PlaybackState:
        playback = self.send(playback, stop, now_s)
        if stop.trajectory is None:
            return playback
        self._way = 0.0
        return replace(playback, fingers_before=before)

    def missed_stop(self, playback: PlaybackState, finger_m: float, now_s: float) -> bool:
        """Whether the fingers make a move that a stop should have prevented.

        They are beyond the stop in the way of that move, and have moved that way since it began.
        Fingers that lag have not, nor have fingers that an object holds. `finger_m`: as measured.
        """
        before, gripper = playback.fingers_before, playback.gripper
        if before is None or gripper is None:
            return False
        stopped_m = gripper.commanded_m(now_s)
        prevented_m = before.commanded_m(now_s) - stopped_m
        way = float(np.sign(prevented_m)) if abs(prevented_m) > _SAME_M else 0.0
        if way != self._way:
            self._way, self._least_m = way, np.inf
        self._least_m = min(self._least_m, way * finger_m)  # farthest against the way
        return way * (finger_m - stopped_m) > _BEYOND_M < way * finger_m - self._least_m

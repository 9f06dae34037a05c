# SPDX-License-Identifier: Apache-2.0
"""A dry run: everything is planned and checked, and nothing is sent."""

from dataclasses import replace
from typing import Any

from vera_ros.motion.chunk import Measured
from vera_ros.motion.execution.dispatcher import Dispatcher
from vera_ros.motion.execution.scheduled_motion import ScheduledMotion
from vera_ros.motion.execution.stop_dispatcher import Present, StopDispatcher
from vera_ros.motion.setpoint.setpoint import Setpoint


class DryRunDispatcher(Dispatcher):
    """A dispatcher that sends nothing.

    A plan "plays" for as long as it would take. The arm stands still meanwhile, so whatever comes
    next begins from where it is measured, at rest.
    """

    def __init__(self, *args: Any, **leads: Any) -> None:
        super().__init__(*args, **leads)
        self.channel.playback = replace(self.channel.playback, live=False)
        self.stops = DryRunStopDispatcher(self._planner, self.channel)

    def check(self, prepared: ScheduledMotion) -> None:
        """Raise MotionRefusedError unless the gate would let it through.

        The arm stands still throughout, so the set-point is assumed to be where it stands.
        """
        start_q = prepared.playing.plan.spline.derivative(0, 0.0)
        self.channel.gate.setpoint = Setpoint.resting(start_q)
        super().check(prepared)

    def send(self, prepared: ScheduledMotion, present: Present | None = None) -> ScheduledMotion:
        """Check a prepared motion, and let its duration pass.

        Raises:
            MotionRefusedError: it would not have been sent.
        """
        self.check(prepared)
        self.channel.playback = replace(self.channel.playback, playing=prepared.playing)
        return prepared


class DryRunStopDispatcher(StopDispatcher):
    """Drops the plan: a dry run moves nothing, and does not stop what else moves the arm."""

    def stop(self, now_s: float, present: Present | None = None) -> None:
        """Drop the plan."""
        self._channel.playback = replace(self._channel.playback, playing=None)

    def stop_in_place(
        self,
        measured: Measured,
        now_s: float,
        present: Present | None = None,
        *,
        taken_up: bool = False,
    ) -> None:
        """Drop the plan."""
        self.stop(now_s)

    def brake(self, measured: Measured, now_s: float) -> None:
        """Drop the plan."""
        self.stop(now_s)

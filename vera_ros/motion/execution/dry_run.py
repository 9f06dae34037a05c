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
        self.channel.playback = replace(self.channel.playback, in_earnest=False)
        self.stops = DryRunStopDispatcher(self._planner, self.channel)

    def check(self, prepared: ScheduledMotion) -> None:
        """Raise MotionRefusedError unless the gate would let it through.

        The arm stands still all the time, so it is commanded to be where it stands.
        """
        start_q = prepared.playing.plan.spline.derivative(0, 0.0)
        self.channel.gate.setpoint = Setpoint.resting(start_q)
        super().check(prepared)

    def send(self, prepared: ScheduledMotion, present: Present | None = None) -> ScheduledMotion:
        """Check what was prepared, and let its time pass.

        Raises:
            MotionRefusedError: it would not have been sent.
        """
        self.check(prepared)
        self.channel.playback = replace(self.channel.playback, playing=prepared.playing)
        return prepared


class DryRunStopDispatcher(StopDispatcher):
    """Lets go of the plan: nothing moves, and what moves the arm is not for a dry run to stop."""

    def stop(self, now_s: float, present: Present | None = None) -> None:
        """Let go of the plan."""
        self._channel.playback = replace(self._channel.playback, playing=None)

    def stop_in_place(
        self,
        measured: Measured,
        now_s: float,
        present: Present | None = None,
        *,
        taken_up: bool = False,
    ) -> None:
        """Let go of the plan."""
        self.stop(now_s)

    def brake(self, measured: Measured, now_s: float) -> None:
        """Let go of the plan."""
        self.stop(now_s)

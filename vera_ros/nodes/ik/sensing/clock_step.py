# SPDX-License-Identifier: Apache-2.0
"""The steps in which simulated time advances, measured where /clock enters."""

from collections import deque

from rclpy.clock import Clock, JumpThreshold, TimeJump
from rclpy.duration import Duration

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.safety.chunk_deadlines import FUTURE_S

_STEPS = 64  # remembered; some are several in one, where messages were lost
_ENOUGH = 8
_ROUNDING_S = 1e-6


class ClockStep:
    """Measures the steps of a node's clock.

    Args:
        clock: of the node; without simulated time, it has no steps.
    """

    def __init__(self, clock: Clock) -> None:
        self._steps_s: deque[float] = deque(maxlen=_STEPS)
        any_step = JumpThreshold(
            min_forward=Duration(nanoseconds=1), min_backward=None, on_clock_change=False
        )
        self._handle = clock.create_jump_callback(any_step, post_callback=self._on_step)

    def _on_step(self, jump: TimeJump) -> None:
        self._steps_s.append(jump.delta.nanoseconds * 1e-9)

    def fault(self) -> Reason | None:
        """Return why chunks cannot be timed by this clock; None: they can, as far as is known."""
        if len(self._steps_s) < _ENOUGH:
            return None
        step_s = min(self._steps_s)
        if step_s <= FUTURE_S + _ROUNDING_S:
            return None
        return Reason(
            Cause.CLOCKS_DIFFER,
            f"/clock advances by {step_s:.3g} s at a time ({1.0 / step_s:.3g} Hz), so that a chunk "
            f"may seem to come from the future; valid is up to {FUTURE_S:g} s: publish /clock at "
            f"{1.0 / FUTURE_S:g} Hz of simulated time or more",
        )

    def close(self) -> None:
        """Measure no longer."""
        self._handle.unregister()

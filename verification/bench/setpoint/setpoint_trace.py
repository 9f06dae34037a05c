# SPDX-License-Identifier: Apache-2.0
"""Records a controller's set-point in every cycle, and measures it against the joints' limits."""

import numpy as np

from verification.rig import Vector

_ROUNDING_RAD = 1e-9
_NEW_WAY_RAD = 1e-3  # largest step where a controller begins its own way anew: docs/safety_case.md


class SetPointTrace:
    """The set-point of every controller cycle so far.

    Args:
        q: the first set-point. Shape (n,), [rad].
        period_s: control period.
        rates: joint limits: velocity, acceleration. Shape (2 or more, n), [rad/s, rad/s^2].

    Attributes:
        commands: the set-points, oldest first. Shape (n,) each, [rad].
        period_s: control period.
        new_ways: numbers of the cycles in which the controller, on its way to a start from a
            set-point that nobody knew, was given another start.
    """

    def __init__(self, q: Vector, period_s: float, rates: Vector) -> None:
        self.commands: list[Vector] = [q]
        self.new_ways: list[int] = []
        self.period_s = period_s
        self._rates = rates

    def shares(self) -> tuple[float, float]:
        """Return the largest velocity and acceleration as shares of the joints' limits.

        They are computed from first and second differences at the controller's rate.
        """
        velocity, acceleration = self._shares()
        return float(velocity.max(initial=0.0)), float(acceleration.max(initial=0.0))

    def steps_s(self, max_velocity: float, max_acceleration: float) -> list[float]:
        """Return the times at which the set-point exceeded these shares of the limits [s]."""
        velocity, acceleration = self._shares()
        steps = (velocity[1:] > max_velocity) | (acceleration > max_acceleration)
        return [float(time) for time in (np.flatnonzero(steps.any(axis=1)) + 2) * self.period_s]

    def step_rad(self) -> float:
        """Return the largest second difference of a joint's set-point [rad]."""
        return float(np.abs(np.diff(np.array(self.commands), 2, axis=0)).max(initial=0.0))

    def braking_s(self, over_s: float = 0.0) -> float:
        """Return the time that the slowest joint needs to brake [s].

        That is from its largest velocity of the last `over_s`; 0: from the present one.
        """
        cycles = 2 + round(over_s / self.period_s)
        dq = np.abs(np.diff(np.array(self.commands[-cycles:]), axis=0)) / self.period_s
        return float((dq / self._rates[1]).max())

    def moves(self) -> bool:
        """Whether the set-point changed in the last cycle, by more than rounding."""
        if len(self.commands) < 2:
            return False
        return bool((np.abs(self.commands[-1] - self.commands[-2]) > _ROUNDING_RAD).any())

    def _shares(self) -> tuple[Vector, Vector]:
        q = np.array(self.commands)
        velocity = np.abs(np.diff(q, axis=0)) / self.period_s / self._rates[0]
        step = np.abs(np.diff(q, 2, axis=0))
        acceleration = step / self.period_s**2 / self._rates[1]
        for cycle in self.new_ways:
            around = slice(max(0, cycle - 2), cycle + 1)
            acceleration[around][step[around] < _NEW_WAY_RAD] = 0.0
        return velocity, acceleration

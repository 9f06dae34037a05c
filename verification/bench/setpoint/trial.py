# SPDX-License-Identifier: Apache-2.0
"""Trial: one run of a disturbance in simulated time, and the random inputs of trials."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from verification.bench.setpoint.arm_side import ArmSide
from verification.bench.setpoint.world import World
from verification.rig import START_Q, Rig, Vector

MAX_VELOCITY_SHARE, MAX_ACCELERATION_SHARE = 1.05, 1.2  # a set-point's, of the joints' limits
ClockOffset = Callable[[float], float]  # a clock minus true time, at a true time [s]
_RATES_HZ = (100.0, 500.0, 1000.0)


@dataclass
class Trial:
    """Results of a run.

    Attributes:
        velocity: largest velocity of the set-point, as a share of the joints' limits.
        acceleration: largest acceleration, likewise, by differences at the controller's rate.
        step_rad: largest step of the set-point.
        complaints: failures of the run, as text.
        counts: number of occurrences, by event.
    """

    velocity: float = 0.0
    acceleration: float = 0.0
    step_rad: float = 0.0
    complaints: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, event: str, times: int = 1) -> None:
        """Count an event."""
        self.counts[event] = self.counts.get(event, 0) + times

    def check_limits(self, side: ArmSide, disturbance: str) -> None:
        """Complain if the set-point exceeded its limits at any time."""
        self.velocity, self.acceleration = side.trace.shares()
        if self.velocity > MAX_VELOCITY_SHARE or self.acceleration > MAX_ACCELERATION_SHARE:
            self.complaints.append(
                f"{disturbance}: the set-point reached {self.velocity:.2f} of the velocity and "
                f"{self.acceleration:.2f} of the acceleration limits; valid is up to "
                f"{MAX_VELOCITY_SHARE} and {MAX_ACCELERATION_SHARE}"
            )


def draw_clock_offset(kind: str, off_s: float, rng: np.random.Generator) -> ClockOffset:
    """Draw a clock offset that is constant `off_s`, or reaches it by a step or a drift."""
    at_s, rate = rng.uniform(1.2, 2.7), off_s / rng.uniform(0.5, 3.0)
    if kind == "step":
        return lambda time_s: off_s * (time_s > at_s)
    if kind == "drift":
        return lambda time_s: float(np.clip(rate * time_s, -abs(off_s), abs(off_s)))
    return lambda _: off_s


def draw_deltas(rng: np.random.Generator, actions: int, most: float) -> Vector:
    """Draw a chunk of equal deltas, up to `most` [m] per axis. Shape (actions, 6), [m, rad]."""
    deltas = np.zeros((actions, 6))
    deltas[:, :3] = rng.uniform(-most, most, 3)
    deltas[:, 5] = rng.uniform(-0.1, 0.1)
    return deltas


def draw_side(rig: Rig, rng: np.random.Generator, settle_s: float = 1.0, **changes: Any) -> ArmSide:
    """Draw an arm's side, which has run for `settle_s`; `changes` are fields of its World."""
    drawn = {"rate_hz": float(rng.choice(_RATES_HZ)), "open_loop": bool(rng.integers(2))}
    world = World(**{**drawn, **changes})
    side = ArmSide(rig, START_Q, world)
    side.run(settle_s)
    return side

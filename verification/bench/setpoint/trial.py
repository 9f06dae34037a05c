# SPDX-License-Identifier: Apache-2.0
"""One run of an arm's side in simulated time, and what is drawn for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from verification.bench.setpoint.arm_side import ArmSide
from verification.bench.setpoint.world import World
from verification.rig import START_Q, Rig, Vector

MOST_VELOCITY, MOST_ACCELERATION = 1.05, 1.2  # shares of the limits that a set-point may reach
Course = Callable[[float], float]  # from true time
_RATES_HZ = (100.0, 500.0, 1000.0)


@dataclass
class Trial:
    """What became of a run.

    Attributes:
        velocity: the set-point's largest, as a share of the joints' limits.
        acceleration: the same of its acceleration, by second differences at the controller's rate.
        step_rad: its largest step.
        complaints: what must not be, in words.
        counts: how often what happened.
    """

    velocity: float = 0.0
    acceleration: float = 0.0
    step_rad: float = 0.0
    complaints: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, times: int = 1) -> None:
        """Note that something happened."""
        self.counts[what] = self.counts.get(what, 0) + times

    def within(self, side: ArmSide, doing: str) -> None:
        """Look at the whole set-point."""
        self.velocity, self.acceleration = side.trace.shares()
        if self.velocity > MOST_VELOCITY or self.acceleration > MOST_ACCELERATION:
            self.complaints.append(
                f"{doing}: the set-point reached {self.velocity:.2f} of the velocity and "
                f"{self.acceleration:.2f} of the acceleration limits"
            )


def draw_course(course: str, off_s: float, rng: np.random.Generator) -> Course:
    """How far a clock is ahead, at a true time."""
    at_s, rate = rng.uniform(1.2, 2.7), off_s / rng.uniform(0.5, 3.0)
    if course == "step":
        return lambda time_s: off_s * (time_s > at_s)
    if course == "drift":
        return lambda time_s: float(np.clip(rate * time_s, -abs(off_s), abs(off_s)))
    return lambda _: off_s


def draw_deltas(rng: np.random.Generator, actions: int, most: float) -> Vector:
    """A chunk that leads straight on. Shape (actions, 6), [m, rad]."""
    deltas = np.zeros((actions, 6))
    deltas[:, :3] = rng.uniform(-most, most, 3)
    deltas[:, 5] = rng.uniform(-0.1, 0.1)
    return deltas


def draw_side(rig: Rig, rng: np.random.Generator, settle_s: float = 1.0, **changes: Any) -> ArmSide:
    """An arm's side that has run for a while."""
    drawn = {"rate_hz": float(rng.choice(_RATES_HZ)), "open_loop": bool(rng.integers(2))}
    world = World(**{**drawn, **changes})
    side = ArmSide(rig, START_Q, world)
    side.run(settle_s)
    return side

# SPDX-License-Identifier: Apache-2.0
"""Motions of the arm, good ones, for tests to spoil."""

import math
from dataclasses import dataclass

import numpy as np

from bench.bounds import Vector
from bench.rig import START_Q
from chaos.recording import JointSample, Published

STEP_S = 0.0125
SAMPLE_S = 0.01


@dataclass(frozen=True)
class Swing:
    """A minimum-jerk motion of one joint from the start posture, from time 0 on."""

    joint: int = 0
    far_rad: float = 0.1
    duration_s: float = 1.5

    def at(self, time_s: Vector) -> tuple[Vector, Vector, Vector]:
        """Position, velocity and acceleration. Shapes (N, 7)."""
        s = np.clip(np.asarray(time_s) / self.duration_s, 0.0, 1.0)[:, None]
        axis = self.far_rad * np.eye(7)[self.joint]
        return (
            START_Q + axis * s**3 * (10 - 15 * s + 6 * s**2),
            axis * 30 * s**2 * (1 - s) ** 2 / self.duration_s,
            axis * 60 * s * (1 - s) * (1 - 2 * s) / self.duration_s**2,
        )

    def published(self, begins_s: float, from_s: float = 0.0, number: int = 0) -> Published:
        """The swing from one of its moments on, published a little after its beginning."""
        left_s = self.duration_s - from_s
        times = np.linspace(0.0, left_s, math.ceil(left_s / STEP_S) + 1)[1:]
        return Published(number, begins_s, begins_s + 0.005, times, *self.at(from_s + times))

    def samples(self, begins_s: float, from_s: float, until_s: float) -> list[JointSample]:
        """The true joints of an arm that follows it from `begins_s` on."""
        stamps = np.arange(from_s, until_s, SAMPLE_S)
        q, dq, _ = self.at(stamps - begins_s)
        return [JointSample(*row) for row in zip(stamps.tolist(), q, dq, strict=True)]

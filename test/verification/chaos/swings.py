# SPDX-License-Identifier: Apache-2.0
"""Motions of the arm, good ones, for tests to spoil."""

from dataclasses import dataclass

import numpy as np

from verification.chaos.monitor.recording import JointSample, Playing, Published
from verification.judge.bounds import Vector
from verification.rig import START_Q

STEP_S = 0.0125
SAMPLE_S = 0.01
PAST_S = 0.05  # of what is carried along, four steps


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

    def published(self, at_s: float, from_s: float = 0.0, number: int = 0) -> Published:
        """The swing from one of its moments on, which is to play at `at_s`.

        It is published then, and carries what led there.
        """
        times = np.arange(-PAST_S, self.duration_s - from_s + STEP_S, STEP_S)
        begins_s = at_s - PAST_S
        return Published(
            number, begins_s, at_s, at_s + 0.002, times + PAST_S, *self.at(from_s + times)
        )

    def approached(self, at_s: float, in_s: float = 0.3, number: int = 0) -> Published:
        """The swing as one sends it who does not know the set-point: it starts after a while."""
        times = np.arange(0.0, self.duration_s + STEP_S, STEP_S)
        return Published(number, at_s, at_s, at_s + 0.002, times + in_s, *self.at(times))

    def playing(self, at_s: float) -> Playing:
        """What a controller plays of it that gets it then, from its beginning."""
        return Playing(self.published(at_s).played_from_first_point(), at_s - PAST_S, at_s)

    def samples(self, begins_s: float, from_s: float, until_s: float) -> list[JointSample]:
        """The true joints of an arm that follows it from `begins_s` on."""
        stamps = np.arange(from_s, until_s, SAMPLE_S)
        q, dq, _ = self.at(stamps - begins_s)
        return [JointSample(*row) for row in zip(stamps.tolist(), q, dq, strict=True)]

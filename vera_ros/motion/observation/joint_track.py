# SPDX-License-Identifier: Apache-2.0
"""The last joint states in a row, and whether their positions and velocities agree.

What is not known of the way between two samples is taken from the mean of their velocities: exact
while the acceleration stays the same.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector

SLACK_RAD = 5e-3  # encoders and rounding, with plenty to spare
WINDOW_S = 0.12  # what agrees for so long is believed
SAMPLES = 5
_GAP_S = 0.1  # further apart, velocities do not tell of the way between
_DENSEST_S = 2e-3
_VELOCITY_ERROR = 0.25  # share of the speed
_PARTS = 3


def way(before: Measured, after: Measured) -> Vector:
    """How far the joints went between two samples, by their velocities. Shape (n,), [rad]."""
    return 0.5 * (before.dq + after.dq) * (after.stamp_s - before.stamp_s)


@dataclass(frozen=True)
class Agreement:
    """How the positions and velocities of a window go together.

    Attributes:
        consistent: all joints' do, all the time.
        contradicted: joints whose positions went another way than their velocities, steadily.
        moved: by the positions. Shape (n,), [rad].
        told: by the velocities. Shape (n,), [rad].
        span_s: from the first sample to the last.
    """

    consistent: bool
    contradicted: tuple[int, ...]
    moved: Vector
    told: Vector
    span_s: float


class JointTrack:
    """The samples of the last 0.12 s, at least five, with no long gap between them."""

    def __init__(self) -> None:
        self._samples: deque[Measured] = deque()

    @property
    def last(self) -> Measured | None:
        """The newest sample; None: there is none."""
        return self._samples[-1] if self._samples else None

    def add(self, sample: Measured) -> None:
        """Go on with a sample; after a gap, or a step back in time, begin anew."""
        samples, stamp_s = self._samples, sample.stamp_s
        if samples and not 0.0 <= stamp_s - samples[-1].stamp_s <= _GAP_S:
            samples.clear()
        if len(samples) > 1 and stamp_s - samples[-2].stamp_s < _DENSEST_S:
            samples.pop()
        samples.append(sample)
        while len(samples) > SAMPLES and stamp_s - samples[1].stamp_s >= WINDOW_S:
            samples.popleft()

    def agreement(self) -> Agreement | None:
        """How positions and velocities go together; None: the window is not full yet."""
        samples = self._samples
        if len(samples) < SAMPLES:
            return None
        span_s = samples[-1].stamp_s - samples[0].stamp_s
        if span_s < WINDOW_S:
            return None
        q, dq = np.array([s.q for s in samples]), np.array([s.dq for s in samples])
        steps_s = np.diff([s.stamp_s for s in samples])[:, None]
        told = np.zeros_like(q)
        np.cumsum(0.5 * (dq[1:] + dq[:-1]) * steps_s, axis=0, out=told[1:])
        speed = np.abs(dq)
        length = (0.5 * (speed[1:] + speed[:-1]) * steps_s).sum(axis=0)
        allowed = SLACK_RAD + _VELOCITY_ERROR * length
        error = q - q[0] - told
        return Agreement(
            bool((np.ptp(error, axis=0) <= allowed).all()),
            _contradicted(error, allowed),
            q[-1] - q[0],
            told[-1],
            span_s,
        )


def _contradicted(error: Vector, allowed: Vector) -> tuple[int, ...]:
    """Joints that drift from what their velocities tell, in every part of the window.

    One wrong position or velocity tells in one part, or in two: such a window is not consistent,
    yet the driver's velocities are not false.

    Args:
        error: positions less what the velocities tell, from the first sample on. Shape (N, n).
        allowed: at the end. Shape (n,).
    """
    drift = error[-1]
    if not (np.abs(drift) > allowed).any():
        return ()
    ends: npt.NDArray[np.int_] = np.linspace(0, len(error) - 1, _PARTS + 1).round().astype(int)
    parts = np.diff(error[ends], axis=0) * np.sign(drift)
    steady = (parts >= np.abs(drift) / _PARTS**2).all(axis=0)
    return tuple(int(joint) for joint in np.flatnonzero((np.abs(drift) > allowed) & steady))

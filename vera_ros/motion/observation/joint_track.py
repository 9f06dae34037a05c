# SPDX-License-Identifier: Apache-2.0
"""Recent joint states without gaps, and whether their positions and velocities agree.

Between two samples, velocities are integrated by the trapezoidal rule: exact while the acceleration
is constant.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector

SLACK_RAD = 5e-3  # encoder noise and rounding, with a wide margin
WINDOW_S = 0.12  # samples that agree for so long are believed
SAMPLES = 5
_GAP_S = 0.1  # over a longer gap, velocities say little about the distance moved
_DENSEST_S = 2e-3
_VELOCITY_ERROR = 0.25  # share of the speed
_PARTS = 3


def way(before: Measured, after: Measured) -> Vector:
    """Return the joint displacement between two samples, by velocities. Shape (n,), [rad]."""
    return 0.5 * (before.dq + after.dq) * (after.stamp_s - before.stamp_s)


@dataclass(frozen=True)
class Agreement:
    """How well the positions and velocities of a window agree.

    Attributes:
        consistent: they agree for all joints, throughout the window.
        contradicted: joints whose positions steadily deviate from their velocities.
        moved: displacement by the positions. Shape (n,), [rad].
        reported: displacement by the velocities. Shape (n,), [rad].
        span_s: time from the first sample to the last.
    """

    consistent: bool
    contradicted: tuple[int, ...]
    moved: Vector
    reported: Vector
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
        """Append a sample; after a gap, or a step back in time, start over."""
        samples, stamp_s = self._samples, sample.stamp_s
        if samples and not 0.0 <= stamp_s - samples[-1].stamp_s <= _GAP_S:
            samples.clear()
        if len(samples) > 1 and stamp_s - samples[-2].stamp_s < _DENSEST_S:
            samples.pop()
        samples.append(sample)
        while len(samples) > SAMPLES and stamp_s - samples[1].stamp_s >= WINDOW_S:
            samples.popleft()

    def agreement(self) -> Agreement | None:
        """Return how well positions and velocities agree; None: the window is not full yet."""
        samples = self._samples
        if len(samples) < SAMPLES:
            return None
        span_s = samples[-1].stamp_s - samples[0].stamp_s
        if span_s < WINDOW_S:
            return None
        q, dq = np.array([s.q for s in samples]), np.array([s.dq for s in samples])
        steps_s = np.diff([s.stamp_s for s in samples])[:, None]
        integrated = np.zeros_like(q)
        np.cumsum(0.5 * (dq[1:] + dq[:-1]) * steps_s, axis=0, out=integrated[1:])
        speed = np.abs(dq)
        length = (0.5 * (speed[1:] + speed[:-1]) * steps_s).sum(axis=0)
        allowed = SLACK_RAD + _VELOCITY_ERROR * length
        error = q - q[0] - integrated
        return Agreement(
            bool((np.ptp(error, axis=0) <= allowed).all()),
            _contradicted(error, allowed),
            q[-1] - q[0],
            integrated[-1],
            span_s,
        )


def _contradicted(error: Vector, allowed: Vector) -> tuple[int, ...]:
    """Return the joints that drift from their integrated velocities in every part of the window.

    One wrong position or velocity shows in one part, or in two: such a window is not consistent,
    but the driver's velocities are not wrong in general.

    Args:
        error: positions minus integrated velocities since the first sample. Shape (N, n), [rad].
        allowed: largest error at the end. Shape (n,), [rad].
    """
    drift = error[-1]
    if not (np.abs(drift) > allowed).any():
        return ()
    ends: npt.NDArray[np.int_] = np.linspace(0, len(error) - 1, _PARTS + 1).round().astype(int)
    parts = np.diff(error[ends], axis=0) * np.sign(drift)
    steady = (parts >= np.abs(drift) / _PARTS**2).all(axis=0)
    return tuple(int(joint) for joint in np.flatnonzero((np.abs(drift) > allowed) & steady))

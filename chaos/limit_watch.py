# SPDX-License-Identifier: Apache-2.0
"""Holds the true arm to its maker's limits, whatever it was told."""

from collections import deque
from collections.abc import Iterator

import numpy as np

from bench.bounds import Bounds, Vector
from chaos.recording import JointSample

# What an arm may be above its limits: it is a body with a controller, and swings about its plan.
_POSITION_RAD = 0.02  # trajectories keep so far from the ends of the joints
_VELOCITY_SHARE = 1.05
_ACCELERATION_SHARE = 1.25  # of the mean over so long: a sample's noise is no motion
_MEAN_S = 0.05


class LimitWatch:
    """Follows the arm's joint samples, in the order of their stamps.

    Attributes:
        violations: (stamp [s], what was seen); once for each time that a limit is left.
        largest: shares of the limits of velocity and acceleration that were used at most.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._recent: deque[JointSample] = deque()
        self._beyond: set[str] = set()
        self.violations: list[tuple[float, str]] = []
        self.largest = {"velocity": 0.0, "acceleration": 0.0}

    def lose_sight(self) -> None:
        """The arm was put somewhere else, or was not seen for a while."""
        self._recent.clear()

    def see(self, sample: JointSample) -> None:
        """Look at the next sample."""
        beyond = dict(self._leaves(sample))
        for name in beyond.keys() - self._beyond:
            self.violations.append((sample.stamp_s, beyond[name]))
        self._beyond = set(beyond)

    def _leaves(self, sample: JointSample) -> Iterator[tuple[str, str]]:
        """The limits that the arm is beyond, and in words."""
        bounds = self._bounds
        outside = np.maximum(bounds.lower - sample.q, sample.q - bounds.upper) - _POSITION_RAD
        if outside.max() > 0.0:
            joint = int(np.argmax(outside))
            words = (
                f"joint {joint + 1} of the arm is at {sample.q[joint]:.3f} rad, beyond its range"
            )
            yield "position", words
        yield from self._exceeds(
            "velocity", np.abs(sample.dq), bounds.velocity, _VELOCITY_SHARE, "rad/s"
        )
        acceleration = self._mean_acceleration(sample)
        if acceleration is not None:
            yield from self._exceeds(
                "acceleration",
                np.abs(acceleration),
                bounds.acceleration,
                _ACCELERATION_SHARE,
                f"rad/s^2 over {_MEAN_S} s",
            )

    def _exceeds(
        self, name: str, values: Vector, limits: Vector, share: float, unit: str
    ) -> Iterator[tuple[str, str]]:
        used = values / limits
        joint = int(np.argmax(used))
        self.largest[name] = max(self.largest[name], float(used[joint]))
        if used[joint] > share:
            words = (
                f"the {name} of joint {joint + 1} of the arm is {values[joint]:.3f} {unit}; its "
                f"limit is {limits[joint]:g}, and {share:g} of it is borne"
            )
            yield name, words

    def _mean_acceleration(self, sample: JointSample) -> Vector | None:
        """Over the last moments; None: they were not all seen. Shape (n,), [rad/s^2]."""
        recent = self._recent
        recent.append(sample)
        while len(recent) > 1 and recent[1].stamp_s <= sample.stamp_s - _MEAN_S:
            recent.popleft()
        passed_s = sample.stamp_s - recent[0].stamp_s
        return (sample.dq - recent[0].dq) / passed_s if passed_s >= _MEAN_S else None

# SPDX-License-Identifier: Apache-2.0
"""Where the balls are: within the index finger's reach, on different sides of it."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from vera_ros.robots.allegro.finger import Array, Finger
from vera_ros.robots.allegro.hand import BALL_RADIUS_M, COLOURS, TIP_RADIUS_M

_SIDEWAYS_RAD = (0.22, 0.38)  # to either side
_BENT_RAD = (np.array([0.3, 0.35, 0.25]), np.array([1.0, 0.9, 0.8]))
_MOVES_M = 0.04  # at least
_APART_M = 0.045  # least distance of the two balls' centres


@dataclass(frozen=True)
class Placement:
    """The balls of an episode, in the frame of the palm. Shapes (3,), [m].

    Attributes:
        named: index in COLOURS of the ball that is to be touched.
        first: where that ball is at first.
        then: where it is once the hand moves.
        other: where the other ball is.
    """

    named: int
    first: Array
    then: Array
    other: Array


def draw_placement(seed: int) -> Placement:
    """Return the placement of this seed."""
    rng, finger = np.random.default_rng(seed), _finger()
    while True:
        side = rng.choice([-1.0, 1.0])
        first, then, other = (_draw(rng, finger, each) for each in (side, side, -side))
        gaps = [np.linalg.norm(other - ball) for ball in (first, then)]
        if np.linalg.norm(then - first) > _MOVES_M and min(gaps) > _APART_M:
            return Placement(seed % len(COLOURS), first, then, other)


@cache
def _finger() -> Finger:
    return Finger()


def _draw(rng: np.random.Generator, finger: Finger, side: float) -> Array:
    """Return the centre of a ball that the finger touches in a random posture."""
    sideways = side * rng.uniform(*_SIDEWAYS_RAD)
    posture = np.append(sideways, rng.uniform(*_BENT_RAD))
    return finger.point(posture, BALL_RADIUS_M + TIP_RADIUS_M)

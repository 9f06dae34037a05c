# SPDX-License-Identifier: Apache-2.0
"""Start states of the stacking task: the arm's posture and the cubes' placement."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vera_ros.robots.stacking.arms.simulated_arm import START_POSTURE_RAD
from vera_ros.robots.stacking.scene import CUBE_HALF_SIZE_M

_REACH_M = 0.08
_MIN_DISTANCE_M = 0.0636
_POSTURE_NOISE_RAD = 0.02


@dataclass(frozen=True)
class Placement:
    """The start state of an episode.

    Attributes:
        arm_q: the arm's posture. Shape (n,), [rad].
        cubes: for each cube its x, y [m] in the world and its yaw [rad]. Shape (3,).
    """

    arm_q: NDArray[np.float64]
    cubes: dict[str, NDArray[np.float64]]


def draw_placement(seed: int, posture: NDArray[np.float64] = START_POSTURE_RAD) -> Placement:
    """Return the placement of this seed, distributed as in robosuite's Stack.

    Args:
        seed: places the cubes, the same for each arm.
        posture: near which the arm starts. Shape (n,), [rad].
    """
    rng = np.random.default_rng(seed)
    noise = rng.normal(0.0, _POSTURE_NOISE_RAD, len(START_POSTURE_RAD))
    arm_q = posture + np.resize(noise, len(posture))
    while True:
        xy = rng.uniform(-_REACH_M, _REACH_M, (len(CUBE_HALF_SIZE_M), 2))
        if np.linalg.norm(xy[0] - xy[1]) >= _MIN_DISTANCE_M:
            break
    yaw = rng.uniform(0.0, 2 * np.pi, len(CUBE_HALF_SIZE_M))
    cubes = {name: np.array([*xy[i], yaw[i]]) for i, name in enumerate(CUBE_HALF_SIZE_M)}
    return Placement(arm_q, cubes)

# SPDX-License-Identifier: Apache-2.0
"""Directions of the picture in which planar actions are given."""

from collections.abc import Sequence

import numpy as np

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.vec3 import Vector

_PERPENDICULAR = 1e-6


def picture_axes(right: Sequence[float], down: Sequence[float]) -> Vector:
    """Return the picture's x and y in the base frame. Shape (2, 3).

    Args:
        right: parameter picture_x, the direction of x. Shape (3,).
        down: parameter picture_y, the direction of y. Shape (3,).

    Raises:
        ConfigurationError: they are not perpendicular, or not of length 1.
    """
    axes = np.array([right, down], dtype=np.float64)
    if not np.allclose(axes @ axes.T, np.eye(2), atol=_PERPENDICULAR):
        raise ConfigurationError(
            f"parameters 'picture_x' {list(right)} and 'picture_y' {list(down)} are not two "
            "perpendicular directions of length 1; give where the picture's x (right) and y (down) "
            "point in the base frame"
        )
    return axes

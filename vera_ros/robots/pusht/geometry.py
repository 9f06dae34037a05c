# SPDX-License-Identifier: Apache-2.0
"""The shapes of PushT: the block, its goal, the pusher and the walls."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SIDE_PX = 512.0  # of the world and its picture
WALL_PX = 5.0  # from the picture's edges to the walls
PUSHER_RADIUS_PX = 15.0
GOAL = np.array([256.0, 256.0, np.pi / 4])  # pose of the block: x, y [px], angle [rad]

# The block in its own frame, whose origin is the middle of the bar's free side. Shape (8, 2), [px].
OUTLINE = np.array(
    [[-60, 0], [60, 0], [60, 30], [15, 30], [15, 120], [-15, 120], [-15, 30], [-60, 30]],
    dtype=np.float64,
)
# The same as two boxes, the bar and the stem: the middle and half the size of each, Shape (2, 2).
BOX_MIDDLES = np.array([[0.0, 15.0], [0.0, 75.0]])
BOX_HALVES = np.array([[60.0, 15.0], [15.0, 45.0]])
_AREAS = (4 * BOX_HALVES.prod(axis=1)).tolist()
CENTRE = np.average(BOX_MIDDLES, axis=0, weights=_AREAS)  # of area; that of gravity is elsewhere


def place(points: Array, pose: Array) -> Array:
    """Return points of the block, Shape (N, 2), where it lies at a pose (x, y, angle)."""
    c, s = np.cos(pose[2]), np.sin(pose[2])
    placed: Array = points @ np.array([[c, s], [-s, c]]) + pose[:2]
    return placed


def distances(points: Array, pose: Array) -> Array:
    """Return the signed distance of points, Shape (N, 2), to the block's edge, negative inside.

    That of a union of boxes: exact outside, and inside up to the seam of bar and stem. [px]
    """
    c, s = np.cos(pose[2]), np.sin(pose[2])
    local = (points - pose[:2]) @ np.array([[c, -s], [s, c]])
    beyond = np.abs(local[:, None] - BOX_MIDDLES) - BOX_HALVES
    outside = np.hypot(*np.moveaxis(np.maximum(beyond, 0.0), -1, 0))
    nearest: Array = (outside + np.minimum(beyond.max(axis=-1), 0.0)).min(axis=1)
    return nearest

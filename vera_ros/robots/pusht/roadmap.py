# SPDX-License-Identifier: Apache-2.0
"""Shortest ways of the pusher around the block: a visibility graph of the corners to go around."""

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import dijkstra

from vera_ros.robots.pusht.geometry import OUTLINE, PUSHER_RADIUS_PX, Array, place
from vera_ros.robots.pusht.library import shapely

CLEARANCE_PX = PUSHER_RADIUS_PX + 6.0  # of the pusher's centre from the block, on its way
_TOUCH_PX = 1.0  # a way that runs along the clearance does not cross it
_REACH_PX = (14.0, 498.0)  # the pusher's centre keeps within, both x and y


class Roadmap:
    """Ways that touch nothing.

    Args:
        pusher: where they begin. Shape (2,), [px].
        block: what they go around, a pose (x, y, angle).
    """

    def __init__(self, pusher: Array, block: Array) -> None:
        outline = shapely.Polygon(place(OUTLINE, block))
        around = outline.buffer(CLEARANCE_PX, join_style="mitre").exterior
        self._taken = outline.buffer(CLEARANCE_PX - _TOUCH_PX, join_style="mitre")
        shapely.prepare(self._taken)
        self._leaves = bool(shapely.intersects_xy(self._taken, *pusher))
        if self._leaves:  # first of all it draws back from the block
            [pusher] = shapely.get_coordinates(
                around.interpolate(around.project(shapely.Point(pusher)))
            )
        corners = shapely.get_coordinates(around)[:-1]
        self._nodes = np.vstack((pusher, corners[within_reach(corners)]))
        self._lengths, self._before = dijkstra(
            self._distances(self._nodes), indices=0, return_predecessors=True
        )

    def reaches(self, targets: Array) -> npt.NDArray[np.bool_]:
        """Return to which targets, Shape (N, 2), there is a way. Shape (N,)."""
        finite = np.isfinite(self._lengths + self._distances(targets))
        return np.asarray(finite.any(axis=1))

    def way(self, target: Array) -> Array:
        """Return the points of the way to a target that has one, after its start. Shape (M, 2)."""
        node = int((self._lengths + self._distances(target[None])[0]).argmin())
        points = [target]
        while node > 0:
            points.append(self._nodes[node])
            node = self._before[node]
        if self._leaves:
            points.append(self._nodes[0])
        return np.array(points[::-1])

    def _distances(self, targets: Array) -> Array:
        """Return the distance of each target to each node, Shape (N, M); inf: not straight."""
        ends = np.stack(np.broadcast_arrays(targets[:, None], self._nodes), axis=2)
        blocked = shapely.intersects(self._taken, shapely.linestrings(ends))
        lengths: Array = np.linalg.norm(ends[:, :, 1] - ends[:, :, 0], axis=-1)
        return np.where(blocked | ~within_reach(targets)[:, None], np.inf, lengths)


def within_reach(points: Array) -> npt.NDArray[np.bool_]:
    """Return which points, Shape (N, 2), the pusher may go to."""
    lower, upper = _REACH_PX
    return np.asarray(((points >= lower) & (points <= upper)).all(axis=-1))

# SPDX-License-Identifier: Apache-2.0
"""Ground truth of PushT, for judges only: no policy receives it."""

from vera_ros.robots.pusht.geometry import GOAL, OUTLINE, Array, place
from vera_ros.robots.pusht.library import shapely
from vera_ros.robots.pusht.world import PushTWorld

SUCCESS_COVERAGE = 0.82  # VERA's; gym-pusht's own is 0.95
TIME_LIMIT_S = 20.0  # 200 actions

_GOAL_AREA = shapely.Polygon(place(OUTLINE, GOAL))


def coverage(block: Array) -> float:
    """Return which part of the goal a block at this pose (x, y, angle) covers, 0 to 1."""
    covered = shapely.Polygon(place(OUTLINE, block)).intersection(_GOAL_AREA)
    return float(covered.area / _GOAL_AREA.area)


class CoverageJudge:
    """Judges whether the block lies on its goal."""

    def __init__(self, world: PushTWorld) -> None:
        self._world = world

    def coverage(self) -> float:
        """Return which part of the goal the block covers now, 0 to 1."""
        return coverage(self._world.block)

    def succeeded(self) -> bool:
        """Return whether the goal is covered well enough."""
        return self.coverage() > SUCCESS_COVERAGE

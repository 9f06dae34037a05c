# SPDX-License-Identifier: Apache-2.0
"""Ground truth of the stacking task, for judges only: no policy receives it."""

from vera_ros.robots.stacking.scene import (
    CUBE_HALF_SIZE_M,
    GREEN_CUBE,
    GRIP_SITE,
    RED_CUBE,
)
from vera_ros.robots.stacking.world import World

_STACKED_HEIGHT_M = sum(CUBE_HALF_SIZE_M.values())
_HEIGHT_TOLERANCE_M = 0.006
_MAX_OFFSET_M = 0.03
_MAX_SPEED_M_S = 0.02
_MIN_CLEARANCE_M = 0.04


class StackTask:
    """Judges whether the red cube stands on the green one, released by the gripper."""

    def __init__(self, world: World) -> None:
        self._world = world

    def conditions(self) -> dict[str, bool]:
        """Return each condition of success and whether it holds now."""
        world = self._world
        red = world.pose(RED_CUBE).position
        green = world.pose(GREEN_CUBE).position
        offset_x, offset_y, height = abs(red - green)
        return {
            "cubes touch": world.in_contact(RED_CUBE, (GREEN_CUBE,)),
            "hand is off the cubes": not any(
                world.in_contact(cube, world.robot.hand.bodies) for cube in CUBE_HALF_SIZE_M
            ),
            "red is at stacked height": bool(
                red[2] > green[2] and abs(height - _STACKED_HEIGHT_M) < _HEIGHT_TOLERANCE_M
            ),
            "red is above green": bool(max(offset_x, offset_y) < _MAX_OFFSET_M),
            "cubes rest": all(world.speed_m_s(cube) < _MAX_SPEED_M_S for cube in CUBE_HALF_SIZE_M),
            "gripper has retreated": bool(
                world.pose(GRIP_SITE).position[2] - red[2] > _MIN_CLEARANCE_M
            ),
        }

    def succeeded(self) -> bool:
        """Return whether the tower stands."""
        return all(self.conditions().values())

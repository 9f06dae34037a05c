# SPDX-License-Identifier: Apache-2.0
"""Poses of the TCP to look, grasp and place, and the routes between them."""

from dataclasses import replace

import numpy as np

from vera_ros.robots.pinhole import Array, Pose
from vera_ros.robots.stacking.policy.cubes import Cube
from vera_ros.robots.stacking.policy.grasps import choose_yaw, hand_pose
from vera_ros.robots.stacking.policy.response import OPEN, Leg, Move
from vera_ros.robots.stacking.policy.scene_config import SceneConfig


class Stations:
    """Poses of the TCP and heights for a stacking task. Base frame, m."""

    def __init__(self, scene: SceneConfig) -> None:
        self._motion, self._tower = scene.motion, scene.tower
        carried, support = scene.cubes.carried.half_size_m, scene.cubes.support.half_size_m
        self._half_size_m = carried
        self.rest_z = scene.table_z_m + carried
        self.stacked_z = scene.table_z_m + 2 * support + carried
        self.clear_z = scene.table_z_m + support + self._motion.clear_m

    def look(self) -> Pose:
        """Return the TCP from which nothing blocks either view of the cubes."""
        return hand_pose(np.array(self._motion.look_position_m), self._motion.nominal_yaw_rad)

    def grasp(self, tcp: Pose, cube: Cube, other: Cube | None) -> tuple[Pose, Pose]:
        """Return the TCP above the cube and around it.

        A hand that has come down beside the cube keeps its side: there is no room to turn.
        """
        z = float(cube.position[2])
        if abs(z - self.rest_z) < cube.half_size_m / 2:
            z = self.rest_z
        hover = at_height(cube.position, z + self._motion.hover_m)
        away = tcp.position - hover
        is_down = (
            away[2] < -self._motion.position_tolerance_m
            and np.hypot(away[0], away[1]) < self._motion.close_distance_m
        )
        yaw_rad = choose_yaw(tcp, cube, None if is_down else other, self._motion)
        grasp = at_height(cube.position, z + self._motion.grasp_height_m)
        return hand_pose(hover, yaw_rad), hand_pose(grasp, yaw_rad)

    def place(self, tcp: Pose, support: Cube, grasp_height_m: float) -> tuple[Pose, Pose]:
        """Return the TCP above the support and where it releases the held cube.

        `grasp_height_m` is the height of the TCP above the held cube's centre.
        """
        yaw_rad = choose_yaw(tcp, support, None, self._motion)
        above = at_height(support.position, float(support.position[2]) + self._motion.carry_m)
        height = self.stacked_z + self._motion.place_gap_m + grasp_height_m
        return hand_pose(above, yaw_rad), hand_pose(at_height(above, height), yaw_rad)

    def grasp_height(self, tcp: Pose) -> float | None:
        """Return the TCP's height above a resting cube's centre; None: not near a grasp."""
        height = float(tcp.position[2]) - self.rest_z
        near = abs(height - self._motion.grasp_height_m) < self._half_size_m / 2
        return height if near else None

    def is_tower(self, cube: Cube, support: Cube) -> bool:
        """Return whether the cube stands on its support."""
        offset = cube.position - support.position
        height = self.stacked_z - float(support.position[2])
        return (
            float(np.hypot(offset[0], offset[1])) < self._tower.max_offset_m
            and abs(float(offset[2]) - height) < self._tower.max_height_error_m
        )

    def route(self, tcp: Pose, above: Pose, down: Pose | None, gripper: float) -> list[Leg]:
        """Return the moves to `above`, sideways only when clear, and then to `down` if given.

        An open hand must have turned before it goes down around a cube; a closed one need not.
        """
        legs: list[Leg] = []
        turns = gripper == OPEN
        height = max(0.0, float(tcp.position[2] - (down or above).position[2]))
        aligned = sideways(tcp, above) < (
            self._motion.position_tolerance_m + self._motion.slope * height
        )
        if not aligned and tcp.position[2] < self.clear_z:
            legs.append(self.up(tcp, self.clear_z, gripper))
        if down is None or not aligned or tcp.position[2] > above.position[2]:
            legs.append(Move(above, self._motion.free_limit, gripper, turns))
        if down is not None:
            legs.append(Move(down, self._motion.near_limit, gripper, turns))
        return legs

    def up(self, tcp: Pose, z_m: float, gripper: float) -> Move:
        """Return the move straight up to a height."""
        target = replace(tcp, position=at_height(tcp.position, z_m))
        return Move(target, self._motion.free_limit, gripper)


def at_height(position: Array, z_m: float) -> Array:
    """Return the position with another z."""
    return np.array([position[0], position[1], z_m])


def distance(tcp: Pose, target: Pose) -> float:
    """Return how far two poses are apart, [m]."""
    return float(np.linalg.norm(tcp.position - target.position))


def sideways(tcp: Pose, target: Pose) -> float:
    """Return how far two poses are apart in the plane, [m]."""
    return float(np.linalg.norm((tcp.position - target.position)[:2]))

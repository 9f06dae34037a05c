# SPDX-License-Identifier: Apache-2.0
"""What to do next: the phases of stacking one cube on another, decided from what is seen now."""

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from vera_ros.server.reference.cameras import Array, Pose
from vera_ros.server.reference.cubes import Cube, Located
from vera_ros.server.reference.grasps import choose_yaw, hand_pose
from vera_ros.server.reference.response import CLOSE, OPEN, Chunk, Grip, Leg, Move, write_chunk
from vera_ros.server.reference.scene_config import SceneConfig


class Phase(str, Enum):
    """What a chunk is for."""

    SEARCH = "search"
    REACH = "reach"
    GRASP = "grasp"
    CARRY = "carry"
    PLACE = "place"
    RELEASE = "release"
    DONE = "done"


@dataclass(frozen=True)
class Sighting:
    """The scene at one moment. Base frame, m.

    Attributes:
        tcp: the TCP.
        gap_m: distance between the finger pads.
        carried: the cube to be stacked.
        support: the cube to stack it on.
    """

    tcp: Pose
    gap_m: float
    carried: Located
    support: Located


@dataclass(frozen=True)
class Decision:
    """A phase, the legs that it asks for, and the reason in words."""

    phase: Phase
    legs: list[Leg]
    note: str


class Stacker:
    """Decides phase after phase; it remembers only what pictures cannot tell."""

    def __init__(self, scene: SceneConfig) -> None:
        self._scene = scene
        self._motion = scene.motion
        self.reset()

    def reset(self) -> None:
        """Forget the episode."""
        self._phase = Phase.REACH
        self._gripper = OPEN
        self._close_steps = 0
        self._grasp: Pose | None = None
        self._grasp_height_m = self._motion.grasp_height_m

    def next_chunk(self, sighting: Sighting, horizon: int) -> tuple[Decision, Chunk]:
        """Decide, and write the chunk."""
        decision = self._decide(sighting)
        chunk = write_chunk(
            decision.legs, sighting.tcp, self._gripper, horizon, self._scene.response,
            self._motion.rotation_limit,
        )  # fmt: skip
        closing = chunk.actions[:, 6] > 0
        self._close_steps = self._close_steps + int(closing.sum()) if closing[-1] else 0
        self._gripper = float(chunk.actions[-1, 6])
        self._phase = decision.phase
        return decision, chunk

    def _decide(self, now: Sighting) -> Decision:
        if self._phase in (Phase.GRASP, Phase.CARRY, Phase.PLACE) and self._gripper == CLOSE:
            return self._with_closed_gripper(now)
        if self._gripper == OPEN and self._phase in (Phase.PLACE, Phase.RELEASE):
            height = self._stacked_z() + self._motion.retreat_m
            if now.tcp.position[2] < height - self._motion.position_tolerance_m:
                return Decision(Phase.RELEASE, self._retreat(now, height), "moves away")
        return self._with_open_gripper(now)

    # -- the gripper is closed ------------------------------------------------------------------

    def _with_closed_gripper(self, now: Sighting) -> Decision:
        width = 2 * self._scene.cubes.carried.half_size_m
        missing = self._motion.close_steps - self._close_steps
        if self._phase is Phase.GRASP:
            self._note_grasp_height(now)
        if missing > 0:
            return Decision(
                Phase.GRASP, [Grip(missing, CLOSE), *self._carry(now, now.tcp)], "closes"
            )
        if abs(now.gap_m - width) > self._motion.held_tolerance_m:
            return self._with_open_gripper(now, f"nothing in hand (gap {now.gap_m * 1e3:.0f} mm)")
        support = now.support.cube
        if support is None:
            return self._search(now, CLOSE, f"no support: {now.support.reason}")
        above, place = self._place_poses(now, support)
        if self._distance(now.tcp, above) > self._motion.look_distance_m and (
            self._sideways(now.tcp, place) > self._motion.position_tolerance_m
        ):
            return Decision(Phase.CARRY, self._carry(now, now.tcp), "to the support")
        legs = self._over(now.tcp, above, place, self._clear_z(), CLOSE)
        retreat = _raised(place.position, self._motion.retreat_m)
        legs += [
            Grip(self._motion.open_steps, OPEN),
            Move(replace(place, position=retreat), self._motion.near_limit, OPEN),
        ]
        return Decision(Phase.PLACE, legs, "onto the support")

    def _carry(self, now: Sighting, tcp: Pose) -> list[Leg]:
        support = now.support.cube
        if support is None:
            up = replace(tcp, position=_at_height(tcp.position, self._motion.look_position_m[2]))
            return [Move(up, self._motion.near_limit, CLOSE)]
        above, _ = self._place_poses(now, support)
        return self._over(tcp, above, None, self._clear_z(), CLOSE)

    def _place_poses(self, now: Sighting, support: Cube) -> tuple[Pose, Pose]:
        """Return the TCP above the support and where it lets go."""
        yaw_rad = choose_yaw(now.tcp, support, None, self._motion)
        above = _raised(support.position, self._motion.carry_m)
        height = self._stacked_z() + self._motion.place_gap_m + self._grasp_height_m
        return hand_pose(above, yaw_rad), hand_pose(_at_height(above, height), yaw_rad)

    def _note_grasp_height(self, now: Sighting) -> None:
        height = float(now.tcp.position[2]) - self._rest_z()
        if abs(height - self._motion.grasp_height_m) < self._scene.cubes.carried.half_size_m / 2:
            self._grasp_height_m = height

    # -- the gripper is open --------------------------------------------------------------------

    def _with_open_gripper(self, now: Sighting, note: str = "") -> Decision:
        if self._at_grasp(now):
            return Decision(Phase.GRASP, self._close_here(now), "closes")
        cube = now.carried.cube
        if cube is None:
            return self._search(now, OPEN, note or f"no cube: {now.carried.reason}")
        if self._stands(cube, now.support.cube):
            return Decision(Phase.DONE, [], "the tower stands")
        hover, grasp = self._grasp_poses(now, cube)
        self._grasp = grasp
        if self._distance(now.tcp, grasp) < self._motion.close_distance_m:
            return Decision(Phase.GRASP, self._close_here(now), note or "closes")
        low = now.tcp.position[2] < hover.position[2]
        far = self._distance(now.tcp, hover) > self._motion.look_distance_m
        legs = self._over(now.tcp, hover, None if far and not low else grasp, self._clear_z(), OPEN)
        return Decision(Phase.REACH, legs, note or ("to the cube" if far else "onto the cube"))

    def _at_grasp(self, now: Sighting) -> bool:
        """Whether the hand stands around the cube, or where it was if it cannot be seen now."""
        if self._grasp is None or self._phase is not Phase.REACH:
            return False
        cube = now.carried.cube
        if cube is not None:
            return False
        return self._distance(now.tcp, self._grasp) < self._motion.close_distance_m

    def _close_here(self, now: Sighting) -> list[Leg]:
        assert self._grasp is not None
        return [
            Move(self._grasp, self._motion.near_limit, OPEN),
            Grip(self._motion.close_steps, CLOSE),
            *self._carry(now, self._grasp),
        ]

    def _grasp_poses(self, now: Sighting, cube: Cube) -> tuple[Pose, Pose]:
        """Return the TCP above the cube and around it."""
        yaw_rad = choose_yaw(now.tcp, cube, now.support.cube, self._motion)
        z = float(cube.position[2])
        if abs(z - self._rest_z()) < cube.half_size_m / 2:
            z = self._rest_z()
        hover = _at_height(cube.position, z + self._motion.hover_m)
        grasp = _at_height(cube.position, z + self._motion.grasp_height_m)
        return hand_pose(hover, yaw_rad), hand_pose(grasp, yaw_rad)

    def _stands(self, cube: Cube, support: Cube | None) -> bool:
        if support is None:
            return False
        offset = cube.position - support.position
        height = self._stacked_z() - float(support.position[2])
        tower = self._scene.tower
        return (
            float(np.hypot(offset[0], offset[1])) < tower.max_offset_m
            and abs(offset[2] - height) < tower.max_height_error_m
        )

    # -- common ---------------------------------------------------------------------------------

    def _search(self, now: Sighting, gripper: float, note: str) -> Decision:
        """Go where the view is free; stand still there."""
        look = hand_pose(np.array(self._motion.look_position_m), self._motion.nominal_yaw_rad)
        phase = Phase.SEARCH if gripper == OPEN else Phase.CARRY
        if self._distance(now.tcp, look) < self._motion.look_radius_m:
            return Decision(phase, [Grip(1, gripper)], note)
        return Decision(phase, self._over(now.tcp, look, None, look.position[2], gripper), note)

    def _over(
        self, tcp: Pose, above: Pose, down: Pose | None, clear_z: float, gripper: float
    ) -> list[Leg]:
        """Go above a place, sideways only when clear, and down to it if `down` is given.

        The empty hand has turned before it goes down around a cube; with one it need not.
        """
        legs: list[Leg] = []
        turns = gripper == OPEN
        height = max(0.0, float(tcp.position[2] - (down or above).position[2]))
        aligned = self._sideways(tcp, above) < (
            self._motion.position_tolerance_m + self._motion.slope * height
        )
        if not aligned and tcp.position[2] < clear_z:
            up = replace(tcp, position=_at_height(tcp.position, clear_z))
            legs.append(Move(up, self._motion.free_limit, gripper))
        if down is None or not aligned or tcp.position[2] > above.position[2]:
            legs.append(Move(above, self._motion.free_limit, gripper, turns))
        if down is not None:
            legs.append(Move(down, self._motion.near_limit, gripper, turns))
        return legs

    def _retreat(self, now: Sighting, height: float) -> list[Leg]:
        up = replace(now.tcp, position=_at_height(now.tcp.position, height))
        wait = Grip(self._motion.open_steps, OPEN)
        wide = now.gap_m > 2 * self._scene.cubes.support.half_size_m
        return [*([] if wide else [wait]), Move(up, self._motion.free_limit, OPEN)]

    def _rest_z(self) -> float:
        return self._scene.table_z_m + self._scene.cubes.carried.half_size_m

    def _stacked_z(self) -> float:
        cubes = self._scene.cubes
        return self._scene.table_z_m + 2 * cubes.support.half_size_m + cubes.carried.half_size_m

    def _clear_z(self) -> float:
        half = self._scene.cubes.support.half_size_m
        return self._scene.table_z_m + half + self._motion.clear_m

    @staticmethod
    def _distance(tcp: Pose, target: Pose) -> float:
        return float(np.linalg.norm(tcp.position - target.position))

    @staticmethod
    def _sideways(tcp: Pose, target: Pose) -> float:
        return float(np.linalg.norm((tcp.position - target.position)[:2]))


def _raised(position: Array, by_m: float) -> Array:
    return _at_height(position, float(position[2]) + by_m)


def _at_height(position: Array, z_m: float) -> Array:
    return np.array([position[0], position[1], z_m])

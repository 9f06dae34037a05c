# SPDX-License-Identifier: Apache-2.0
"""The phases of stacking one cube on another, decided from the present observation."""

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from vera_ros.robots.pinhole import Array, Pose
from vera_ros.robots.stacking.policy.arm import Arm
from vera_ros.robots.stacking.policy.cubes import Cube, Located
from vera_ros.robots.stacking.policy.response import (
    CLOSE,
    OPEN,
    Chunk,
    Grip,
    Leg,
    Move,
    write_chunk,
)
from vera_ros.robots.stacking.policy.scene_config import SceneConfig
from vera_ros.robots.stacking.policy.stations import Stations, distance, sideways

# A gripper may need this many times the usual closing time before it counts as empty.
_SLOW_GRIPPER = 3
_OPEN_SURPLUS_M = 0.005  # a gripper that opens ends well above the gap that counts as open


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

    def ahead(self, tcp: Pose, past: Array, pending: Array, scene: SceneConfig) -> "Sighting":
        """Return the scene after the pending actions, if all goes well.

        Args:
            tcp: the TCP after the pending actions.
            past: gripper commands up to now, oldest first. Shape (n,).
            pending: gripper commands of the pending actions. Shape (m,).
            scene: configuration of the scene, with the gripper's timing.
        """
        gap_m, motion = self.gap_m, scene.motion
        if _trailing_steps(CLOSE, pending) and _trailing_steps(CLOSE, past) < motion.close_steps:
            # Whether there is a cube is not known yet: assume that there is.
            gap_m = 2 * scene.cubes.carried.half_size_m
        elif _trailing_steps(OPEN, np.concatenate((past, pending))) >= motion.open_steps:
            gap_m = max(gap_m, motion.open_gap_m + _OPEN_SURPLUS_M)
        return replace(self, tcp=tcp, gap_m=gap_m)


def _trailing_steps(command: float, gripper: Array) -> int:
    """Return how many actions in a row, up to the last one, have this gripper command."""
    others = np.flatnonzero(gripper != command)
    return len(gripper) - 1 - int(others[-1]) if others.size else len(gripper)


@dataclass(frozen=True)
class Decision:
    """A phase, the legs to carry out in it, and the reason in words."""

    phase: Phase
    legs: list[Leg]
    note: str


class Stacker:
    """Decides on the phases of a stack; it remembers only what pictures cannot show.

    Args:
        arm: the arm that stacks.
        scene: configuration of the task.
    """

    def __init__(self, arm: Arm, scene: SceneConfig) -> None:
        self._arm, self._scene, self._motion = arm, scene, scene.motion
        self._stations = Stations(scene)
        self.reset()

    def reset(self) -> None:
        """Forget the episode."""
        self._phase = Phase.REACH
        self._gripper = OPEN
        self._steps = self._closed_steps = 0
        self._grasp: Pose | None = None
        self._support: Cube | None = None
        self._grasp_height_m = self._motion.grasp_height_m

    def next_chunk(self, now: Sighting, horizon: int) -> tuple[Decision, Chunk]:
        """Decide on the phase; return the decision and its chunk of `horizon` commands."""
        self._support = now.support.cube or self._support
        decision = self._decide(now)
        chunk = write_chunk(
            self._arm.paced(decision.legs, self._gripper, self._steps),
            now.tcp,
            self._gripper,
            horizon,
            self._arm.response,
            self._motion.rotation_limit,
        )
        closing = chunk.commands[:, 6] == CLOSE
        self._steps += horizon
        self._closed_steps = self._closed_steps + int(closing.sum()) if closing[-1] else 0
        self._gripper = float(chunk.commands[-1, 6])
        self._phase = decision.phase
        return decision, chunk

    def _decide(self, now: Sighting) -> Decision:
        if self._gripper == CLOSE:
            return self._with_closed_gripper(now)
        if self._phase in (Phase.PLACE, Phase.RELEASE):
            height = self._stations.stacked_z + self._motion.retreat_m
            if now.tcp.position[2] < height - self._motion.position_tolerance_m:
                return Decision(Phase.RELEASE, self._retreat(now, height), "moves away")
        return self._with_open_gripper(now)

    # -- closed: closing, carrying, placing -----------------------------------------------------

    def _with_closed_gripper(self, now: Sighting) -> Decision:
        if self._phase is Phase.GRASP:
            height = self._stations.grasp_height(now.tcp)
            self._grasp_height_m = self._grasp_height_m if height is None else height
        missing = self._motion.close_steps - self._closed_steps
        if missing > 0:
            legs = [Grip(missing, CLOSE), *self._carry(now, now.tcp)]
            return Decision(Phase.GRASP, legs, "closes")
        surplus = now.gap_m - 2 * self._scene.cubes.carried.half_size_m
        slow = self._closed_steps < _SLOW_GRIPPER * self._motion.close_steps
        if surplus > self._motion.held_tolerance_m and slow:
            return Decision(Phase.GRASP, [Grip(self._motion.close_steps, CLOSE)], "still closes")
        if abs(surplus) > self._motion.held_tolerance_m:
            note = f"nothing in hand (gap {now.gap_m * 1e3:.0f} mm)"
            if self._is_low(now):
                return self._with_open_gripper(now, note)
            # The cube is not where it seemed to be from here: look from elsewhere.
            self._grasp = None
            return self._search(now, Phase.SEARCH, OPEN, note)
        return self._with_cube(now)

    def _with_cube(self, now: Sighting) -> Decision:
        support = now.support.cube
        if support is None:
            return self._search(now, Phase.CARRY, CLOSE, f"no support: {now.support.reason}")
        above, place = self._stations.place(now.tcp, support, self._grasp_height_m)
        if (
            distance(now.tcp, above) > self._motion.look_distance_m
            and sideways(now.tcp, place) > self._motion.position_tolerance_m
        ):
            return Decision(Phase.CARRY, self._carry(now, now.tcp), "to the support")
        legs = [
            *self._stations.route(now.tcp, above, place, CLOSE),
            Grip(self._motion.open_steps, OPEN),
            self._stations.up(place, float(place.position[2]) + self._motion.retreat_m, OPEN),
        ]
        return Decision(Phase.PLACE, legs, "onto the support")

    def _carry(self, now: Sighting, tcp: Pose) -> list[Leg]:
        if now.support.cube is None:
            return [self._stations.up(tcp, self._motion.look_position_m[2], CLOSE)]
        above, _ = self._stations.place(tcp, now.support.cube, self._grasp_height_m)
        return self._stations.route(tcp, above, None, CLOSE)

    # -- open: retreating, reaching -------------------------------------------------------------

    def _retreat(self, now: Sighting, height: float) -> list[Leg]:
        wait = [] if self._is_open(now) else [Grip(self._motion.open_steps, OPEN)]
        return [*wait, self._stations.up(now.tcp, height, OPEN)]

    def _with_open_gripper(self, now: Sighting, note: str = "") -> Decision:
        low = self._is_low(now)
        if low and not self._is_open(now):
            # Fingers that are not open must not come down onto a cube.
            self._grasp = None
            legs: list[Leg] = [self._stations.up(now.tcp, self._stations.clear_z, OPEN)]
            return Decision(Phase.REACH, legs, note or "opens")
        cube = now.carried.cube
        # The upper cube may hide the lower one, which is then assumed where it was seen last.
        support = self._support
        if cube is not None and support is not None and self._stations.is_tower(cube, support):
            return Decision(Phase.DONE, [], "the tower stands")
        if self._stands_around_cube(now):
            return self._close(now, note)
        if cube is None:
            self._grasp = None
            return self._search(now, Phase.SEARCH, OPEN, note or f"no cube: {now.carried.reason}")
        hover, self._grasp = self._stations.grasp(now.tcp, cube, support)
        if distance(now.tcp, self._grasp) < self._motion.close_distance_m:
            return self._close(now, note)
        far = distance(now.tcp, hover) > self._motion.look_distance_m and not low
        legs = self._stations.route(now.tcp, hover, None if far else self._grasp, OPEN)
        return Decision(Phase.REACH, legs, note or ("to the cube" if far else "onto the cube"))

    def _stands_around_cube(self, now: Sighting) -> bool:
        """Whether the hand stands where the cube was seen, and hides it now.

        Also if the gripper was about to close there: newer estimates no longer move the grasp.
        """
        if self._grasp is None or distance(now.tcp, self._grasp) > self._motion.close_distance_m:
            return False
        return now.carried.cube is None or self._phase is Phase.GRASP

    def _close(self, now: Sighting, note: str) -> Decision:
        assert self._grasp is not None
        legs = [
            Move(self._grasp, self._motion.near_limit, OPEN),
            Grip(self._motion.close_steps, CLOSE),
            *self._carry(now, self._grasp),
        ]
        return Decision(Phase.GRASP, legs, note or "closes")

    # -- common ---------------------------------------------------------------------------------

    def _search(self, now: Sighting, phase: Phase, gripper: float, note: str) -> Decision:
        """Go where nothing blocks the views, and wait there."""
        look = self._stations.look()
        if distance(now.tcp, look) < self._motion.look_radius_m:
            return Decision(phase, [Grip(1, gripper)], note)
        return Decision(phase, self._stations.route(now.tcp, look, None, gripper), note)

    def _is_low(self, now: Sighting) -> bool:
        return bool(
            now.tcp.position[2] < self._stations.clear_z - self._motion.position_tolerance_m
        )

    def _is_open(self, now: Sighting) -> bool:
        return now.gap_m > self._motion.open_gap_m

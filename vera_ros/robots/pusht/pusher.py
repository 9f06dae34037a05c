# SPDX-License-Identifier: Apache-2.0
"""PushT's world as a robot of two sliding joints, and its pictures.

The joints move along the picture's axes, x to the right and y down, from the picture's upper left
corner: `description/urdf/pusht_pusher.urdf`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt
import pinocchio as pin

from vera_ros.robots.pusht.judge import CoverageJudge
from vera_ros.robots.pusht.plane import CAMERA, FRAME, JOINTS, PIXEL_M, VIEW
from vera_ros.robots.pusht.truth import truth_of
from vera_ros.robots.pusht.world import STEP_S, PushTWorld
from vera_ros.sim.cameras import Intrinsics
from vera_ros.sim.simulation import Array, JointState, Truth


class PusherWorld:
    """The pusher and its block, in metres (see vera_ros.sim.one_controller.JointWorld).

    Args:
        seed: of the first scene.
        pixel_m: size of a pixel of the world [m].
        origin_m: where the joints are when the pusher is in the corner. Shape (2,), [m].
    """

    joint_names = JOINTS
    step_s = STEP_S

    def __init__(
        self,
        seed: int = 0,
        pixel_m: float = PIXEL_M,
        origin_m: Sequence[float] = (0.0, 0.0),
    ) -> None:
        self._world = PushTWorld(seed)
        self._judge = CoverageJudge(self._world)
        self._pixel_m, self._origin_m = pixel_m, np.array(origin_m)

    @property
    def time_s(self) -> float:
        """Simulated time [s]."""
        return self._world.time_s

    def reset(self, seed: int) -> None:
        """Start an episode: pusher and block placed by the seed."""
        self._world.reset(seed)

    def step(self, q: Array, dq: Array, ddq: Array) -> None:
        """Advance by one step towards a position, as fast as the pusher may. Shapes (2,), [m]."""
        self._world.step_to((q - self._origin_m) / self._pixel_m)

    def joints(self) -> JointState:
        """Return the pusher's position [m] and velocity [m/s]; it feels no forces."""
        world = self._world
        q = self._origin_m + world.pusher * self._pixel_m
        return JointState(q, world.pusher_velocity * self._pixel_m, np.zeros(2))

    def snapshot(self) -> Array:
        """Return pusher and block: x, y, x, y [px], angle [rad]. Shape (5,)."""
        return np.concatenate((self._world.pusher, self._world.block))

    def truth(self) -> Truth:
        """Return where pusher and block are, and whether the goal is covered well enough."""
        corner = pin.SE3(np.eye(3), np.append(self._origin_m, 0.0))
        return truth_of(self._world, self._judge, FRAME, corner, self._pixel_m)


class PusherRenderer(AbstractContextManager["PusherRenderer"]):
    """Draws the world from above (see vera_ros.sim.simulation.Renderer).

    Args:
        side_px: of the picture.
    """

    def __init__(self, side_px: int) -> None:
        self._world = PushTWorld(picture_px=side_px)
        self._side_px = side_px

    def __exit__(self, *_: object) -> None:
        """Do nothing: there is nothing to release."""

    def render(self, snapshot: Array) -> dict[str, npt.NDArray[np.uint8]]:
        """Return the picture of a snapshot, RGB. Shape (side_px, side_px, 3)."""
        return {VIEW: self._world.picture_of(snapshot[:2], snapshot[2:])}

    def intrinsics(self, view: str) -> Intrinsics:
        """Return those of a camera far enough above the plane to see all of it."""
        focal = self._side_px / 2 / np.tan(np.deg2rad(CAMERA.fov_y_deg) / 2)
        middle = (self._side_px - 1) / 2
        return Intrinsics(focal, focal, middle, middle, self._side_px, self._side_px)

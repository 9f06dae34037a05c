# SPDX-License-Identifier: Apache-2.0
"""PushT's world with an arm whose TCP carries the disc, in a plane of its base frame.

The arm follows its commands exactly, and the disc follows the TCP, projected onto the plane.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pinocchio as pin

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.picture_axes import picture_axes
from vera_ros.robots.pusht.geometry import SIDE_PX
from vera_ros.robots.pusht.judge import CoverageJudge
from vera_ros.robots.pusht.truth import truth_of
from vera_ros.robots.pusht.world import STEP_S, PushTWorld
from vera_ros.robots.stacking.arms.simulated_arm import SimulatedArm
from vera_ros.robots.stacking.arms.start_posture import find_posture, kinematics_of
from vera_ros.sim.simulation import Array, JointState, Truth


@dataclass(frozen=True)
class PicturePlane:
    """Where the picture lies in the arm's base frame.

    Attributes:
        pixel_m: size of a pixel of the world.
        origin_m: the picture's upper left corner, at the TCP's height. Shape (3,).
        right: direction of the picture's x. Shape (3,).
        down: direction of the picture's y, perpendicular to it. Shape (3,).
    """

    pixel_m: float
    origin_m: Sequence[float]
    right: Sequence[float]
    down: Sequence[float]

    @property
    def pose(self) -> pin.SE3:
        """Pose of the upper left corner: x to the right, y down, z into the picture.

        Raises:
            ConfigurationError: right and down are not perpendicular, or not of length 1.
        """
        x, y = picture_axes(self.right, self.down)
        return pin.SE3(np.column_stack((x, y, np.cross(x, y))), np.array(self.origin_m, float))


class ArmPusherWorld:
    """An arm, the disc that it carries, and the block (see vera_ros.sim.one_controller.JointWorld).

    Args:
        seed: of the first scene.
        arm: the arm.
        plane: where the picture lies.

    Raises:
        ConfigurationError: the TCP does not reach every corner of the picture, or the picture has
            no right angles.
    """

    step_s = STEP_S

    def __init__(self, seed: int, arm: SimulatedArm, plane: PicturePlane) -> None:
        self.joint_names = arm.joint_names
        self._arm = kinematics_of(arm)
        self._start_q, self._plane, self._picture = arm.start_posture, plane, plane.pose
        for corner in np.ndindex(2, 2):
            self._posture(np.array(corner) * SIDE_PX)
        self._world = PushTWorld(seed)
        self._judge = CoverageJudge(self._world)
        self.reset(seed)

    def _posture(self, pixel: Array) -> Array:
        """Return joint positions that bring the TCP to a pixel, turned as in the start posture."""
        on_plane = np.append(pixel * self._plane.pixel_m, 0.0)
        goal = pin.SE3(self._arm.tcp_pose(self._start_q).rotation, self._picture.act(on_plane))
        posture = find_posture(self._arm, goal, self._start_q)
        if posture is None:
            raise ConfigurationError(
                f"the arm's TCP does not reach pixel {pixel.tolist()} of the picture, which is "
                f"{np.round(goal.translation, 3).tolist()} m in '{self._arm.base_frame}'; valid is "
                "a picture that it reaches: change pixel_m, picture_origin, picture_x, picture_y"
            )
        return posture

    @property
    def time_s(self) -> float:
        """Simulated time [s]."""
        return self._world.time_s

    def reset(self, seed: int) -> None:
        """Start an episode: pusher and block placed by the seed, and the arm at the pusher."""
        self._world.reset(seed)
        self._q = self._posture(self._world.pusher)
        self._dq = np.zeros_like(self._q)

    def step(self, q: Array, dq: Array, ddq: Array) -> None:
        """Advance by one step, to these positions of the arm. Shapes (n,), [rad], [rad/s]."""
        self._q, self._dq = q, dq
        on_plane = self._picture.actInv(self._arm.tcp_pose(q).translation)
        self._world.step_to(on_plane[:2] / self._plane.pixel_m)

    def joints(self) -> JointState:
        """Return positions, velocities, and the efforts of gravity. Shapes (n,), see JointState."""
        return JointState(self._q, self._dq, self._arm.efforts(self._q, self._dq))

    def snapshot(self) -> Array:
        """Return pusher and block: x, y, x, y [px], angle [rad]. Shape (5,)."""
        return np.concatenate((self._world.pusher, self._world.block))

    def truth(self) -> Truth:
        """Return where pusher and block are, and whether the goal is covered well enough."""
        return truth_of(
            self._world, self._judge, self._arm.base_frame, self._picture, self._plane.pixel_m
        )

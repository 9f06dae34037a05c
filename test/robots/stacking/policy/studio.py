# SPDX-License-Identifier: Apache-2.0
"""Pictures of coloured boxes on a pale table, drawn through the cameras, and a world of them."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from vera_ros.robots.pinhole import Pose, View
from vera_ros.robots.stacking.policy.arm import Arm
from vera_ros.robots.stacking.policy.cameras import view_of
from vera_ros.robots.stacking.policy.cubes import Cube
from vera_ros.robots.stacking.policy.response import OPEN
from vera_ros.robots.stacking.policy.scene_config import SceneConfig
from vera_ros.robots.stacking.policy.stack_policy import StackPolicy

Picture = npt.NDArray[np.uint8]
RED, GREEN, TABLE = (200, 40, 50), (60, 150, 80), (245, 244, 240)
_FINE = 4  # supersampling
_FACES = [(axis, side) for axis in range(3) for side in (-1, 1)]


class Studio:
    """Draws scenes and makes infer requests of them."""

    def __init__(self, arm: Arm, scene: SceneConfig) -> None:
        self.arm, self.scene = arm, scene
        self.height_px, self.width_px = arm.embodiment.resolution

    def carried(self, x: float, y: float, yaw: float, z: float | None = None) -> Cube:
        """Return the red cube there; on the table unless `z` says otherwise."""
        return self._cube(self.scene.cubes.carried.half_size_m, x, y, yaw, z)

    def support(self, x: float, y: float, yaw: float) -> Cube:
        """Return the green cube there, on the table."""
        return self._cube(self.scene.cubes.support.half_size_m, x, y, yaw, None)

    def _cube(self, half: float, x: float, y: float, yaw: float, z: float | None) -> Cube:
        height = self.scene.table_z_m + half if z is None else z
        return Cube(np.array([x, y, height]), yaw, half)

    def view(self, key: str, tcp: Pose) -> View:
        """Return the view of that name."""
        return view_of(self.arm.cameras[key], tcp, self.width_px, self.height_px)

    def eef_of(self, tcp: Pose) -> Pose:
        """Return the end effector that the arm reports, and moves, of a TCP."""
        identity = Pose(np.zeros(3), np.eye(3))
        return tcp @ self.arm.tcp_of(identity).inverse()

    def draw(self, view: View, cubes: list[tuple[Cube, tuple[int, int, int]]]) -> Picture:
        """Return the picture of cubes, the farthest drawn first."""
        height, width = self.height_px, self.width_px
        picture = np.full((height * _FINE, width * _FINE, 3), TABLE, dtype=np.uint8)
        eye = view.pose.position
        for cube, colour in sorted(cubes, key=lambda c: -np.linalg.norm(c[0].position - eye)):
            for axis, side in _FACES:
                self._draw_face(picture, view, cube, axis, side, colour)
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.uint8)

    def _draw_face(
        self, picture: Picture, view: View, cube: Cube, axis: int, side: int,
        colour: tuple[int, int, int],
    ) -> None:  # fmt: skip
        turn = Rotation.from_euler("z", cube.yaw_rad).as_matrix()
        normal = side * turn[:, axis]
        centre = cube.position + cube.half_size_m * normal
        if normal @ (view.pose.position - centre) <= 0:
            return
        u, v = turn[:, (axis + 1) % 3], turn[:, (axis + 2) % 3]
        corners = centre + cube.half_size_m * np.array([u + v, u - v, -u - v, v - u])
        if not view.faces(corners):
            return
        pixels = view.project(corners)
        shade = 1.0 if axis == 2 else 0.45
        # cv2 counts pixel centres as whole numbers, and sixteenths with shift=4.
        points = np.round((pixels * _FINE - 0.5) * 16).astype(np.int32)
        cv2.fillConvexPoly(picture, points, [shade * c for c in colour], shift=4)

    def request(
        self, tcp: Pose, carried: Cube | None, support: Cube | None, gap_m: float = 0.08,
        noise: float = 0.0,
    ) -> dict[str, Any]:  # fmt: skip
        """Return the infer request of this moment; a cube that is None is out of sight."""
        cubes = [(c, rgb) for c, rgb in ((carried, RED), (support, GREEN)) if c is not None]
        keys = list(self.arm.cameras)
        rgb = np.concatenate([self.draw(self.view(key, tcp), cubes) for key in keys], axis=1)
        eef = self.eef_of(tcp)
        if noise:
            grain = np.random.default_rng(0).normal(0, noise, rgb.shape)
            rgb = np.clip(rgb + grain, 0, 255).astype(np.uint8)
        return {
            "context_rgb": rgb[None],
            "view_keys": keys,
            "view_widths": [self.width_px] * len(keys),
            "session_id": "one",
            "prompt": "stack the red cube on the green one",
            "eef_pos": eef.position.astype(np.float32),
            "eef_quat": Rotation.from_matrix(eef.rotation).as_quat().astype(np.float32),
            "gripper_qpos": np.array([gap_m / 2, -gap_m / 2], dtype=np.float32),
        }


class ToyWorld:
    """Two cubes, a hand that moves as commanded, and fingers that hold what they close around.

    There are no forces: it shows whether the phases, frames and signs fit together.
    """

    def __init__(self, studio: Studio, tcp: Pose, carried: Cube, support: Cube) -> None:
        self._studio, self._tcp = studio, tcp
        self.carried, self.support = carried, support
        self._policy = StackPolicy(studio.arm, studio.scene)
        self._gripper = OPEN
        self._opening = 0.02
        self._frozen: npt.NDArray[np.uint8] | None = None
        self.holds = False

    def play(self, chunks: int) -> str:
        """Play so many chunks, or until the policy says that it is done; return its phase."""
        phase = ""
        for _ in range(chunks):
            gap_m = 2 * self._opening
            request = self._studio.request(self._tcp, self.carried, self.support, gap_m)
            if self._frozen is not None:
                request["context_rgb"] = self._frozen
            answer = self._policy.infer(request)
            phase = answer["info"]["phase"]
            if phase == "done":
                break
            for action in answer["action"].astype(float):
                self._step(action)
        return phase

    def push(self, by_m: float) -> None:
        """Move a cube that stands on the table and is not between the fingers."""
        if self.holds or self.is_tower():
            aside = np.array([0.0, by_m, 0.0])
            self.support = self._at(self.support, self.support.position + aside)
            self._rest()
        else:
            self.carried = self._at(self.carried, self.carried.position - [0, by_m, 0])

    def drop(self) -> None:
        """Take the cube out of the hand and put it elsewhere on the table."""
        self.holds = False
        self._opening = 0.0
        self.carried = self._studio.carried(0.50, -0.08, 0.7)

    def freeze(self) -> None:
        """Show the picture of this moment from now on."""
        request = self._studio.request(self._tcp, self.carried, self.support)
        self._frozen = request["context_rgb"]

    def is_tower(self) -> bool:
        """Whether the red cube stands on the green one."""
        offset = self.carried.position - self.support.position
        return bool(np.hypot(*offset[:2]) < 0.02 and abs(offset[2] - 0.045) < 1e-3)

    def _step(self, action: npt.NDArray[np.float64]) -> None:
        arm, before = self._studio.arm, self._tcp
        self._tcp = arm.look_ahead(before, np.empty((0, 7)), action[None])
        if self.holds:
            turn = Rotation.from_matrix(self._tcp.rotation @ before.rotation.T).as_rotvec()
            shift = self._tcp.position - before.position
            self.carried = self._at(self.carried, self.carried.position + shift, turn[2])
        self._gripper = float(arm.gripper_of(action[None], self._gripper)[0])
        self._move_fingers(self._gripper)

    def _move_fingers(self, command: float) -> None:
        self._opening = float(np.clip(self._opening - 0.008 * command, 0.0, 0.04))
        half = self.carried.half_size_m
        offset = np.abs(self.carried.position - self._tcp.position)
        self.holds = command > 0 and self._opening <= half and bool(offset.max() < half / 2)
        if self.holds:
            self._opening = half
        else:
            self._rest()

    def _rest(self) -> None:
        """Let the red cube fall onto what is below it."""
        if self.holds:
            return
        near = np.hypot(*(self.carried.position - self.support.position)[:2]) < 0.03
        height = 2 * self.support.half_size_m if near else 0.0
        z = self._studio.scene.table_z_m + height + self.carried.half_size_m
        self.carried = self._at(self.carried, np.array([*self.carried.position[:2], z]))

    @staticmethod
    def _at(cube: Cube, position: npt.NDArray[np.float64], turn_rad: float = 0.0) -> Cube:
        return Cube(position, cube.yaw_rad + turn_rad, cube.half_size_m)

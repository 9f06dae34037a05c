# SPDX-License-Identifier: Apache-2.0
"""Pinhole cameras: projection from the base frame to pixels, and back to a plane."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from vera_ros.sim.cameras import Camera

Array = npt.NDArray[np.float64]

_NEAREST_M = 1e-3  # least depth of a visible point


@dataclass(frozen=True)
class Pose:
    """A rigid transform from a frame to the base frame.

    Attributes:
        position: Shape (3,), [m].
        rotation: Shape (3, 3); its columns are the frame's axes in the base frame.
    """

    position: Array
    rotation: Array

    @staticmethod
    def from_quaternion(position: npt.ArrayLike, quaternion_xyzw: npt.ArrayLike) -> "Pose":
        """Return the pose with this position [m] and unit quaternion (x, y, z, w)."""
        rotation = Rotation.from_quat(np.asarray(quaternion_xyzw, dtype=np.float64))
        return Pose(np.asarray(position, dtype=np.float64), rotation.as_matrix())

    def __matmul__(self, other: "Pose") -> "Pose":
        return Pose(self.position + self.rotation @ other.position, self.rotation @ other.rotation)

    def inverse(self) -> "Pose":
        """Return the transform from the base frame to the frame."""
        return Pose(-self.rotation.T @ self.position, self.rotation.T)


@dataclass(frozen=True)
class View:
    """The geometry of one camera at the moment of its picture.

    Continuous pixel coordinates: (0, 0) is the picture's upper left corner, so the centre of pixel
    (row, column) is (column + 0.5, row + 0.5).

    Attributes:
        pose: the optical frame (x right, y down, z forward) in the base frame.
        focal_px: focal length, px.
        width: of the picture, px.
        height: of the picture, px.
    """

    pose: Pose
    focal_px: float
    width: int
    height: int

    @staticmethod
    def of(camera: Camera, width: int, height: int, frame: Pose | None = None) -> "View":
        """Return the view of a camera, with a picture of this size [px].

        `frame`: pose of the frame that the camera is fixed to; None: that is the base frame.
        """
        pose = Pose.from_quaternion(camera.position_m, camera.orientation_xyzw)
        focal_px = height / 2 / float(np.tan(np.radians(camera.fov_y_deg) / 2))
        return View(pose if frame is None else frame @ pose, focal_px, width, height)

    def _local(self, points: Array) -> Array:
        """Return points in the optical frame, Shape (N, 3), [m]."""
        local: Array = (points - self.pose.position) @ self.pose.rotation
        return local

    @property
    def _centre(self) -> Array:
        return np.array([self.width / 2, self.height / 2])

    def project(self, points: Array) -> Array:
        """Return the pixels of points, Shape (N, 3), [m], base frame -> Shape (N, 2), [px].

        The pixels are meaningful only for points in front of the camera; they are always finite.
        """
        local = self._local(points)
        pixels: Array = local[:, :2] / _depth(local) * self.focal_px + self._centre
        return pixels

    def faces(self, points: Array) -> bool:
        """Return whether all points, Shape (N, 3), are in front of the camera."""
        return bool((self._local(points)[:, 2] > _NEAREST_M).all())

    def project_motion(self, points: Array, motions: Array) -> Array:
        """Return how the pixels of points move when the points do.

        `points` has Shape (N, 3), [m], `motions` Shape (K, N, 3), [m/unit], base frame; the result
        has Shape (K, N, 2), [px/unit]: the derivative of `project`.
        """
        local = self._local(points)
        moved = motions @ self.pose.rotation
        depth = _depth(local)
        motion: Array = (moved[..., :2] - moved[..., 2:] * local[:, :2] / depth) / depth
        return motion * self.focal_px

    def ray(self, pixel: Array) -> tuple[Array, Array]:
        """Return the ray through a pixel: where it starts, [m], and its direction, of length 1."""
        ray = self.pose.rotation @ np.append((pixel - self._centre) / self.focal_px, 1.0)
        return self.pose.position, ray / np.linalg.norm(ray)

    def to_plane(self, pixel: Array, z_m: float) -> Array | None:
        """Return the point at height `z_m` seen at a pixel, Shape (3,), [m], or None."""
        start, ray = self.ray(pixel)
        if abs(ray[2]) < 1e-6:
            return None
        distance = (z_m - start[2]) / ray[2]
        point: Array = start + distance * ray
        return point if distance > 0 else None


def _depth(local: Array) -> Array:
    depth: Array = np.maximum(local[:, 2:], _NEAREST_M)
    return depth


def intersect(rays: Sequence[tuple[Array, Array]]) -> Array:
    """Return the point nearest to several rays in the least-squares sense, Shape (3,), [m]."""
    across = [np.eye(3) - np.outer(direction, direction) for _, direction in rays]
    offsets = [P @ start for P, (start, _) in zip(across, rays, strict=True)]
    point: Array = np.linalg.lstsq(np.sum(across, axis=0), np.sum(offsets, axis=0), rcond=None)[0]
    return point

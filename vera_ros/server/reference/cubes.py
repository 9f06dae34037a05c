# SPDX-License-Identifier: Apache-2.0
"""Where a cube is: the pose whose silhouette fits what every view shows of its colour."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from vera_ros.server.reference.cameras import Array, View, intersect
from vera_ros.server.reference.scene_config import LocalisationConfig
from vera_ros.server.reference.segmentation import Evidence
from vera_ros.server.reference.silhouette import Silhouette

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
_MARGIN_PX = 6  # of the fitted window around a spot
_ENOUGH_PIXELS = 800  # the larger window of a close cube is thinned out
_START_YAWS = np.radians([0.0, 22.5, 45.0, 67.5])
# Yaw is fitted in units that move a corner about as far as a unit of x does.
_YAW_UNIT_RAD = 20.0


@dataclass(frozen=True)
class Cube:
    """A cube standing upright somewhere.

    Attributes:
        position: of its centre, Shape (3,), [m], base frame.
        yaw_rad: about the vertical, in [0, pi/2): a quarter turn changes nothing.
        half_size_m: half an edge.
    """

    position: Array
    yaw_rad: float
    half_size_m: float

    def corners(self) -> Array:
        """Return the eight corners, Shape (8, 3), [m], base frame."""
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        turned = _CORNERS @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        corners: Array = self.position + self.half_size_m * turned
        return corners

    def corner_motions(self) -> Array:
        """Return how the corners move with x, y, yaw and z of `moved`, Shape (4, 8, 3)."""
        arms = self.corners() - self.position
        motions = np.zeros((4, 8, 3))
        motions[0, :, 0] = motions[1, :, 1] = motions[3, :, 2] = 1.0
        motions[2, :, 0], motions[2, :, 1] = -arms[:, 1], arms[:, 0]
        motions[2] *= _YAW_UNIT_RAD
        return motions

    def moved(self, step: Array) -> "Cube":
        """Return the cube moved by `step`: x, y [m], yaw [`_YAW_UNIT_RAD`] and perhaps z [m]."""
        offset = np.array([step[0], step[1], step[3] if len(step) == 4 else 0.0])
        yaw_rad = self.yaw_rad + step[2] * _YAW_UNIT_RAD
        return replace(self, position=self.position + offset, yaw_rad=yaw_rad)


@dataclass(frozen=True)
class Look:
    """One view and what its picture says of one cube."""

    view: View
    evidence: Evidence


@dataclass(frozen=True)
class Located:
    """The result of a search: a cube, or the reason why there is none."""

    cube: Cube | None
    reason: str = ""


def locate(
    looks: Sequence[Look],
    half_size_m: float,
    rest_z_m: float,
    config: LocalisationConfig,
    *,
    free_z: bool,
) -> Located:
    """Find a cube that rests at centre height `rest_z_m` or, with `free_z`, at any height.

    The fit minimises the squared difference between the modelled coverage of each pixel and the
    picture's. It counts only if every view that should see the cube agrees.
    """
    seen = [look for look in looks if look.evidence.is_seen]
    if not seen:
        return Located(None, "its colour is in no picture")
    position = _start_position(seen, rest_z_m, free_z=free_z)
    if position is None:
        return Located(None, "its colour is above the horizon")
    windows = [_Window.around(look) for look in seen]
    softness = config.edge_softness_px
    starts = [Cube(position, float(yaw), half_size_m) for yaw in _START_YAWS]
    costs = [float(np.sum(_residuals(cube, windows, softness) ** 2)) for cube in starts]
    cube = _fit(starts[int(np.argmin(costs))], windows, softness, free_z=free_z)
    return _judge(cube, looks, config)


@dataclass(frozen=True)
class _Window:
    """The known pixels around a spot: centres, Shape (N, 2), [px], and whether each is the cube."""

    view: View
    centres: Array
    is_cube: npt.NDArray[np.bool_]

    @staticmethod
    def around(look: Look) -> "_Window":
        rows, columns = np.nonzero(look.evidence.cube)
        top, left = np.maximum([rows.min() - _MARGIN_PX, columns.min() - _MARGIN_PX], 0)
        part = np.s_[top : rows.max() + _MARGIN_PX + 1, left : columns.max() + _MARGIN_PX + 1]
        y, x = np.nonzero(look.evidence.known[part])
        few = slice(None, None, 1 + len(x) // _ENOUGH_PIXELS)
        centres = np.column_stack([x[few] + left, y[few] + top]) + 0.5
        return _Window(look.view, centres, look.evidence.cube[part][y[few], x[few]])


def _start_position(seen: Sequence[Look], rest_z_m: float, *, free_z: bool) -> Array | None:
    if free_z and len(seen) > 1:
        return intersect([look.view.ray(look.evidence.centroid()) for look in seen])
    return seen[0].view.to_plane(seen[0].evidence.centroid(), rest_z_m)


def _fit(start: Cube, windows: Sequence[_Window], softness_px: float, *, free_z: bool) -> Cube:
    used = 4 if free_z else 3

    def residuals(step: Array) -> Array:
        return _residuals(start.moved(step), windows, softness_px)

    def jacobian(step: Array) -> Array:
        return _jacobian(start.moved(step), windows, softness_px)[:, :used]

    solution = least_squares(
        residuals, np.zeros(used), jacobian, method="lm", ftol=1e-4, xtol=1e-4, max_nfev=25
    )
    cube = start.moved(solution.x)
    return replace(cube, yaw_rad=cube.yaw_rad % (np.pi / 2))


def _residuals(cube: Cube, windows: Sequence[_Window], softness_px: float) -> Array:
    """Return modelled minus seen coverage of every known pixel, Shape (N,)."""
    corners = cube.corners()
    parts = []
    for window in windows:
        distances, _ = Silhouette.of(window.view.project(corners)).distances(window.centres)
        parts.append(_coverage(distances, softness_px) - window.is_cube)
    return np.concatenate(parts)


def _jacobian(cube: Cube, windows: Sequence[_Window], softness_px: float) -> Array:
    """Return the derivative of the residuals by x, y, yaw and z of `Cube.moved`, Shape (N, 4)."""
    corners, motions = cube.corners(), cube.corner_motions()
    parts = []
    for window in windows:
        silhouette = Silhouette.of(window.view.project(corners))
        distances, edges = silhouette.distances(window.centres)
        pixel_motions = window.view.project_motion(corners, motions)
        changes = silhouette.distance_changes(window.centres, edges, pixel_motions)
        coverage = _coverage(distances, softness_px)
        parts.append(-coverage * (1 - coverage) / softness_px * changes)
    jacobian: Array = np.concatenate(parts, axis=1).T
    return jacobian


def _coverage(distances: Array, softness_px: float) -> Array:
    coverage: Array = 1 / (1 + np.exp(np.clip(distances / softness_px, -30, 30)))
    return coverage


def _judge(cube: Cube, looks: Sequence[Look], config: LocalisationConfig) -> Located:
    """Accept a fit only if no view that should see the cube contradicts it."""
    agreeing = 0
    for look in looks:
        overlap = _overlap(cube, look, config.min_visible)
        if overlap is None:
            continue
        if overlap < config.min_overlap:
            return Located(None, f"the views disagree (overlap {overlap:.2f})")
        agreeing += 1
    return Located(cube) if agreeing else Located(None, "it is hidden")


def _overlap(cube: Cube, look: Look, min_visible: float) -> float | None:
    """Return intersection over union of silhouette and spot; None: too little of it can be seen."""
    pixels = look.view.project(cube.corners())
    if not np.isfinite(pixels).all():
        return None
    seen = look.evidence.cube
    size = np.array([seen.shape[1], seen.shape[0]])
    left, top = np.clip(np.floor(pixels.min(axis=0)).astype(int), 0, size)
    right, bottom = np.clip(np.ceil(pixels.max(axis=0)).astype(int), 0, size)
    silhouette = Silhouette.of(pixels)
    x, y = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    centres = np.column_stack([x.ravel(), y.ravel()]) + 0.5
    if not len(centres):
        return None
    inside = (silhouette.distances(centres)[0] < 0).reshape(x.shape)
    known = look.evidence.known[top:bottom, left:right] & inside
    area = cv2.contourArea(silhouette.points.astype(np.float32))
    if np.count_nonzero(known) < min_visible * area:
        return None
    both = np.count_nonzero(known & seen[top:bottom, left:right])
    return both / (np.count_nonzero(known) + np.count_nonzero(seen) - both)

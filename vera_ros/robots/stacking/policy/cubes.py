# SPDX-License-Identifier: Apache-2.0
"""Locates a cube: finds the pose whose silhouette fits its colour in every view."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from vera_ros.robots.pinhole import Array, View, intersect
from vera_ros.robots.stacking.policy.scene_config import LocalisationConfig
from vera_ros.robots.stacking.policy.segmentation import Evidence
from vera_ros.robots.stacking.policy.silhouette import Silhouette

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
_MARGIN_PX = 6  # of the fitted window around a spot
_ENOUGH_PIXELS = 800  # a larger window, of a close cube, is thinned out
_START_YAWS_RAD = (np.pi / 8, 3 * np.pi / 8)
# Yaw is fitted in units that move a corner about as far as a unit of x does.
_YAW_UNIT_RAD = 20.0


@dataclass(frozen=True)
class Cube:
    """An upright cube.

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
    """One view, and its picture's evidence of one cube."""

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

    A single view hardly determines the height: a cube in only one is assumed at `rest_z_m`.
    The fit minimises the squared difference between the modelled coverage of each pixel and the
    picture's, first with soft edges, which attract from afar, then with sharp ones. It is accepted
    only if every view that should show the cube agrees.
    """
    seen = [look for look in looks if look.evidence.is_seen]
    if not seen:
        return Located(None, "its colour is in no picture")
    free_z = free_z and len(seen) > 1
    position = _start_position(seen, rest_z_m, free_z=free_z)
    if position is None:
        return Located(None, "its colour is above the horizon")
    if not all(look.view.faces(position[None]) for look in seen):
        return Located(None, "the views disagree")
    windows = [_Window.around(look) for look in seen]
    few = [window.thinned(3) for window in windows]
    fits = [
        _fit(Cube(position, yaw_rad, half_size_m), few, config.soft_edge_px, free_z=free_z)
        for yaw_rad in _START_YAWS_RAD
    ]
    cube = _fit(min(fits).cube, windows, config.sharp_edge_px, free_z=free_z).cube
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
        centres = np.column_stack([x + left, y + top]) + 0.5
        window = _Window(look.view, centres, look.evidence.cube[part][y, x])
        return window.thinned(1 + len(x) // _ENOUGH_PIXELS)

    def thinned(self, every: int) -> "_Window":
        """Return a window with every `every`-th pixel."""
        return _Window(self.view, self.centres[::every], self.is_cube[::every])


def _start_position(seen: Sequence[Look], rest_z_m: float, *, free_z: bool) -> Array | None:
    if free_z:
        return intersect([look.view.ray(look.evidence.centroid()) for look in seen])
    return seen[0].view.to_plane(seen[0].evidence.centroid(), rest_z_m)


@dataclass(frozen=True, order=True)
class _Fit:
    """A fitted cube and its remaining cost; lower is better."""

    cost: float
    cube: Cube = field(compare=False)


def _fit(start: Cube, windows: Sequence[_Window], softness_px: float, *, free_z: bool) -> _Fit:
    problem = _Problem(start, windows, softness_px)
    solution = least_squares(
        problem.residuals,
        np.zeros(4 if free_z else 3),
        problem.jacobian,
        method="lm",
        ftol=3e-3,
        xtol=1e-2,
        max_nfev=6,
    )
    cube = start.moved(solution.x)
    return _Fit(float(solution.cost), replace(cube, yaw_rad=cube.yaw_rad % (np.pi / 2)))


class _Problem:
    """Modelled minus observed coverage of every known pixel, for steps of `Cube.moved`."""

    def __init__(self, start: Cube, windows: Sequence[_Window], softness_px: float) -> None:
        self._start, self._windows, self._softness_px = start, windows, softness_px
        self._last: tuple[bytes, list[_Model]] | None = None

    def residuals(self, step: Array) -> Array:
        """Return the differences, Shape (N,)."""
        models = zip(self._models(step), self._windows, strict=True)
        return np.concatenate([model.coverage - window.is_cube for model, window in models])

    def jacobian(self, step: Array) -> Array:
        """Return their derivatives by the step, Shape (N, 3 or 4)."""
        cube = self._start.moved(step)
        corners, motions = cube.corners(), cube.corner_motions()
        parts = []
        for model, window in zip(self._models(step), self._windows, strict=True):
            slope = -model.coverage * (1 - model.coverage) / self._softness_px
            near = np.flatnonzero(slope < -1e-3)
            changes = model.silhouette.distance_changes(
                window.centres[near],
                model.edges[near],
                window.view.project_motion(corners, motions),
            )
            part = np.zeros((len(slope), 4))
            part[near] = (slope[near] * changes).T
            parts.append(part)
        return np.concatenate(parts)[:, : len(step)]

    def _models(self, step: Array) -> "list[_Model]":
        """Return the model of each view; the solver asks for the same step twice."""
        key = step.tobytes()
        if self._last is None or self._last[0] != key:
            corners = self._start.moved(step).corners()
            models = [_Model.of(corners, window, self._softness_px) for window in self._windows]
            self._last = key, models
        return self._last[1]


@dataclass(frozen=True)
class _Model:
    """What a view should show: its outline, each pixel's nearest edge, and coverage by the cube."""

    silhouette: Silhouette
    edges: npt.NDArray[np.intp]
    coverage: Array

    @staticmethod
    def of(corners: Array, window: _Window, softness_px: float) -> "_Model":
        silhouette = Silhouette.of(window.view.project(corners))
        distances, edges = silhouette.distances(window.centres)
        coverage = 1 / (1 + np.exp(np.clip(distances / softness_px, -30, 30)))
        return _Model(silhouette, edges, coverage)


def _judge(cube: Cube, looks: Sequence[Look], config: LocalisationConfig) -> Located:
    """Accept a fit only if no view that should show the cube contradicts it."""
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
    seen = look.evidence.cube
    unseen = 0.0 if look.evidence.is_seen else None
    if not look.view.faces(cube.corners()):
        return unseen
    silhouette = Silhouette.of(look.view.project(cube.corners()))
    size = np.array([seen.shape[1], seen.shape[0]])
    left, top = np.clip(np.floor(silhouette.points.min(axis=0)).astype(int), 0, size)
    right, bottom = np.clip(np.ceil(silhouette.points.max(axis=0)).astype(int), 0, size)
    x, y = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    if not x.size:
        return unseen
    centres = np.column_stack([x.ravel(), y.ravel()]) + 0.5
    inside = (silhouette.distances(centres)[0] < 0).reshape(x.shape)
    known = look.evidence.known[top:bottom, left:right] & inside
    both = np.count_nonzero(known & seen[top:bottom, left:right])
    area = cv2.contourArea(silhouette.points.astype(np.float32))
    if np.count_nonzero(known) < min_visible * area:
        return None if both else unseen
    return float(both / (np.count_nonzero(known) + np.count_nonzero(seen) - both))

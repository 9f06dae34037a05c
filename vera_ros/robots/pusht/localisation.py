# SPDX-License-Identifier: Apache-2.0
"""Finds pusher and block in a picture by their colours, and the block's pose by its silhouette."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from vera_ros.robots.pusht.geometry import CENTRE, SIDE_PX, Array, distances, place

Mask = npt.NDArray[np.bool_]

# OpenCV's HSV, lower and upper ends: light slate gray and royal blue, with their lighter fillings.
_BLOCK_COLOURS = ((92, 28, 80), (111, 96, 230))
_PUSHER_COLOURS = ((104, 110, 120), (122, 255, 255))
_LEAST_PIXELS = 20  # a smaller spot is noise
_PEN_PX = 2.0  # the block is drawn larger by this much
_MARGIN_PX = 30.0  # of the fitted window around the block's pixels
_SOFT_EDGE_PX, _SHARP_EDGE_PX = 24.0, 4.0
_MOST_COARSE_PIXELS = 300
_BAND_PX = 12.0  # on both sides of the edge, of the pixels in the last fit
_RADIAN_PX = 50.0  # a turn by 1 rad moves the block's edges about this far
_LEAST_OVERLAP = 0.8  # intersection over union of model and picture
_QUARTERS_RAD = np.arange(4) * np.pi / 2


@dataclass(frozen=True)
class Sighting:
    """What a picture shows.

    Attributes:
        pusher: its centre. Shape (2,), [px].
        block: its pose: x, y [px], angle [rad]. Shape (3,).
    """

    pusher: Array
    block: Array


def locate(rgb: npt.NDArray[np.uint8]) -> Sighting | str:
    """Return what a square RGB picture of the world shows, or the reason why that is not known."""
    hsv = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2HSV)
    block, pusher = (cv2.inRange(hsv, *ends) > 0 for ends in (_BLOCK_COLOURS, _PUSHER_COLOURS))
    # Around the pusher colours mix: those pixels say nothing of the block.
    known = cv2.dilate(pusher.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    for name, mask in (("block", block & known), ("pusher", pusher)):
        if mask.sum() < _LEAST_PIXELS:
            return f"the {name}'s colour is not in the picture"
    scale = SIDE_PX / len(rgb)
    centres = (np.indices(block.shape)[::-1] + 0.5) * scale - 0.5
    pose = _fit_block(np.moveaxis(centres, 0, -1), block, known)
    if pose is None:
        return "what has the block's colour does not have its shape"
    return Sighting(centres[:, pusher].mean(axis=1), pose)


def _fit_block(centres: Array, block: Mask, known: Mask) -> Array | None:
    """Return the pose whose silhouette has these pixels; None: none has.

    Args:
        centres: of the pixels in the world. Shape (H, W, 2).
        block: which pixels show the block. Shape (H, W).
        known: which pixels say something. Shape (H, W).
    """
    spots = centres[block & known]
    lower, upper = spots.min(axis=0) - _MARGIN_PX, spots.max(axis=0) + _MARGIN_PX
    near = known & ((centres > lower) & (centres < upper)).all(axis=-1)
    points, shown = centres[near], block[near]
    few = np.s_[:: 1 + len(points) // _MOST_COARSE_PIXELS]
    # The block's long axis, and quarter turns of it: one of the four is near the truth.
    axis = np.linalg.eigh(np.cov(spots.T))[1][:, 1]
    start_rad = np.arctan2(axis[1], axis[0])
    fits = [
        _fit(_about(spots.mean(0), start_rad + turn), points[few], shown[few], _SOFT_EDGE_PX)
        for turn in _QUARTERS_RAD
    ]
    coarse = max(fits, key=lambda pose: _overlap(pose, points, shown))
    edge = np.abs(distances(points, coarse)) < _BAND_PX
    if edge.sum() < _LEAST_PIXELS:
        return None
    pose = _fit(coarse, points[edge], shown[edge], _SHARP_EDGE_PX)
    return pose if _overlap(pose, points, shown) > _LEAST_OVERLAP else None


def _about(middle: Array, angle_rad: float) -> Array:
    """Return the pose with this angle whose silhouette has its middle there."""
    pose = np.array([0.0, 0.0, angle_rad])
    return np.append(middle - place(CENTRE[None], pose)[0], angle_rad)


def _fit(start: Array, points: Array, shown: Mask, edge_px: float) -> Array:
    """Return the pose near `start` whose silhouette, with edges this soft, fits the pixels best."""
    unit = np.array([1.0, 1.0, 1 / _RADIAN_PX])

    def residuals(step: Array) -> Array:
        beyond_px = distances(points, start + step * unit) - _PEN_PX
        difference: Array = np.clip(0.5 - beyond_px / edge_px, 0.0, 1.0) - shown
        return difference

    best = least_squares(residuals, np.zeros(3), method="lm", ftol=1e-4)
    return np.asarray(start + best.x * unit)


def _overlap(pose: Array, points: Array, shown: Mask) -> float:
    """Return the intersection over the union of a pose's silhouette and the pixels."""
    model = distances(points, pose) < _PEN_PX
    return float((model & shown).sum() / (model | shown).sum())

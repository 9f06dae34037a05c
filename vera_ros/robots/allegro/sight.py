# SPDX-License-Identifier: Apache-2.0
"""Finds a ball by its colour in several pictures, and its place from the cameras' poses."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vera_ros.robots.allegro.hand import BALL_RADIUS_M
from vera_ros.sim.cameras import Camera

Array = npt.NDArray[np.float64]

# OpenCV's HSV, lower and upper ends.
_HUES = {
    "red": (((0, 120, 50), (8, 255, 255)), ((172, 120, 50), (180, 255, 255))),
    "blue": (((108, 120, 50), (130, 255, 255)),),
}
_LEAST_PIXELS = 12  # a smaller spot is noise
_SEEN_SHARE = 0.75  # of the ball's disc; where less is seen, its middle is another one
_LARGEST_MISS_M = 0.004  # of a view's ray


@dataclass(frozen=True)
class Spot:
    """What a view shows of a ball.

    Attributes:
        origin: of the ray from the camera through the spot's middle. Shape (3,), [m].
        direction: of that ray, a unit vector. Shape (3,).
        share_m2: pixels over the squared focal length; by the distance squared, the area.
    """

    origin: Array
    direction: Array
    share_m2: float


def find_ball(
    pictures: Mapping[str, npt.NDArray[np.uint8]], cameras: Mapping[str, Camera], colour: str
) -> Array | str:
    """Return the centre of a ball, Shape (3,), [m], or the reason why it is not known.

    The views are those that are calibrated; of three, one in which the ball is half hidden is left
    out.

    Args:
        pictures: by view, RGB. Shape (H, W, 3).
        cameras: by view.
        colour: of the ball.
    """
    seen = [spot_in(pictures[v], cameras[v], colour) for v in pictures if v in cameras]
    spots = [spot for spot in seen if spot is not None]
    if len(spots) < 2:
        return f"the {colour} ball is seen in {len(spots)} views; it takes two"
    centre = _nearest(spots)
    whole = [spot for spot in spots if _visible(spot, centre) > _SEEN_SHARE]
    if len(whole) < 2:
        return f"the {colour} ball is hidden in all views but {len(whole)}"
    centre = _nearest(whole)
    miss_m = max(_miss_m(spot, centre) for spot in whole)
    if miss_m > _LARGEST_MISS_M:
        return f"the views do not show the {colour} ball in one place ({miss_m * 1e3:.0f} mm)"
    return centre


def spot_in(rgb: npt.NDArray[np.uint8], camera: Camera, colour: str) -> Spot | None:
    """Return what a picture shows of a ball; None: nothing."""
    hsv = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2HSV)
    mask = sum(cv2.inRange(hsv, *ends) > 0 for ends in _HUES[colour])
    rows, columns = np.nonzero(mask)
    if len(rows) < _LEAST_PIXELS:
        return None
    height, width = rgb.shape[:2]
    focal_px = height / 2 / np.tan(np.deg2rad(camera.fov_y_deg) / 2)
    middle = np.array([columns.mean() + 0.5 - width / 2, rows.mean() + 0.5 - height / 2, focal_px])
    direction = _rotation(camera.orientation_xyzw) @ (middle / np.linalg.norm(middle))
    return Spot(np.array(camera.position_m), direction, len(rows) / focal_px**2)


def _nearest(spots: list[Spot]) -> Array:
    """Return the point nearest to all rays, by least squares. Shape (3,)."""
    across = [np.eye(3) - np.outer(spot.direction, spot.direction) for spot in spots]
    offsets = [a @ spot.origin for a, spot in zip(across, spots, strict=True)]
    return np.asarray(np.linalg.solve(np.sum(across, axis=0), np.sum(offsets, axis=0)))


def _visible(spot: Spot, centre: Array) -> float:
    """Return which share of a ball's disc at this place a view shows."""
    area_m2 = spot.share_m2 * float(np.sum((centre - spot.origin) ** 2))
    return area_m2 / (np.pi * BALL_RADIUS_M**2)


def _miss_m(spot: Spot, centre: Array) -> float:
    return float(np.linalg.norm(np.cross(spot.direction, centre - spot.origin)))


def _rotation(xyzw: tuple[float, float, float, float]) -> Array:
    """Return the rotation matrix of a unit quaternion. Shape (3, 3)."""
    x, y, z, w = xyzw
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )

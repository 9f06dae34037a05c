# SPDX-License-Identifier: Apache-2.0
"""Finds a ball by its colour in several pictures, and its place from the cameras' poses."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vera_ros.robots.allegro.hand import BALL_RADIUS_M
from vera_ros.robots.pinhole import Array, View, intersect
from vera_ros.sim.cameras import Camera

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
        ray: through the spot's middle: where it starts [m], and its direction, of length 1.
            Shapes (3,).
        share: pixels over the squared focal length; times the squared distance, an area.
    """

    ray: tuple[Array, Array]
    share: float


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
    centre = intersect([spot.ray for spot in spots])
    whole = [spot for spot in spots if _visible(spot, centre) > _SEEN_SHARE]
    if len(whole) < 2:
        return f"the {colour} ball is hidden in all views but {len(whole)}"
    centre = intersect([spot.ray for spot in whole])
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
    view = View.of(camera, width, height)
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    return Spot(view.ray(middle), len(rows) / view.focal_px**2)


def _visible(spot: Spot, centre: Array) -> float:
    """Return which share of a ball's disc at this place a view shows."""
    area_m2 = spot.share * float(np.sum((centre - spot.ray[0]) ** 2))
    return area_m2 / (np.pi * BALL_RADIUS_M**2)


def _miss_m(spot: Spot, centre: Array) -> float:
    origin, direction = spot.ray
    return float(np.linalg.norm(np.cross(direction, centre - origin)))

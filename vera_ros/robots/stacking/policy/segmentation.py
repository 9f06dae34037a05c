# SPDX-License-Identifier: Apache-2.0
"""Segments a picture by colour: pixels of a cube, of the table, and unknown ones."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vera_ros.robots.stacking.policy.scene_config import CubeConfig, SegmentationConfig

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """Evidence of one cube in one picture.

    Attributes:
        cube: Shape (H, W): the largest spot of the cube's colour; all False: there is none.
        known: Shape (H, W): pixels that show the cube or with certainty the table.
    """

    cube: Mask
    known: Mask

    @property
    def is_seen(self) -> bool:
        """Whether the picture shows the cube's colour at all."""
        return bool(self.cube.any())

    def centroid(self) -> npt.NDArray[np.float64]:
        """Return the middle of the spot as continuous (x, y), Shape (2,), [px]."""
        rows, columns = np.nonzero(self.cube)
        return np.array([columns.mean(), rows.mean()]) + 0.5


def gather_evidence(
    rgb: npt.NDArray[np.uint8], cube: CubeConfig, config: SegmentationConfig
) -> Evidence:
    """Classify the pixels of a picture, Shape (H, W, 3), RGB."""
    hsv = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2HSV)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    coloured = (saturation > config.cube_min_saturation) & (value > config.cube_min_value)
    of_hue = np.zeros(hue.shape, dtype=bool)
    for first, last in cube.hues:
        of_hue |= (hue >= first) & (hue <= last)
    spot = _largest_spot(of_hue & coloured, config.min_pixels)
    table = np.zeros(hue.shape, dtype=bool)
    for top in config.tables:
        ranges = (top.hues, top.saturations, top.values)
        lower, upper = ([pair[end] for pair in ranges] for end in (0, 1))
        table |= cv2.inRange(hsv, np.array(lower), np.array(upper)) > 0
    return Evidence(cube=spot, known=spot | table)


def _largest_spot(mask: Mask, min_pixels: int) -> Mask:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return np.zeros_like(mask)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    if stats[largest, cv2.CC_STAT_AREA] < min_pixels:
        return np.zeros_like(mask)
    spot: Mask = labels == largest
    return spot

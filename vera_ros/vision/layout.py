# SPDX-License-Identifier: Apache-2.0
"""Composes the planner's picture: every view resized, all side by side."""

from collections.abc import Sequence

import cv2
import numpy as np

from vera_ros.errors import ConfigurationError, ImageError
from vera_ros.vision.images import RgbImage


def view_widths(
    views: int, resolution: tuple[int, int], advertised: Sequence[int] = ()
) -> tuple[int, ...]:
    """Return the width of each view in the composed picture, px.

    Args:
        views: how many views there are.
        resolution: height and width of one view, px.
        advertised: the server's own `view_widths`; empty: every view is as wide as `resolution`.

    Raises:
        ConfigurationError: the numbers are not positive, or not one per view.
    """
    widths = tuple(advertised) or (resolution[1],) * views
    if len(widths) != views or views < 1:
        raise ConfigurationError(
            f"{len(widths)} view widths {list(widths)} for {views} views; give one for each view"
        )
    if min(resolution[0], *widths) < 1:
        raise ConfigurationError(
            f"height {resolution[0]} and view widths {list(widths)} px must all be positive"
        )
    return widths


def compose(
    images: Sequence[RgbImage],
    resolution: tuple[int, int],
    widths: Sequence[int] = (),
    *,
    crop: bool = False,
) -> RgbImage:
    """Resize the views and put them side by side. Shape (H, sum of widths, 3), C-contiguous.

    Args:
        images: one picture per view, in view order. Shape (h, w, 3) each.
        resolution: height H and width of one view, px.
        widths: width of each view, px, where they differ.
        crop: crop a picture of another aspect ratio around its centre; default: squash it.

    Raises:
        ConfigurationError: the sizes are not usable, see `view_widths`.
        ImageError: a picture has no pixels.
    """
    targets = view_widths(len(images), resolution, widths)
    fitted = (
        fit(image, (resolution[0], width), crop=crop)
        for image, width in zip(images, targets, strict=True)
    )
    return np.concatenate(list(fitted), axis=1)


def fit(image: RgbImage, resolution: tuple[int, int], *, crop: bool = False) -> RgbImage:
    """Resize a picture: area averaging where it shrinks, linear interpolation where it grows.

    Returns:
        Shape (H, W, 3), (H, W) being `resolution`. The picture itself where it has that already.

    Raises:
        ImageError: the picture has no pixels.
    """
    if not image.size:
        raise ImageError(f"picture of shape {image.shape} has no pixels; it cannot be resized")
    if crop:
        image = _centre_crop(image, resolution)
    smaller = (min(image.shape[0], resolution[0]), min(image.shape[1], resolution[1]))
    image = _resize(image, smaller, cv2.INTER_AREA)
    return _resize(image, resolution, cv2.INTER_LINEAR)


def _resize(image: RgbImage, resolution: tuple[int, int], interpolation: int) -> RgbImage:
    if image.shape[:2] == resolution:
        return image
    resized: RgbImage = cv2.resize(image, resolution[::-1], interpolation=interpolation)
    return resized


def _centre_crop(image: RgbImage, resolution: tuple[int, int]) -> RgbImage:
    """Return the largest middle part of the picture with the resolution's aspect ratio."""
    height, width = image.shape[:2]
    crop_height = max(1, min(height, round(width * resolution[0] / resolution[1])))
    crop_width = max(1, min(width, round(height * resolution[1] / resolution[0])))
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    return image[top : top + crop_height, left : left + crop_width]

# SPDX-License-Identifier: Apache-2.0
"""The film's pictures: the views side by side, enlarged, with captions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

VIEW_PX = 512
_BAR_PX = 44
_MARGIN_PX = 14

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SCALE = 0.6
_BACKGROUND = (22, 24, 29)
_TEXT = (235, 235, 235)
_DIM = (150, 156, 166)
_GOOD = (110, 214, 130)
_BAD = (240, 110, 100)


@dataclass(frozen=True)
class Caption:
    """Texts above and below the views.

    Attributes:
        title: above, on the left.
        subtitle: above, on the right.
        status: below, on the left.
        detail: below, on the right.
        verdict: whether the tower stands, once that is known.
    """

    title: str
    subtitle: str
    status: str
    detail: str
    verdict: bool | None = None


def film_size(views: int) -> tuple[int, int]:
    """Return width and height of the film, px."""
    return views * VIEW_PX, VIEW_PX + 2 * _BAR_PX


def compose_picture(
    views: Sequence[NDArray[np.uint8]], names: Sequence[str], caption: Caption
) -> NDArray[np.uint8]:
    """Return one picture of the film. Shape (H, W, 3), RGB.

    Args:
        views: pictures, RGB, each square. Shape (h, h, 3).
        names: of the views.
        caption: what is written.
    """
    picture: NDArray[np.uint8] = _empty_picture(len(views)).copy()
    height, width, _ = picture.shape
    for index, view in enumerate(views):
        left = index * VIEW_PX
        cv2.resize(
            view,
            (VIEW_PX, VIEW_PX),
            dst=picture[_BAR_PX : _BAR_PX + VIEW_PX, left : left + VIEW_PX],
            interpolation=cv2.INTER_CUBIC,
        )
        _label(picture, names[index], left)
    color = {None: _TEXT, True: _GOOD, False: _BAD}[caption.verdict]
    _write(picture, caption.title, _MARGIN_PX, 29, _TEXT)
    subtitle = _shortened(caption.subtitle, width // 2)
    _write(picture, subtitle, _right(subtitle, width), 29, _DIM)
    _write(picture, caption.status, _MARGIN_PX, height - 15, color)
    _write(picture, caption.detail, _right(caption.detail, width), height - 15, _DIM)
    return picture


@lru_cache
def _empty_picture(views: int) -> NDArray[np.uint8]:
    width, height = film_size(views)
    return np.full((height, width, 3), _BACKGROUND, np.uint8)


def _right(text: str, width: int) -> int:
    """Return the x at which a text must begin to end at the right margin, px."""
    return width - _MARGIN_PX - _length(text)


def _shortened(text: str, most_px: int) -> str:
    """Return the text, or as much of it as fits."""
    if _length(text) <= most_px:
        return text
    while text and _length(f"{text}...") > most_px:
        text = text[:-1]
    return f"{text}..."


def _length(text: str) -> int:
    (length, _), _ = cv2.getTextSize(text, _FONT, _SCALE, 1)
    return int(length)


def _label(picture: NDArray[np.uint8], name: str, left: int) -> None:
    """Name a view in its lower left corner, on a background that keeps it readable."""
    (length, height), _ = cv2.getTextSize(name, _FONT, _SCALE, 1)
    bottom = _BAR_PX + VIEW_PX
    top = bottom - height - 16
    picture[top:bottom, left : left + length + 2 * _MARGIN_PX] = _BACKGROUND
    _write(picture, name, left + _MARGIN_PX, bottom - 8, _DIM)


def _write(
    picture: NDArray[np.uint8], text: str, x: int, y: int, color: tuple[int, int, int]
) -> None:
    cv2.putText(picture, text, (x, y), _FONT, _SCALE, color, 1, cv2.LINE_AA)

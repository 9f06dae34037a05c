# SPDX-License-Identifier: Apache-2.0
"""The film's pictures: the views beside each other, enlarged, with captions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

_CELL_HEIGHT_PX = 512  # of a view, unless that makes the film too wide
_WIDEST_PX = 1536
_MOST_COLUMNS = 4
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
        verdict: whether the task is done, once that is known.
    """

    title: str
    subtitle: str
    status: str
    detail: str
    verdict: bool | None = None


@dataclass(frozen=True)
class Layout:
    """Where the views are: rows of equal cells, between two bars of text.

    Attributes:
        names: of the views, from left to right and top to bottom.
        cell: height and width of each [px], even, as the film's encoder needs them.
        columns: cells in a row.
    """

    names: tuple[str, ...]
    cell: tuple[int, int]
    columns: int

    @staticmethod
    def of(names: Sequence[str], resolution: tuple[int, int]) -> "Layout":
        """Return the layout of views with this height and width [px]."""
        height, width = resolution
        rows = math.ceil(len(names) / _MOST_COLUMNS)
        columns = math.ceil(len(names) / rows)
        scale = min(_CELL_HEIGHT_PX / rows / height, _WIDEST_PX / columns / width)
        cell = (2 * round(scale * height / 2), 2 * round(scale * width / 2))
        return Layout(tuple(names), cell, columns)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the film [px]."""
        rows = math.ceil(len(self.names) / self.columns)
        return rows * self.cell[0] + 2 * _BAR_PX, self.columns * self.cell[1]

    def corner(self, index: int) -> tuple[int, int]:
        """Return top and left of a view's cell [px]."""
        row, column = divmod(index, self.columns)
        return _BAR_PX + row * self.cell[0], column * self.cell[1]


def compose_picture(
    views: Sequence[NDArray[np.uint8]], layout: Layout, caption: Caption
) -> NDArray[np.uint8]:
    """Return one picture of the film. Shape (H, W, 3), RGB.

    Args:
        views: pictures, RGB, in the order of the layout. Shape (h, w, 3).
        layout: of the film.
        caption: what is written.
    """
    picture: NDArray[np.uint8] = _empty_picture(layout.size).copy()
    height = picture.shape[0]
    for index, view in enumerate(views):
        top, left = layout.corner(index)
        bottom, right = top + layout.cell[0], left + layout.cell[1]
        cv2.resize(
            view,
            layout.cell[::-1],
            dst=picture[top:bottom, left:right],
            interpolation=cv2.INTER_CUBIC,
        )
        _label(picture, layout.names[index], bottom, left)
    color = {None: _TEXT, True: _GOOD, False: _BAD}[caption.verdict]
    _write_line(picture, caption.title, caption.subtitle, 29, _TEXT)
    _write_line(picture, caption.status, caption.detail, height - 15, color)
    return picture


@lru_cache
def _empty_picture(size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.full((*size, 3), _BACKGROUND, np.uint8)


def _shortened(text: str, most_px: int) -> str:
    """Return the text, or as much of it as fits."""
    if _length(text) <= most_px:
        return text
    while text and _length(f"{text}...") > most_px:
        text = text[:-1]
    return f"{text}..." if text else ""


def _length(text: str) -> int:
    (length, _), _ = cv2.getTextSize(text, _FONT, _SCALE, 1)
    return int(length)


def _write_line(
    picture: NDArray[np.uint8], left: str, right: str, y: int, color: tuple[int, int, int]
) -> None:
    """Write a text at each margin; the right one is shortened to what the left one leaves."""
    width = picture.shape[1]
    left = _shortened(left, width - 2 * _MARGIN_PX)
    right = _shortened(right, width - 4 * _MARGIN_PX - _length(left))
    _write(picture, left, _MARGIN_PX, y, color)
    _write(picture, right, width - _MARGIN_PX - _length(right), y, _DIM)


def _label(picture: NDArray[np.uint8], name: str, bottom: int, left: int) -> None:
    """Name a view in its lower left corner, on a background that keeps it readable."""
    (length, height), _ = cv2.getTextSize(name, _FONT, _SCALE, 1)
    top = bottom - height - 16
    picture[top:bottom, left : left + length + 2 * _MARGIN_PX] = _BACKGROUND
    _write(picture, name, left + _MARGIN_PX, bottom - 8, _DIM)


def _write(
    picture: NDArray[np.uint8], text: str, x: int, y: int, color: tuple[int, int, int]
) -> None:
    cv2.putText(picture, text, (x, y), _FONT, _SCALE, color, 1, cv2.LINE_AA)

# SPDX-License-Identifier: Apache-2.0
"""The recorder of the film: combines the views' pictures, and keeps the film's time."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from vera_ros.demo.film.captions import Caption
from vera_ros.demo.film.video import FilmWriter

_GAP_S = 0.05
_VERDICT_S = 1.5


class Recorder:
    """Films episodes, one after the other, in simulated time.

    Args:
        film: where the pictures go.
        views: names of the views, in the order of the film's.
    """

    def __init__(self, film: FilmWriter, views: Sequence[str]) -> None:
        self._film = film
        self._views = tuple(views)
        self._pictures: dict[str, NDArray[np.uint8]] = {}
        self._fresh: set[str] = set()
        self._caption: Callable[[], Caption] | None = None
        self._began_ns: int | None = None
        self._offset_s = 0.0
        self._time_s = 0.0

    @property
    def rolling(self) -> bool:
        """Whether an episode is being filmed."""
        return self._caption is not None

    def begin(self, caption: Callable[[], Caption]) -> None:
        """Begin to film an episode; `caption` returns the texts of each picture."""
        self._caption = caption
        self._began_ns = None
        self._pictures.clear()
        self._fresh.clear()

    def see(self, view: str, stamp_ns: int, rgb: NDArray[np.uint8]) -> None:
        """Take a view's picture; when every view has a new one, they go into the film."""
        if self._caption is None:
            return
        self._pictures[view] = rgb
        self._fresh.add(view)
        if len(self._fresh) < len(self._views):
            return
        self._fresh.clear()
        if self._began_ns is None:
            self._began_ns = stamp_ns
        self._time_s = self._offset_s + (stamp_ns - self._began_ns) * 1e-9
        self._add(self._time_s, self._caption())

    def end(self, caption: Caption) -> None:
        """End the episode; its last picture stays for a moment, under this caption."""
        self._caption = None
        if len(self._pictures) < len(self._views) or self._began_ns is None:
            return
        for time_s in (self._time_s + _GAP_S, self._time_s + _GAP_S + _VERDICT_S):
            self._add(time_s, caption, droppable=False)
        self._offset_s = self._time_s + 2 * _GAP_S + _VERDICT_S

    def _add(self, time_s: float, caption: Caption, *, droppable: bool = True) -> None:
        views = [self._pictures[view] for view in self._views]
        self._film.add(views, caption, time_s, droppable=droppable)

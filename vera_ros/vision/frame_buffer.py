# SPDX-License-Identifier: Apache-2.0
"""Buffer of each camera view's newest pictures, which are combined to multi-view frames."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vera_ros.errors import ConfigurationError, ImageError
from vera_ros.vision.frame import MultiViewFrame, NoFrame, Reason
from vera_ros.vision.images import RgbImage

# Stamps that are this much too old are not only out of order; so many in a row are believable.
_BACK_NS = 100_000_000
_AGREEING = 3


@dataclass
class ViewCounts:
    """Number of pictures received of a view, and how many of these were not kept."""

    received: int = 0
    dropped: int = 0


class FrameBuffer:
    """The last `capacity` pictures of each view, ordered by their stamps. Not thread-safe.

    A picture that is older than its view's newest one is out of order. A few in a row that are much
    older, in order among themselves, show that the newest stamps were wrong or that the camera's
    clock was set back: then those replace what is newer.
    """

    def __init__(self, view_keys: Sequence[str], capacity: int = 30) -> None:
        self.counts = {view: ViewCounts() for view in view_keys}
        self.start_anew(view_keys, capacity)

    def start_anew(self, view_keys: Sequence[str], capacity: int) -> None:
        """Forget all pictures, and keep those of these views, in this order; the counts stay.

        Raises:
            ConfigurationError: there are no views, or one twice, or the capacity is below 1.
        """
        if not view_keys or len(set(view_keys)) != len(view_keys):
            raise ConfigurationError(
                f"view keys are {list(view_keys)}; give at least one, and none twice"
            )
        if capacity < 1:
            raise ConfigurationError(f"frame buffer capacity is {capacity}; it must be 1 or more")
        self.view_keys = tuple(view_keys)
        self.counts = {view: self.counts.get(view, ViewCounts()) for view in view_keys}
        self._pictures: dict[str, deque[tuple[int, RgbImage]]] = {
            view: deque(maxlen=capacity) for view in view_keys
        }
        self._refused: dict[str, tuple[int, ...]] = {}  # size of the last picture, if refused
        self._strays: dict[str, list[tuple[int, RgbImage]]] = {view: [] for view in view_keys}

    def add(self, view: str, stamp_ns: int, rgb: RgbImage) -> bool:
        """Keep a picture if its stamp is the newest of its view; return whether it was kept.

        The picture is kept by reference: it must not be changed afterwards.

        Raises:
            ConfigurationError: the view is unknown.
            ImageError: `rgb` is not uint8 of shape (H, W, 3), or its size differs from that of
                the view's pictures; only where there is a single one, a second picture of the new
                size replaces it (`clear` allows another size).
        """
        pictures = self._of(view)
        self.counts[view].received += 1
        kept = False
        try:
            _check_picture(view, rgb)
            if pictures and pictures[-1][1].shape != rgb.shape:
                # Of a first picture and two in a row that differ from it, the first is the odd one.
                before, self._refused[view] = self._refused.get(view), rgb.shape
                if len(pictures) > 1 or before != rgb.shape:
                    raise _size_error(view, pictures[-1][1], rgb)
                self.counts[view].dropped += 1
                pictures.clear()
            self._refused.pop(view, None)
            kept = self._take(view, stamp_ns, rgb)
        finally:
            self.counts[view].dropped += not kept
        return kept

    def _take(self, view: str, stamp_ns: int, rgb: RgbImage) -> bool:
        pictures, strays = self._pictures[view], self._strays[view]
        if not pictures or stamp_ns > pictures[-1][0]:
            strays.clear()
            pictures.append((stamp_ns, rgb))
            return True
        if stamp_ns < pictures[-1][0] - _BACK_NS:
            if strays and stamp_ns <= strays[-1][0]:
                strays.clear()  # out of order among themselves: the row begins anew
            strays.append((stamp_ns, rgb))
        if len(strays) < _AGREEING:
            return False
        while pictures and pictures[-1][0] >= strays[0][0]:
            pictures.pop()
        pictures.extend(strays)
        strays.clear()
        return True

    def clear(self) -> None:
        """Forget all pictures, their sizes and stamps; the counts stay."""
        self._refused.clear()
        for pictures in (*self._pictures.values(), *self._strays.values()):
            pictures.clear()

    def newest_stamp_ns(self, view: str) -> int | None:
        """Return the stamp of the view's newest picture; None: there is none."""
        pictures = self._of(view)
        return pictures[-1][0] if pictures else None

    def stamps_ns(self, view: str) -> list[int]:
        """Return the stamps of the view's pictures, oldest first."""
        return [ns for ns, _ in self._of(view)]

    def seen_up_to_ns(self) -> int | None:
        """Return the time up to which every view is complete; None: a view has no picture.

        No picture stamped at this time or earlier can still be added, unless a view's stamps are
        found to have been wrong; the frames that were taken from it stay taken.
        """
        stamps = [pictures[-1][0] for pictures in self._pictures.values() if pictures]
        return min(stamps) if len(stamps) == len(self._pictures) else None

    def stamps_between(self, after_ns: int, until_ns: int) -> list[int]:
        """Return the stamps in any view after `after_ns` and up to `until_ns`, ascending."""
        stamps = {ns for pictures in self._pictures.values() for ns, _ in pictures}
        return sorted(ns for ns in stamps if after_ns < ns <= until_ns)

    def ages_ns(self, now_ns: int) -> dict[str, int | None]:
        """Return the age of each view's newest picture; None: there is none."""
        stamps = {view: self.newest_stamp_ns(view) for view in self.view_keys}
        return {view: None if ns is None else now_ns - ns for view, ns in stamps.items()}

    def assemble(self, tick_ns: int, max_age_ns: int, max_skew_ns: int) -> MultiViewFrame | NoFrame:
        """Return the newest frame that was complete at the tick.

        Each view gives its newest picture not newer than the tick and at most `max_age_ns` older.
        Where those are further apart than `max_skew_ns` (a slow camera beside a fast one, or
        cameras out of phase), the fast views go back to pictures next to the slow view's.
        """
        if missing := tuple(view for view in self.view_keys if not self._pictures[view]):
            return NoFrame(Reason.MISSING, missing)
        leads = {view: self._pictures[view][0][0] - tick_ns for view in self.view_keys}
        if ahead := tuple(view for view, lead_ns in leads.items() if lead_ns > 0):
            return NoFrame(Reason.AHEAD, ahead, max(leads.values()))
        newest = [self._index_at(view, tick_ns) for view in self.view_keys]
        stamps = self._stamps(newest)
        ages = {view: tick_ns - ns for view, ns in zip(self.view_keys, stamps, strict=True)}
        if old := tuple(view for view, age_ns in ages.items() if age_ns > max_age_ns):
            return NoFrame(Reason.TOO_OLD, old, max(ages.values()), max_age_ns)
        aligned = self._align(newest, tick_ns - max_age_ns, max_skew_ns)
        if aligned is None:
            pair = (stamps.index(min(stamps)), stamps.index(max(stamps)))
            views = tuple(self.view_keys[i] for i in pair)
            return NoFrame(Reason.SKEWED, views, max(stamps) - min(stamps), max_skew_ns)
        chosen = zip(self.view_keys, aligned, strict=True)
        images = tuple(self._pictures[view][i][1] for view, i in chosen)
        return MultiViewFrame(tuple(self._stamps(aligned)), images)

    def _align(
        self, indices: list[int], oldest_allowed_ns: int, max_skew_ns: int
    ) -> list[int] | None:
        """Return the newest pictures within the skew, searching back from `indices`; None: too old.

        No choice within the skew has a picture newer than its oldest one plus the skew, and that
        oldest one is never newer than the present oldest, so no newer choice is skipped.
        """
        while True:
            stamps = self._stamps(indices)
            if min(stamps) < oldest_allowed_ns:
                return None
            if max(stamps) - min(stamps) <= max_skew_ns:
                return indices
            latest_ns = min(stamps) + max_skew_ns
            indices = [self._index_at(view, latest_ns) for view in self.view_keys]
            if min(indices) < 0:
                return None

    def _index_at(self, view: str, time_ns: int) -> int:
        """Return the index of the view's newest picture not newer than the time; -1: none."""
        pictures = self._pictures[view]
        return next((i for i in reversed(range(len(pictures))) if pictures[i][0] <= time_ns), -1)

    def _stamps(self, indices: list[int]) -> list[int]:
        return [self._pictures[v][i][0] for v, i in zip(self.view_keys, indices, strict=True)]

    def _of(self, view: str) -> deque[tuple[int, RgbImage]]:
        if view not in self._pictures:
            raise ConfigurationError(
                f"unknown view '{view}'; the views are {', '.join(self.view_keys)}"
            )
        return self._pictures[view]


def _check_picture(view: str, rgb: RgbImage) -> None:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise ImageError(
            f"picture of view '{view}' is {rgb.dtype} of shape {rgb.shape}; it must be uint8 of "
            "shape (height, width, 3)"
        )


def _size_error(view: str, before: RgbImage, now: RgbImage) -> ImageError:
    sizes = [f"{image.shape[0]} x {image.shape[1]}" for image in (before, now)]
    return ImageError(
        f"view '{view}' changed its size from {sizes[0]} to {sizes[1]} px (height x width); "
        "keep the camera's resolution during an episode, or start a new one"
    )

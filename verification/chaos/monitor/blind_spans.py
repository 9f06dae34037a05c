# SPDX-License-Identifier: Apache-2.0
"""Spans of time in which the arm's motion cannot be judged."""

from collections import deque
from collections.abc import Iterable

# A process that was started again may be heard by the arm before it is heard here.
_UNHEARD_S, _FOUND_S = 2.5, 0.1

Spans = deque[tuple[float, float]]


class BlindSpans:
    """Spans around a scene that was set and around a publisher that was found. ROS time [s].

    A scene that is set moves the arm by no trajectory, and a publisher that was just found may
    have sent the arm something before.
    """

    def __init__(self) -> None:
        self._scene_set: Spans = deque()
        self._publisher_found: Spans = deque()
        self._truth: tuple[float, int] | None = None

    def see_truth(self, stamp_s: float, resets: int) -> None:
        """Take in the truth about the scene, with how often one was set."""
        before = self._truth
        if before is not None and before[1] != resets:
            self._scene_set.append((before[0], stamp_s))
        self._truth = stamp_s, resets

    def see_publisher(self, found_s: float) -> None:
        """Take in that a publisher was found: what it published before is not known here."""
        self._publisher_found.append((found_s - _UNHEARD_S, found_s + _FOUND_S))

    def scene_was_set(self, stamp_s: float) -> bool:
        """Whether a scene was set around this time."""
        return _within(self._scene_set, stamp_s)

    def cover(self, stamp_s: float) -> bool:
        """Whether motion at this time cannot be judged; drop spans that ended before it."""
        if self.scene_was_set(stamp_s) or _within(self._publisher_found, stamp_s):
            return True
        for spans in (self._scene_set, self._publisher_found):
            while spans and spans[0][1] < stamp_s:
                spans.popleft()
        return False


def _within(spans: Iterable[tuple[float, float]], stamp_s: float) -> bool:
    return any(from_s <= stamp_s <= until_s for from_s, until_s in spans)

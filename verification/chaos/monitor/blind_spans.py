# SPDX-License-Identifier: Apache-2.0
"""Time spans in which the arm's motion cannot be judged."""

from collections import deque
from collections.abc import Iterable

# The controllers may discover a restarted publisher before the monitor does.
_BEFORE_DISCOVERY_S, _AFTER_DISCOVERY_S = 2.5, 0.1

Spans = deque[tuple[float, float]]


class BlindSpans:
    """Time spans around scene resets and discoveries of publishers. ROS time [s].

    A scene reset moves the arm without a trajectory. A publisher may have sent trajectories before
    the monitor discovered it.
    """

    def __init__(self) -> None:
        self._scene_set: Spans = deque()
        self._publisher_found: Spans = deque()
        self._truth: tuple[float, int] | None = None

    def update_truth(self, stamp_s: float, resets: int) -> None:
        """Add a message about the scene's true state. `resets`: number of resets so far."""
        before = self._truth
        if before is not None and before[1] != resets:
            self._scene_set.append((before[0], stamp_s))
        self._truth = stamp_s, resets

    def add_publisher(self, found_s: float) -> None:
        """Add the discovery of a publisher, whose earlier trajectories are not known."""
        self._publisher_found.append((found_s - _BEFORE_DISCOVERY_S, found_s + _AFTER_DISCOVERY_S))

    def scene_was_set(self, stamp_s: float) -> bool:
        """Whether a scene reset may have happened at this time."""
        return _within(self._scene_set, stamp_s)

    def cover(self, stamp_s: float) -> bool:
        """Whether motion at this time cannot be judged; forget the spans that ended before it."""
        if self.scene_was_set(stamp_s) or _within(self._publisher_found, stamp_s):
            return True
        for spans in (self._scene_set, self._publisher_found):
            while spans and spans[0][1] < stamp_s:
                spans.popleft()
        return False


def _within(spans: Iterable[tuple[float, float]], stamp_s: float) -> bool:
    return any(from_s <= stamp_s <= until_s for from_s, until_s in spans)

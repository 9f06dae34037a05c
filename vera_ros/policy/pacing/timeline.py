# SPDX-License-Identifier: Apache-2.0
"""Timeline of actions across chunks: what a new chunk replaces, and where it takes over.

Actions are counted in steps: step 0 is the first action of the episode. A chunk that was planned
from a frame taken when `n` steps were complete has step `n` as its first row. By the time it
arrives, more steps have been played: its first rows are dropped, never replayed. Where it and the
playing chunk have rows for the same step, these are blended.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Actions = npt.NDArray[np.float32]

_KEPT = 100  # steps before the newest chunk; no frame is older than these


def _no_actions() -> Actions:
    return np.empty((0, 0), np.float32)


@dataclass(frozen=True)
class Timeline:
    """The actions of the playing chunk and of those before it, with their times.

    Attributes:
        first: the step of the first row.
        actions: rows, as the server writes them. Shape (n, D).
        times_ns: when each step is complete, increasing, ROS time; fewer than rows where a chunk
            was cut short.
    """

    first: int = 0
    actions: Actions = field(default_factory=_no_actions, repr=False)
    times_ns: tuple[int, ...] = field(default=(), repr=False)

    @property
    def end(self) -> int:
        """The step after the last one that plays."""
        return self.first + min(len(self.times_ns), len(self.actions))

    def steps_at(self, time_ns: int) -> int:
        """Return how many steps of the episode are complete at a ROS time."""
        return min(self.first + bisect_right(self.times_ns, time_ns), self.end)

    def until(self, time_ns: int) -> "Timeline":
        """Return the timeline without steps that are incomplete when the arm is stopped."""
        count = self.steps_at(time_ns) - self.first
        return Timeline(self.first, self.actions[:count], self.times_ns[:count])

    def followed_by(self, first: int, actions: Actions, times_ns: tuple[int, ...]) -> "Timeline":
        """Return the timeline with its steps from `first` on replaced by another chunk."""
        begin = max(self.first, min(first, self.end) - _KEPT)
        kept = slice(begin - self.first, max(begin, min(first, self.end)) - self.first)
        if kept.start == kept.stop:
            return Timeline(first, actions, times_ns)
        rows = np.concatenate((self.actions[kept], actions))
        return Timeline(begin, rows, (*self.times_ns[kept], *times_ns))

    def pending(self, step: int) -> Actions:
        """Return the rows from a step on that will still be played. Shape (m, D)."""
        return self.actions[step - self.first : self.end - self.first]


@dataclass(frozen=True)
class TakeOver:
    """The rows of a new chunk that are to be played.

    Attributes:
        first: the step of its first row.
        actions: its rows. Shape (m, D), m above 0.
        start_ns: when its first step begins, ROS time; 0: now, the arm rests.
        dropped: leading rows that are not played because their steps are past.
        blended: leading rows that are blended with the chunk before.
    """

    first: int
    actions: Actions = field(repr=False)
    start_ns: int
    dropped: int
    blended: int


def take_over(
    played: Timeline,
    actions: Actions,
    origin: int,
    earliest_ns: int | None,
    *,
    old_share: float,
    gripper_column: int | None,
) -> TakeOver | None:
    """Align a new chunk with the one that plays or was played last; None: all of it is past.

    Args:
        played: the timeline so far.
        actions: the rows of the new chunk. Shape (H, D).
        origin: the step of its first row.
        earliest_ns: the earliest time at which it can take over, ROS time; None: the arm rests.
        old_share: weight of the earlier chunk in a blend, 0 to 1.
        gripper_column: the column that is never blended; None: there is no gripper.
    """
    first = played.end
    if earliest_ns is not None:
        count = played.end - played.first
        first = played.first + min(bisect_left(played.times_ns, earliest_ns, 0, count) + 1, count)
    first = max(origin, first)
    dropped = first - origin
    if dropped >= len(actions):
        return None
    start_ns = 0
    if earliest_ns is not None:
        begins_ns = played.times_ns[first - played.first - 1] if first > played.first else 0
        start_ns = max(begins_ns, earliest_ns)
    rows = actions[dropped:].copy()
    old = played.pending(first)[: len(rows)]
    if len(old):
        new = rows[: len(old)]
        blend = old_share * old + (1.0 - old_share) * new
        if gripper_column is not None:
            blend[:, gripper_column] = new[:, gripper_column]
        rows[: len(old)] = blend
    return TakeOver(first, rows, start_ns, dropped, len(old))

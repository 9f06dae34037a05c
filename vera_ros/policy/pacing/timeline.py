# SPDX-License-Identifier: Apache-2.0
"""Which action happens when, across chunks: what a new chunk replaces, and where it takes over.

Actions are counted in steps: step 0 is the first action of the episode. A chunk that was planned
from what was seen when `n` steps were complete has step `n` as its first row. By the time that it
is there, others have been played: its first rows are dropped, never replayed. Rows of the chunk
that plays and of the new one that are meant for the same step are blended.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Actions = npt.NDArray[np.float32]

_KEPT = 100  # steps from before the newest chunk: more than the age of any picture


def _no_actions() -> Actions:
    return np.empty((0, 0), np.float32)


@dataclass(frozen=True)
class Timeline:
    """What is being played, and what was before it.

    Attributes:
        first: the step of the first row.
        actions: rows, as the server writes them. Shape (n, D).
        times_ns: when each step is complete, increasing, ROS time; where a chunk was cut short,
            fewer than rows.
    """

    first: int = 0
    actions: Actions = field(default_factory=_no_actions, repr=False)
    times_ns: tuple[int, ...] = field(default=(), repr=False)

    @property
    def end(self) -> int:
        """The step after its last one."""
        return self.first + min(len(self.times_ns), len(self.actions))

    def steps_at(self, time_ns: int) -> int:
        """How many steps of the episode are complete at a time."""
        return min(self.first + bisect_right(self.times_ns, time_ns), self.end)

    def until(self, time_ns: int) -> "Timeline":
        """The same without what is not complete at a time: the arm was stopped."""
        count = self.steps_at(time_ns) - self.first
        return Timeline(self.first, self.actions[:count], self.times_ns[:count])

    def followed_by(self, first: int, actions: Actions, times_ns: tuple[int, ...]) -> "Timeline":
        """The same with another chunk from step `first` on, in place of what it had there."""
        begin = max(self.first, min(first, self.end) - _KEPT)
        kept = slice(begin - self.first, max(begin, min(first, self.end)) - self.first)
        if kept.start == kept.stop:
            return Timeline(first, actions, times_ns)
        rows = np.concatenate((self.actions[kept], actions))
        return Timeline(begin, rows, (*self.times_ns[kept], *times_ns))

    def pending(self, step: int) -> Actions:
        """The rows from a step on that will still be played. Shape (m, D)."""
        return self.actions[step - self.first : self.end - self.first]


@dataclass(frozen=True)
class TakeOver:
    """What of a new chunk is to be played.

    Attributes:
        first: the step of its first row.
        actions: its rows. Shape (m, D), m above 0.
        start_ns: when its first step begins, ROS time; 0: now, the arm rests.
        dropped: rows that are not played because others were.
        blended: rows that are a blend with the chunk before.
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
    """Align a new chunk with the one that plays, or that has been played; None: all of it is past.

    Args:
        played: the chunk before.
        actions: the new rows. Shape (H, D).
        origin: the step of its first row.
        earliest_ns: before this time, nothing can take over any more, ROS time; None: the arm
            rests.
        old_share: of the earlier chunk in a blend, 0 to 1.
        gripper_column: is never blended; None: there is none.
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

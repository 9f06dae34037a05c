# SPDX-License-Identifier: Apache-2.0
"""Rolling window of the planner's frames, and the rules by which frames enter it."""

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vera_ros.errors import ConfigurationError
from vera_ros.vision.frame import MultiViewFrame, NoFrame, Reason
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.images import RgbImage
from vera_ros.vision.layout import compose, view_widths


@dataclass(frozen=True)
class SamplingRules:
    """Limits on the times of a frame's pictures, all in ns.

    Attributes:
        period_ns: duration of one control tick; a picture may be half of it late.
        max_age_ns: oldest picture allowed, before the tick or before now.
        max_skew_ns: largest time difference between the views of one frame.
        max_delay_ns: how long after its stamp a picture may still arrive.
    """

    period_ns: int
    max_age_ns: int
    max_skew_ns: int
    max_delay_ns: int = 100_000_000

    def __post_init__(self) -> None:
        if self.period_ns <= 0 or min(self.max_age_ns, self.max_skew_ns, self.max_delay_ns) < 0:
            raise ConfigurationError(f"{self}: the period must be positive, no limit negative")


@dataclass
class _Episode:
    """Frames, ticks and counts of the running episode."""

    last: MultiViewFrame | None = None
    last_tick_ns: int | None = None
    newest_tick_ns: int | None = None
    skipped: int = 0
    last_skip: NoFrame | None = None
    ticks: deque[int] = field(default_factory=deque)
    playing: list[RgbImage] = field(default_factory=list)
    played: list[RgbImage] = field(default_factory=list)


class RollingWindow:
    """The last `context_frames` frames of an episode, oldest first.

    `sample` takes one fresh frame of the resting arm: once per inference, and for each warm-up
    frame, a control period apart. `poll` takes one frame per armed control tick while actions play.
    In every view each frame is newer than the one before it. The window is never padded.

    `resolution`: height and width of a view, [px]; `widths`: of each view, [px], where they differ.
    """

    def __init__(
        self,
        buffer: FrameBuffer,
        context_frames: int,
        resolution: tuple[int, int],
        rules: SamplingRules,
        *,
        widths: Sequence[int] = (),
        crop: bool = False,
    ) -> None:
        if context_frames < 1:
            raise ConfigurationError(f"context_frames is {context_frames}; it must be 1 or more")
        self.view_widths = view_widths(len(buffer.view_keys), resolution, widths)
        self._buffer = buffer
        self._resolution = resolution
        self._rules = rules
        self._crop = crop
        self._window: deque[RgbImage] = deque(maxlen=context_frames)
        self._episode = _Episode()

    def reset(self) -> None:
        """Begin an episode: no frames, no ticks, counts at zero."""
        self._window.clear()
        self._episode = _Episode()

    def sample(self, not_before_ns: int, now_ns: int) -> MultiViewFrame | NoFrame:
        """Take one frame of the present scene, or return why there is none yet.

        Every view's picture is stamped `not_before_ns` or later and was never taken before.
        Ticks that are due are settled first.
        """
        self.poll(now_ns)
        frame = self._newer_frame(now_ns)
        if isinstance(frame, NoFrame):
            return frame
        if frame.oldest_ns < not_before_ns:
            return _not_fresh(self._buffer, frame, [not_before_ns] * len(frame.stamps_ns))
        self._append(frame)
        self._episode.newest_tick_ns = None
        self.take_stock()
        return frame

    def take_stock(self) -> None:
        """Make `played` the frames of the ticks since the last call, and collect anew."""
        self._episode.played, self._episode.playing = self._episode.playing, []

    def play(self, step_times_ns: Sequence[int]) -> None:
        """Arm one tick per step that plays, in place of armed ticks from the first step on.

        Settled ticks stay settled: a plan, or a later version of it, may be passed again.

        Raises:
            ConfigurationError: the times do not increase.
        """
        times = list(step_times_ns)
        if any(b <= a for a, b in itertools.pairwise(times)):
            raise ConfigurationError(f"step times {times} ns must increase from step to step")
        if not times:
            return
        episode = self._episode
        settled_ns = episode.last_tick_ns
        earlier = [tick_ns for tick_ns in episode.ticks if tick_ns < times[0]]
        new = [tick_ns for tick_ns in times if settled_ns is None or tick_ns > settled_ns]
        episode.ticks = deque(earlier + new)

    def stop(self, now_ns: int) -> None:
        """Disarm the ticks after `now_ns`, whose actions will not be played."""
        self._episode.ticks = deque(tick_ns for tick_ns in self._episode.ticks if tick_ns <= now_ns)

    def poll(self, now_ns: int) -> int:
        """Settle the ticks that are due; return how many frames were taken.

        A tick takes the newest frame not newer than itself or, if a view has nothing newer than
        the last frame taken, the first new one within half a period; else it is skipped and
        counted. It is settled once no picture that matters can still arrive: what enters depends
        on the stamps alone, not on when pictures arrive (within `max_delay_ns`) or on the polls.
        """
        episode, taken = self._episode, 0
        while episode.ticks and episode.ticks[0] <= now_ns:
            frame = self._frame_for(episode.ticks[0], now_ns)
            if frame is None:
                break
            episode.last_tick_ns = episode.ticks.popleft()
            if isinstance(frame, NoFrame):
                episode.skipped += 1
                episode.last_skip = frame
            else:
                episode.playing.append(self._append(frame))
                episode.newest_tick_ns = episode.last_tick_ns
                taken += 1
        return taken

    @property
    def frames(self) -> npt.NDArray[np.uint8]:
        """The window, oldest first. Shape (T, H, sum of view widths, 3)."""
        return self._stack(self._window)

    @property
    def played(self) -> npt.NDArray[np.uint8]:
        """The frames of the ticks between the last two calls of `sample` or `take_stock`.

        Shape (n, H, sum of widths, 3).
        """
        return self._stack(self._episode.played)

    @property
    def size(self) -> int:
        """Capacity of the window: frames in the planner's context."""
        return self._window.maxlen or 0

    @property
    def fill(self) -> int:
        """How many frames the window holds."""
        return len(self._window)

    @property
    def skipped(self) -> int:
        """How many ticks of this episode found no frame."""
        return self._episode.skipped

    @property
    def last_skip(self) -> NoFrame | None:
        """Why the last skipped tick found no frame."""
        return self._episode.last_skip

    def view_ages_ns(self, now_ns: int) -> dict[str, int | None]:
        """Return the age of each view's newest picture; None: there is none."""
        return self._buffer.ages_ns(now_ns)

    @property
    def newest_tick_ns(self) -> int | None:
        """The tick that the last frame was taken for; None: it was not taken for a tick."""
        return self._episode.newest_tick_ns

    @property
    def newest_stamp_ns(self) -> int | None:
        """The newest stamp in the last frame taken; None: the window is empty."""
        return self._episode.last.newest_ns if self._episode.last else None

    def _frame_for(self, tick_ns: int, now_ns: int) -> MultiViewFrame | NoFrame | None:
        """Return the tick's frame, or why it is skipped; None: better pictures may still come."""
        late_ns = tick_ns + self._rules.period_ns // 2
        seen_ns = self._buffer.seen_up_to_ns()
        if now_ns >= late_ns + self._rules.max_delay_ns:
            seen_ns = late_ns
        if seen_ns is None or seen_ns < tick_ns:
            return None
        later = self._buffer.stamps_between(tick_ns, min(seen_ns, late_ns))
        for time_ns in (tick_ns, *later):
            frame = self._newer_frame(time_ns)
            if isinstance(frame, MultiViewFrame):
                return frame
        return frame if seen_ns >= late_ns else None

    def _newer_frame(self, time_ns: int) -> MultiViewFrame | NoFrame:
        """Return the newest frame at that time, if in every view it is newer than the last."""
        rules = self._rules
        frame = self._buffer.assemble(time_ns, rules.max_age_ns, rules.max_skew_ns)
        last = self._episode.last
        if isinstance(frame, NoFrame) or last is None:
            return frame
        if all(new > old for new, old in zip(frame.stamps_ns, last.stamps_ns, strict=True)):
            return frame
        return _not_fresh(self._buffer, frame, [ns + 1 for ns in last.stamps_ns])

    def _append(self, frame: MultiViewFrame) -> RgbImage:
        picture = compose(frame.images, self._resolution, self.view_widths, crop=self._crop)
        self._window.append(picture)
        self._episode.last = frame
        return picture

    def _stack(self, pictures: Sequence[RgbImage]) -> npt.NDArray[np.uint8]:
        shape = (len(pictures), self._resolution[0], sum(self.view_widths), 3)
        return np.stack(list(pictures)) if pictures else np.empty(shape, np.uint8)


def _not_fresh(buffer: FrameBuffer, frame: MultiViewFrame, needed_ns: list[int]) -> NoFrame:
    gaps = [need - have for need, have in zip(needed_ns, frame.stamps_ns, strict=True)]
    views = tuple(view for view, gap in zip(buffer.view_keys, gaps, strict=True) if gap > 0)
    return NoFrame(Reason.NOT_FRESH, views, max(gaps))

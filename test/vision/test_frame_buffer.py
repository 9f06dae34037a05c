# SPDX-License-Identifier: Apache-2.0
"""The buffer's rules as properties: what is kept, and which pictures make a frame."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError, ImageError
from vera_ros.vision.frame import MultiViewFrame, NoFrame, Reason
from vera_ros.vision.frame_buffer import FrameBuffer, ViewCounts

VIEWS = ("front", "hand")
FAR = 10**9

stamps = st.integers(0, 60)
streams = st.lists(st.lists(stamps, max_size=8), min_size=1, max_size=3)


def picture(value: int = 0, size: tuple[int, int] = (1, 2)) -> npt.NDArray[np.uint8]:
    return np.full((*size, 3), value, np.uint8)


def filled(streams: list[list[int]], capacity: int = 30) -> FrameBuffer:
    """Fill a buffer with pictures that show their own stamp."""
    buffer = FrameBuffer([f"view_{i}" for i in range(len(streams))], capacity)
    for view, stream in zip(buffer.view_keys, streams, strict=True):
        for stamp_ns in stream:
            buffer.add(view, stamp_ns, picture(stamp_ns % 256))
    return buffer


def ascending(stream: list[int]) -> list[int]:
    """Return what a view keeps of a stream: every stamp that exceeds all before it."""
    return [ns for i, ns in enumerate(stream) if all(ns > before for before in stream[:i])]


def frame_at(
    buffer: FrameBuffer, tick_ns: int, max_age_ns: int = FAR, max_skew_ns: int = FAR
) -> MultiViewFrame:
    frame = buffer.assemble(tick_ns, max_age_ns, max_skew_ns)
    assert isinstance(frame, MultiViewFrame), str(frame)
    return frame


def refusal_at(
    buffer: FrameBuffer, tick_ns: int, max_age_ns: int = FAR, max_skew_ns: int = FAR
) -> NoFrame:
    refusal = buffer.assemble(tick_ns, max_age_ns, max_skew_ns)
    assert isinstance(refusal, NoFrame)
    return refusal


@given(st.lists(stamps))
def test_late_and_repeated_pictures_change_nothing_but_a_count(stream: list[int]) -> None:
    buffer = FrameBuffer(["front"])
    kept = [ns for ns in stream if buffer.add("front", ns, picture(ns))]
    assert kept == ascending(stream)
    assert buffer.newest_stamp_ns("front") == max(stream, default=None)
    assert buffer.counts["front"] == ViewCounts(len(stream), len(stream) - len(kept))


@given(streams, stamps)
def test_without_limits_each_view_gives_its_newest_up_to_the_tick(
    streams: list[list[int]], tick_ns: int
) -> None:
    shown = [[ns for ns in ascending(stream) if ns <= tick_ns] for stream in streams]
    assume(all(shown))
    frame = frame_at(filled(streams), tick_ns)
    assert frame.stamps_ns == tuple(max(view) for view in shown)
    assert [image[0, 0, 0] for image in frame.images] == list(frame.stamps_ns)
    assert frame.newest_ns == max(frame.stamps_ns)
    assert frame.oldest_ns == min(frame.stamps_ns)


@given(streams, stamps, stamps, stamps)
def test_the_frame_is_the_newest_of_all_within_the_limits(
    streams: list[list[int]], tick_ns: int, max_age_ns: int, max_skew_ns: int
) -> None:
    allowed = [
        [ns for ns in ascending(stream) if tick_ns - max_age_ns <= ns <= tick_ns]
        for stream in streams
    ]
    choices = [c for c in itertools.product(*allowed) if max(c) - min(c) <= max_skew_ns]
    outcome = filled(streams).assemble(tick_ns, max_age_ns, max_skew_ns)
    if not choices:
        assert isinstance(outcome, NoFrame)
        return
    assert isinstance(outcome, MultiViewFrame)
    assert outcome.stamps_ns in choices
    assert outcome.stamps_ns == tuple(max(view) for view in zip(*choices, strict=True))


def test_a_fast_camera_goes_back_to_meet_a_slow_one() -> None:
    fast, slow = list(range(0, 300, 33)), [0, 100, 200]
    assert frame_at(filled([fast, slow]), 290, max_skew_ns=50).stamps_ns == (231, 200)


def test_cameras_out_of_phase_give_their_newest_pictures() -> None:
    assert frame_at(filled([[0, 50], [25, 75]]), 75, max_skew_ns=25).stamps_ns == (50, 75)


def test_missing_views_are_named() -> None:
    refusal = refusal_at(filled([[1], [], []]), 10)
    assert refusal == NoFrame(Reason.MISSING, ("view_1", "view_2"))
    assert str(refusal) == "no picture yet: view_1, view_2"


def test_a_camera_whose_clock_is_ahead_is_named() -> None:
    refusal = refusal_at(filled([[1], [5_000_010, 5_000_020]]), 10)
    assert refusal == NoFrame(Reason.AHEAD, ("view_1",), 5_000_000)
    assert "(5.0 ms)" in str(refusal)


def test_an_old_view_is_named_with_its_age() -> None:
    refusal = refusal_at(filled([[95], [70]]), 100, max_age_ns=20)
    assert refusal == NoFrame(Reason.TOO_OLD, ("view_1",), 30, 20)


def test_the_farthest_views_are_named_with_their_distance() -> None:
    refusal = refusal_at(filled([[90], [70], [80]]), 100, max_skew_ns=15)
    assert refusal == NoFrame(Reason.SKEWED, ("view_1", "view_0"), 20, 15)


@given(streams, st.integers(1, 3), stamps)
def test_no_more_than_the_capacity_is_kept(
    streams: list[list[int]], capacity: int, tick_ns: int
) -> None:
    kept = [ascending(stream)[-capacity:] for stream in streams]
    outcome = filled(streams, capacity).assemble(tick_ns, FAR, FAR)
    possible = all(view and view[0] <= tick_ns for view in kept)
    assert isinstance(outcome, MultiViewFrame) == possible


def test_a_change_of_size_is_refused_until_cleared() -> None:
    buffer = FrameBuffer(VIEWS)
    buffer.add("front", 0, picture(size=(480, 640)))
    buffer.add("front", 1, picture(size=(480, 640)))
    buffer.add("hand", 1, picture(size=(240, 320)))
    with pytest.raises(ImageError, match=r"'front'.*480 x 640 to 240 x 320"):
        buffer.add("front", 2, picture(size=(240, 320)))
    assert frame_at(buffer, 5).stamps_ns == (1, 1)
    assert buffer.counts["front"] == ViewCounts(3, 1)
    buffer.clear()
    assert refusal_at(buffer, 5).reason is Reason.MISSING
    assert buffer.add("front", 0, picture(size=(240, 320)))
    assert buffer.counts["front"] == ViewCounts(4, 1)


def test_a_first_picture_of_another_size_is_the_odd_one() -> None:
    buffer = FrameBuffer(["front"])
    buffer.add("front", 1, picture(size=(16, 16)))
    with pytest.raises(ImageError, match="changed its size"):
        buffer.add("front", 2, picture(size=(480, 640)))
    for stamp_ns in (3, 4):
        assert buffer.add("front", stamp_ns, picture(size=(480, 640)))
    assert buffer.stamps_ns("front") == [3, 4]
    assert buffer.counts["front"] == ViewCounts(4, 2)


def test_a_second_picture_of_another_size_is_the_odd_one() -> None:
    buffer = FrameBuffer(["front"])
    buffer.add("front", 1, picture(size=(480, 640)))
    with pytest.raises(ImageError, match="changed its size"):
        buffer.add("front", 2, picture(size=(16, 16)))
    for stamp_ns in (3, 4):
        assert buffer.add("front", stamp_ns, picture(size=(480, 640)))
    assert buffer.stamps_ns("front") == [1, 3, 4]


def test_two_cameras_on_one_topic_are_not_one() -> None:
    """Each picture would replace the one before it, and the policy would see both in turn."""
    buffer = FrameBuffer(["front"], capacity=3)
    sizes = itertools.cycle([(16, 16), (480, 640)])
    refused = 0
    for stamp_ns in range(1, 9):
        try:
            buffer.add("front", stamp_ns, picture(size=next(sizes)))
        except ImageError:
            refused += 1
    assert refused >= 3


def test_a_row_of_old_stamps_may_begin_anew() -> None:
    buffer = FrameBuffer(["front"])
    stamps_ns = [n * 1_000_000_000 for n in (100, 50, 10)]
    after_ns = [stamps_ns[-1] + n * PERIOD_NS for n in range(1, 4)]
    for stamp_ns in (*stamps_ns, *after_ns):
        buffer.add("front", stamp_ns, picture())
    assert buffer.stamps_ns("front")[-1] == after_ns[-1]


PERIOD_NS = 33_000_000
regular = st.integers(1, 12).map(lambda count: [n * PERIOD_NS for n in range(1, count + 1)])


@given(regular, st.integers(1, 10**11), regular)
def test_a_stamp_far_ahead_hides_a_view_for_three_pictures(
    before: list[int], ahead_ns: int, after: list[int]
) -> None:
    buffer = FrameBuffer(["front"])
    after = [before[-1] + stamp_ns for stamp_ns in after]
    for stamp_ns in (*before, before[-1] + ahead_ns, *after):
        buffer.add("front", stamp_ns, picture())
    if len(after) >= 3 and ahead_ns > 100_000_000 + 3 * PERIOD_NS:
        assert buffer.stamps_ns("front") == [*before, *after][-30:]
    stamps_ns = buffer.stamps_ns("front")
    assert stamps_ns == sorted(set(stamps_ns))


@given(regular, st.integers(300_000_000, 10**11))
def test_a_clock_that_is_set_back_is_followed(before: list[int], back_ns: int) -> None:
    before = [10**12 + stamp_ns for stamp_ns in before]
    after = [before[-1] - back_ns + n * PERIOD_NS for n in range(4)]
    buffer = FrameBuffer(["front"])
    for stamp_ns in (*before, *after):
        buffer.add("front", stamp_ns, picture())
    kept = [stamp_ns for stamp_ns in before if stamp_ns < after[0]]
    assert buffer.stamps_ns("front") == [*kept, *after]


@given(st.lists(st.permutations([0, 1, 2]), max_size=6))
def test_pictures_that_are_only_out_of_order_never_replace_newer_ones(
    swaps: list[list[int]],
) -> None:
    stream = [(3 * n + i) * PERIOD_NS for n, swap in enumerate(swaps) for i in swap]
    buffer = FrameBuffer(["front"])
    for stamp_ns in stream:
        buffer.add("front", stamp_ns, picture())
    assert buffer.stamps_ns("front") == ascending(stream)


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint16), np.zeros((0, 4, 3), "B")]
)
def test_what_is_no_rgb_picture_is_refused(bad: npt.NDArray[np.uint8]) -> None:
    buffer = FrameBuffer(VIEWS)
    with pytest.raises(ImageError, match="'hand'"):
        buffer.add("hand", 1, bad)
    assert buffer.newest_stamp_ns("hand") is None
    assert buffer.counts["hand"] == ViewCounts(1, 1)


def test_unknown_views_are_refused() -> None:
    buffer = FrameBuffer(VIEWS)
    with pytest.raises(ConfigurationError, match=r"'side'.*front, hand"):
        buffer.add("side", 1, picture())
    with pytest.raises(ConfigurationError, match="'side'"):
        buffer.newest_stamp_ns("side")


@pytest.mark.parametrize(("views", "capacity"), [([], 1), (["a", "a"], 1), (["a"], 0)])
def test_a_useless_buffer_is_refused(views: list[str], capacity: int) -> None:
    with pytest.raises(ConfigurationError):
        FrameBuffer(views, capacity)


@given(streams, stamps)
def test_ages_and_completeness(streams: list[list[int]], now_ns: int) -> None:
    buffer = filled(streams)
    newest = [max(stream, default=None) for stream in streams]
    ages = [None if ns is None else now_ns - ns for ns in newest]
    assert buffer.ages_ns(now_ns) == dict(zip(buffer.view_keys, ages, strict=True))
    known = [ns for ns in newest if ns is not None]
    assert buffer.seen_up_to_ns() == (min(known) if len(known) == len(newest) else None)


@given(streams, stamps, stamps)
def test_stamps_between(streams: list[list[int]], after_ns: int, until_ns: int) -> None:
    every = {ns for stream in streams for ns in ascending(stream)}
    expected = sorted(ns for ns in every if after_ns < ns <= until_ns)
    assert filled(streams).stamps_between(after_ns, until_ns) == expected


def test_starting_anew_keeps_the_counts_of_the_views_that_stay() -> None:
    buffer = FrameBuffer(["a", "b"], 3)
    buffer.add("a", 1, picture())
    buffer.start_anew(["b", "a"], 5)
    assert buffer.view_keys == ("b", "a")
    assert buffer.newest_stamp_ns("a") is None
    assert buffer.counts["a"].received == 1
    with pytest.raises(ConfigurationError, match="none twice"):
        buffer.start_anew(["a", "a"], 5)

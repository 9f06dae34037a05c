# SPDX-License-Identifier: Apache-2.0
"""Where a chunk takes over: never a step twice, never one from the past."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.policy.pacing.timeline import Timeline, take_over

MS = 1_000_000


def rows(first: int, count: int) -> "np.ndarray":
    """Rows that tell their steps; the gripper's column alternates."""
    steps = np.arange(first, first + count)
    return np.stack([steps, 100.0 + steps, steps % 2], axis=1).astype(np.float32)


@st.composite
def played(draw: st.DrawFn) -> Timeline:
    first, count = draw(st.integers(0, 50)), draw(st.integers(1, 20))
    gaps = draw(st.lists(st.integers(20, 200), min_size=count, max_size=count))
    times = tuple(int(time) * MS for time in np.cumsum(gaps))
    cut = draw(st.integers(1, count))  # limits may cut a chunk short
    return Timeline(first, rows(first, count), times[:cut])


@given(before=played(), now_ms=st.integers(0, 3000), count=st.integers(1, 20), data=st.data())
def test_what_takes_over_begins_in_the_future_and_goes_on_where_the_old_ends(
    before: Timeline, now_ms: int, count: int, data: st.DataObject
) -> None:
    origin = data.draw(st.integers(before.first, before.end))
    part = take_over(
        before, rows(origin, count), origin, now_ms * MS, old_share=0.3, gripper_column=2
    )
    begun = before.steps_at(now_ms * MS - 1)  # at the very end of a step, the next one is free
    if part is None:
        assert origin + count <= max(begun + 1, before.end)
        return
    assert part.start_ns >= now_ms * MS
    assert part.dropped + len(part.actions) == count
    assert part.first == origin + part.dropped
    assert part.first >= min(begun + 1, before.end)
    complete = before.steps_at(part.start_ns)
    assert complete == part.first or part.first == before.end
    # Old and new rows of a step are alike here, and so is their blend.
    np.testing.assert_allclose(part.actions, rows(part.first, len(part.actions)), rtol=1e-6)
    assert part.blended == max(0, min(before.end - part.first, len(part.actions)))


@given(before=played(), count=st.integers(1, 20), data=st.data())
def test_after_a_rest_it_begins_with_the_first_step_that_was_not_played(
    before: Timeline, count: int, data: st.DataObject
) -> None:
    origin = data.draw(st.integers(before.first, before.end))
    part = take_over(before, rows(origin, count), origin, None, old_share=0.3, gripper_column=None)
    if part is None:
        assert origin + count <= before.end
        return
    assert (part.first, part.start_ns, part.blended) == (before.end, 0, 0)


@given(before=played(), old_share=st.floats(0.0, 1.0))
def test_a_blend_keeps_the_new_gripper(before: Timeline, old_share: float) -> None:
    new = -rows(before.first, 30)
    part = take_over(before, new, before.first, 0, old_share=old_share, gripper_column=2)
    assert part is not None
    k = part.first - before.first
    old = before.pending(part.first)
    blend = old_share * old + (1.0 - old_share) * new[k : k + len(old)]
    np.testing.assert_allclose(part.actions[: len(old), :2], blend[:, :2], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(part.actions[:, 2], new[k:, 2])


def test_nothing_was_played_before_the_first_chunk() -> None:
    part = take_over(Timeline(), rows(0, 5), 0, None, old_share=0.3, gripper_column=2)
    assert part is not None
    assert (part.first, part.dropped, len(part.actions)) == (0, 0, 5)


@given(before=played(), count=st.integers(1, 20), data=st.data())
def test_a_timeline_knows_what_was_played_before_a_chunk_took_over(
    before: Timeline, count: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(before.first, before.end))
    since_ns = before.times_ns[first - before.first - 1] if first > before.first else 0
    times = tuple(since_ns + 50 * MS * (i + 1) for i in range(count))
    after = before.followed_by(first, rows(first, count), times)
    assert after.end == first + count
    time_ns = data.draw(st.integers(0, since_ns))
    assert after.steps_at(time_ns) == min(before.steps_at(time_ns), first)
    step = data.draw(st.integers(min(before.first, first), after.end))
    np.testing.assert_array_equal(after.pending(step), rows(step, after.end - step))


def test_a_timeline_does_not_grow_for_ever() -> None:
    timeline = Timeline()
    for first in range(0, 1000, 10):
        times = tuple((first + i + 1) * 50 * MS for i in range(10))
        timeline = timeline.followed_by(first, rows(first, 10), times)
    assert timeline.end == 1000
    assert len(timeline.actions) <= 110
    assert timeline.steps_at(995 * 50 * MS) == 995


def test_at_the_very_end_of_a_step_the_next_one_takes_over() -> None:
    before = Timeline(0, rows(0, 4), tuple(50 * MS * (i + 1) for i in range(4)))
    part = take_over(before, rows(0, 8), 0, 100 * MS, old_share=0.3, gripper_column=2)
    assert part is not None
    assert (part.first, part.start_ns, part.dropped) == (2, 100 * MS, 2)

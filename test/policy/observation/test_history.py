# SPDX-License-Identifier: Apache-2.0
"""A measured vector at a moment a little ago."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.policy.observation.history import History

REACH_NS = 30


def at(history: History, time_ns: int) -> float | None:
    values = history.at(time_ns)
    return None if values is None else float(values[0])


@given(gaps=st.lists(st.integers(1, 50), min_size=1, max_size=20), time_ns=st.integers(0, 1100))
def test_a_straight_motion_is_known_at_every_time_between_its_ends(
    gaps: list[int], time_ns: int
) -> None:
    history = History(64, REACH_NS)
    stamps = np.cumsum(gaps)
    for stamp in stamps:
        history.add(int(stamp), np.array([3.0 * stamp]))
    value = at(history, time_ns)
    if stamps[0] <= time_ns <= stamps[-1]:
        assert value is not None
        np.testing.assert_allclose(value, 3.0 * time_ns)
    elif stamps[-1] < time_ns <= stamps[-1] + REACH_NS:
        assert value == 3.0 * stamps[-1]
    else:
        assert value is None


def test_a_clock_that_goes_back_leaves_nothing_of_before() -> None:
    history = History(64, REACH_NS)
    history.add(1000, np.array([1.0]))
    history.add(1010, np.array([2.0]))
    history.add(500, np.array([3.0]))
    assert at(history, 1005) is None
    assert at(history, 510) == 3.0


def test_a_moment_that_is_told_again_leaves_all_that_was_before() -> None:
    """In lockstep the present is repeated while time stands still, and nothing else was left."""
    history = History(64, REACH_NS)
    history.add(1000, np.array([1.0]))
    history.add(1010, np.array([2.0]))
    for _ in range(3):
        history.add(1010, np.array([4.0]))
    assert at(history, 1005) == 2.5
    assert at(history, 1010) == 4.0


def test_only_so_many_are_kept() -> None:
    history = History(2, REACH_NS)
    for stamp in (10, 20, 30):
        history.add(stamp, np.array([float(stamp)]))
    assert at(history, 10) is None
    assert at(history, 20) == 20.0

# SPDX-License-Identifier: Apache-2.0
"""Which joint states count, and how old they are, on two clocks that a test sets."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.commands import Measured
from vera_ros.motion.measurements import Measurements

OLDEST_S = 0.5
ROS_S = 1.7e9  # of steady time 0
EXACT_S = 1e-6  # of times in the epoch


def measured(stamp_s: float, received_s: float) -> Measured:
    return Measured(np.zeros(7), np.zeros(7), None, ROS_S + stamp_s, received_s)


def stream(*came: tuple[float, float]) -> Measurements:
    """What has come, as (stamp, arrival), while both clocks run alike."""
    measurements = Measurements(OLDEST_S)
    for stamp_s, received_s in came:
        measurements.add(measured(stamp_s, received_s), ROS_S + received_s)
    return measurements


@given(late_s=st.floats(-1.0, 2.0), waited_s=st.floats(0.0, 2.0))
def test_the_age_is_the_stamps_or_the_arrivals_whatever_is_more(
    late_s: float, waited_s: float
) -> None:
    """A stream that was a second late counted as fresh."""
    stream_ = stream((10.0 - late_s, 10.0))
    now = (10.0 + waited_s, ROS_S + 10.0 + waited_s)
    expected = max(waited_s, waited_s + late_s)
    assert stream_.age_s(*now) == pytest.approx(expected, abs=EXACT_S)
    assert stream_.age_s(*now) >= 0.0
    assert stream_.silent_s(now[0]) == pytest.approx(waited_s)
    if abs(expected - OLDEST_S) > EXACT_S:
        assert bool(stream_.fault(*now)) == (expected > OLDEST_S)


def test_every_fault_says_what_it_is() -> None:
    none = Measurements(OLDEST_S)
    assert none.age_s(1.0, ROS_S) == math.inf
    assert "were received yet" in none.fault(1.0, ROS_S)
    assert "have come for more than 0.5 s" in stream((1.0, 1.0)).fault(2.0, ROS_S + 2.0)
    late = stream((1.0, 2.0)).fault(2.0, ROS_S + 2.0)
    assert "1.00 s old by their stamps" in late
    assert "clocks" in late


def test_what_is_of_no_use_is_the_reason_once_nothing_else_is_current() -> None:
    stream_ = stream((1.0, 1.0))
    stream_.refuse("not a number")
    assert stream_.fault(1.4, ROS_S + 1.4) == ""
    assert stream_.fault(1.6, ROS_S + 1.6) == "not a number"
    assert stream_.add(measured(1.7, 1.7), ROS_S + 1.7)
    assert stream_.fault(1.7, ROS_S + 1.7) == ""
    assert stream_.refused == 1


def test_where_time_stands_still_repeated_joint_states_stay_fresh() -> None:
    """In lockstep the policy thinks as long as it likes."""
    stream_ = Measurements(OLDEST_S)
    for i in range(100):
        assert stream_.add(measured(5.0, 0.05 * i), ROS_S + 5.0)
        assert stream_.age_s(0.05 * i, ROS_S + 5.0) == 0.0
    assert stream_.fault(5.0, ROS_S + 5.0) == ""


def test_joint_states_may_be_ahead_of_the_clock() -> None:
    stream_ = Measurements(OLDEST_S)
    assert stream_.add(measured(5.01, 5.0), ROS_S + 4.5)
    assert stream_.age_s(5.02, ROS_S + 4.5) == pytest.approx(0.02)
    assert stream_.fault(5.02, ROS_S + 4.5) == ""


def test_what_is_overtaken_is_refused() -> None:
    stream_ = stream((1.0, 1.0), (1.02, 1.02))
    assert not stream_.add(measured(1.01, 1.03), ROS_S + 1.03)
    assert stream_.newest is not None
    assert stream_.newest.stamp_s == ROS_S + 1.02
    assert stream_.refused == 1
    assert "0.010 s older" in stream_.fault(2.0, ROS_S + 2.0)


@pytest.mark.parametrize("ahead_s", [0.0, 0.3, 5.0])
def test_a_driver_ahead_of_this_clock_is_not_overtaken_by_itself_either(ahead_s: float) -> None:
    stream_ = stream((1.0 + ahead_s, 1.0), (1.02 + ahead_s, 1.02))
    assert not stream_.add(measured(1.01 + ahead_s, 1.03), ROS_S + 1.03)
    assert stream_.add(measured(1.04 + ahead_s, 1.04), ROS_S + 1.04)


@given(back_s=st.floats(0.1, 1e6))
def test_after_the_clock_was_turned_back_the_new_time_counts(back_s: float) -> None:
    stream_ = stream((10.0, 10.0))
    back = 10.02 - back_s
    assert not stream_.add(measured(back, 10.02), ROS_S + 10.0)  # before /clock says so
    assert stream_.add(measured(back + 0.01, 10.03), ROS_S + back + 0.01)
    assert stream_.fault(10.03, ROS_S + back + 0.01) == ""
    assert not stream_.add(measured(back, 10.04), ROS_S + back + 0.02)


def test_a_driver_whose_clock_was_set_back_counts_again_once_its_last_word_is_old() -> None:
    stream_ = stream((100.0, 1.0))
    came_s = [1.0 + 0.02 * (i + 1) for i in range(40)]
    counted = [stream_.add(measured(s, s), ROS_S + s) for s in came_s]
    assert counted == [s > 1.0 + OLDEST_S for s in came_s]

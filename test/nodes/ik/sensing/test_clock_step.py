# SPDX-License-Identifier: Apache-2.0
"""A /clock that is too coarse for chunks is named with its rate; lost messages make none."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rclpy.clock import ROSClock
from rclpy.time import Time

from vera_ros.motion.causes import Cause
from vera_ros.nodes.ik.sensing.clock_step import ClockStep

START_NS = 1_000_000_000


def after(steps_ns: Iterable[int]) -> ClockStep:
    clock = ROSClock()
    clock._set_ros_time_is_active(True)
    now_ns = START_NS
    clock.set_ros_time_override(Time(nanoseconds=now_ns, clock_type=clock.clock_type))
    step = ClockStep(clock)
    for step_ns in steps_ns:
        now_ns += step_ns
        clock.set_ros_time_override(Time(nanoseconds=now_ns, clock_type=clock.clock_type))
    return step


@pytest.mark.parametrize(("rate_hz", "words"), [(30, "0.0333 s"), (20, "20 Hz"), (1, "1 s at a")])
def test_a_coarse_clock_is_named_with_its_rate(rate_hz: int, words: str) -> None:
    fault = after([1_000_000_000 // rate_hz] * 20).fault()
    assert fault is not None
    assert fault.cause is Cause.CLOCKS_DIFFER
    assert words in fault.message
    assert "50 Hz" in fault.message


@given(
    rate_hz=st.integers(50, 2000),
    lost=st.lists(st.integers(1, 50), min_size=8, max_size=40),
)
def test_messages_that_are_lost_make_no_coarse_clock(rate_hz: int, lost: list[int]) -> None:
    period_ns = 1_000_000_000 // rate_hz
    assert after([*(number * period_ns for number in lost), period_ns]).fault() is None


def test_little_is_no_measurement_and_a_step_back_none_at_all() -> None:
    assert after([50_000_000] * 7).fault() is None
    assert after([-50_000_000] * 10).fault() is None


def test_a_clock_of_real_time_has_no_steps() -> None:
    assert ClockStep(ROSClock()).fault() is None


def test_what_is_closed_measures_no_longer() -> None:
    step = after([])
    step.close()
    step.close()
    assert step.fault() is None

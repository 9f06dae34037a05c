# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.sim.timetable import timetable

STEP_S = 0.002


@given(
    steps=st.integers(0, 2000),
    rates_hz=st.dictionaries(st.sampled_from("abc"), st.floats(1.0, 500.0), min_size=1),
)
def test_moments_are_in_order_and_everything_is_due_at_the_end(
    steps: int, rates_hz: dict[str, float]
) -> None:
    moments = list(timetable(steps, STEP_S, rates_hz))
    times = [at for at, _ in moments]
    assert times == sorted(set(times))
    assert moments[-1] == (steps, tuple(rates_hz))
    for name, rate_hz in rates_hz.items():
        own = [at * STEP_S for at, due in moments if name in due]
        for index, time_s in enumerate(own[:-1], start=1):
            assert time_s == pytest.approx(index / rate_hz, abs=STEP_S / 2 + 1e-9)


def test_at_the_rate_of_the_steps_nothing_extra_is_due_at_the_end() -> None:
    moments = [at for at, due in timetable(250, STEP_S, {"cameras": 20.0})]
    assert moments == [25 * index for index in range(1, 11)]


def test_no_time_at_all_is_the_present() -> None:
    assert list(timetable(0, STEP_S, {"a": 20.0, "b": 100.0})) == [(0, ("a", "b"))]

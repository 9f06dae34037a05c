# SPDX-License-Identifier: Apache-2.0
"""What joint states tell of the controller's clock. Times are the controller's, unless steady."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.causes import Cause
from vera_ros.motion.observation.arm_clock import AGREEMENT_S, ArmClock

EPOCH_S = 1.7e9
MOST_S = 0.1
PERIOD_S = 0.01

Course = Callable[[float], float]


def observe(
    clock: ArmClock,
    until_s: float,
    *,
    since_s: float = 0.0,
    ahead_s: Course = lambda _: 0.0,
    delay_s: Course = lambda _: 0.001,
    period_s: float = PERIOD_S,
) -> float:
    """Have joint states come; return by how much the clock was found to be set."""
    found_s = 0.0
    for time_s in np.arange(since_s, until_s, period_s).tolist():
        stamp_s = EPOCH_S + time_s + ahead_s(time_s)
        found_s += clock.observe(stamp_s, time_s + delay_s(time_s))
    return found_s


def test_without_joint_states_it_is_this_machines_clock() -> None:
    clock = ArmClock()
    assert clock.bounds_s(5.0) is None
    assert clock.now_s(5.0, EPOCH_S) == EPOCH_S
    assert clock.fault(5.0, EPOCH_S, MOST_S) is None


@given(
    ahead_s=st.floats(-2.0, 2.0),
    ours_s=st.floats(-2.0, 2.0),
    delay_s=st.floats(0.0, 0.02),
    scatter_s=st.floats(0.0, 0.05),
)
def test_the_bounds_hold_the_controllers_time(
    ahead_s: float, ours_s: float, delay_s: float, scatter_s: float
) -> None:
    clock, rng = ArmClock(), np.random.default_rng(0)

    def delay(_: float) -> float:
        return delay_s + float(rng.choice([0.0, rng.uniform(0.0, scatter_s)]))

    observe(clock, 2.0, ahead_s=lambda _: ahead_s, delay_s=delay)
    bounds, true_s = clock.bounds_s(2.0), EPOCH_S + 2.0 + ahead_s
    assert bounds is not None
    assert bounds[0] <= true_s + 1e-6
    assert bounds[1] >= true_s - 1e-6
    assert bounds[1] - bounds[0] <= AGREEMENT_S + scatter_s + 1e-6
    ours = EPOCH_S + 2.0 + ours_s
    assert abs(clock.now_s(2.0, ours) - true_s) <= AGREEMENT_S + scatter_s + 1e-6
    assert bounds[0] <= clock.now_s(2.0, ours) <= bounds[1]


@pytest.mark.parametrize("ours_s", [-50.0, -0.2, 0.0, 0.3, 1e6])
def test_setting_this_machines_clock_moves_nothing(ours_s: float) -> None:
    """A clock that was 0.12 s behind turned a hold into 2.4 s of motion."""
    clock = ArmClock()
    observe(clock, 2.0)
    true_s = EPOCH_S + 2.0
    assert abs(clock.now_s(2.0, true_s + ours_s) - true_s) <= AGREEMENT_S


@pytest.mark.parametrize(
    ("off_s", "words"),
    [
        (0.05, ""),
        (-0.05, ""),
        (0.15, "0.149 s ahead of"),
        (-0.15, "0.131 s behind"),
        (9.0, "ahead"),
    ],
)
def test_clocks_that_differ_too_much_are_named(off_s: float, words: str) -> None:
    clock = ArmClock()
    observe(clock, 2.0, ahead_s=lambda _: off_s)
    fault = clock.fault(2.0, EPOCH_S + 2.0, MOST_S)
    if not words:
        assert fault is None
        return
    assert fault is not None
    assert fault.cause is Cause.CLOCKS_DIFFER
    assert words in str(fault)
    assert "chrony" in str(fault)


def test_a_delay_that_varies_is_not_blamed_on_the_clocks() -> None:
    """As of a machine that is overloaded: synchronized clocks would not help."""
    clock = ArmClock()
    observe(clock, 2.0, period_s=0.2)
    observe(clock, 2.7, since_s=2.0, ahead_s=lambda _: -0.15, period_s=0.2)
    fault = clock.fault(2.7, EPOCH_S + 2.7, MOST_S)
    assert fault is not None
    assert fault.cause is Cause.CLOCKS_DIFFER
    assert "only known to within" in str(fault)
    assert "overloaded" in str(fault)
    assert "chrony" not in str(fault)


@given(by_s=st.floats(-0.06, -0.03), period_s=st.sampled_from([0.0625, 0.1, 0.125]))
def test_a_clock_that_was_set_back_by_less_than_a_period_counts_as_delay(
    by_s: float, period_s: float
) -> None:
    """No stamp goes back: both stay possible for a second."""
    clock = ArmClock()
    observe(clock, 2.0, period_s=period_s)
    observe(clock, 2.7, since_s=2.0, ahead_s=lambda _: by_s, period_s=period_s)
    bounds = clock.bounds_s(2.7)
    assert bounds is not None
    assert bounds[0] <= EPOCH_S + 2.7 + by_s + 1e-6
    assert bounds[1] >= EPOCH_S + 2.7 + by_s
    observe(clock, 4.0, since_s=2.7, ahead_s=lambda _: by_s, period_s=period_s)
    now_s = clock.now_s(4.0, EPOCH_S + 4.0)
    assert now_s == pytest.approx(EPOCH_S + 4.0 + by_s, abs=AGREEMENT_S + 2e-3)


@given(
    by_s=st.one_of(st.floats(-5.0, -0.032), st.floats(0.05, 5.0)),
    period_s=st.sampled_from([0.001, 0.002, 0.01, 0.02]),
)
def test_a_clock_that_was_set_is_found_out(by_s: float, period_s: float) -> None:
    clock = ArmClock()
    observe(clock, 2.0, period_s=period_s)
    found_s = observe(clock, 2.3, since_s=2.0, ahead_s=lambda _: by_s, period_s=period_s)
    assert found_s == pytest.approx(by_s, abs=1e-5)
    assert clock.now_s(2.3, EPOCH_S) == pytest.approx(EPOCH_S + 2.3 + by_s, abs=AGREEMENT_S)
    fault = clock.fault(2.3, EPOCH_S + 2.3 + by_s, MOST_S)
    assert fault is not None  # nothing begins before it has run well for a second
    assert "was set" in str(fault)
    observe(clock, 4.0, since_s=2.3, ahead_s=lambda _: by_s, period_s=period_s)
    assert clock.fault(4.0, EPOCH_S + 4.0 + by_s, MOST_S) is None


@given(by_s=st.floats(-0.12, -0.06), late_s=st.floats(0.0, 0.06))
def test_a_clock_that_was_set_back_is_found_out_by_delayed_joint_states(
    by_s: float, late_s: float
) -> None:
    """A busy machine delays them: the stamps fell behind further than the clock was set."""
    clock, rng = ArmClock(), np.random.default_rng(0)
    observe(clock, 2.0)
    found_s = observe(
        clock,
        2.3,
        since_s=2.0,
        ahead_s=lambda _: by_s,
        delay_s=lambda _: 0.001 + rng.uniform(0.0, late_s),
    )
    assert found_s == pytest.approx(by_s, abs=AGREEMENT_S)


@given(
    by_s=st.one_of(st.floats(-5.0, -0.05), st.floats(0.05, 1e4)),
    count=st.integers(1, 10),
    hz=st.sampled_from([50, 100, 500, 1000]),
)
def test_some_wrong_stamps_set_no_clock(by_s: float, count: int, hz: int) -> None:
    clock, period_s = ArmClock(), 1.0 / hz
    observe(clock, 2.0, period_s=period_s)
    until_s = 2.0 + (count - 0.5) * period_s
    assert observe(clock, until_s, since_s=2.0, ahead_s=lambda _: by_s, period_s=period_s) == 0.0
    if abs(by_s + period_s) > 1e-6:  # where no stamp goes back, that is a delay
        assert clock.in_doubt(until_s) == (by_s > 0.0 or by_s < -period_s)
    assert observe(clock, 3.0, since_s=2.0 + count * period_s, period_s=period_s) == 0.0
    assert not clock.in_doubt(3.0)
    assert clock.now_s(3.0, EPOCH_S + 3.0) == pytest.approx(EPOCH_S + 3.0, abs=AGREEMENT_S)


@given(rate=st.one_of(st.floats(-0.5, -0.01), st.floats(0.01, 0.5)))
def test_a_clock_that_drifts_is_followed_from_what_was_sent_last(rate: float) -> None:
    clock = ArmClock()
    observe(clock, 2.0, ahead_s=lambda time_s: rate * time_s)
    fault = clock.fault(2.0, EPOCH_S + 2.0 + rate * 2.0, MOST_S)
    assert fault is not None
    assert "or drifts" in str(fault)
    clock.mark()
    found_s = observe(clock, 2.5, since_s=2.0, ahead_s=lambda time_s: rate * time_s)
    assert found_s == pytest.approx(0.5 * rate, abs=2e-4)


@given(seed=st.integers(0, 2**32 - 1), jitter_s=st.sampled_from([1e-4, 1e-3, 1e-2]))
def test_delay_is_no_drift(seed: int, jitter_s: float) -> None:
    clock, rng = ArmClock(), np.random.default_rng(seed)
    found_s = observe(clock, 5.0, delay_s=lambda _: 1e-3 + float(rng.exponential(jitter_s)))
    assert found_s == 0.0
    assert not clock.wanders


def test_delay_that_grows_counts_as_a_clock_that_is_behind() -> None:
    clock = ArmClock()
    observe(clock, 2.0)
    observe(clock, 4.0, since_s=2.0, delay_s=lambda _: 0.25)
    fault = clock.fault(4.0, EPOCH_S + 4.0, MOST_S)
    assert fault is not None
    assert "behind" in str(fault)


def test_a_stamp_that_is_said_again_and_again_tells_nothing_new() -> None:
    clock = ArmClock()
    observe(clock, 2.0)
    bounds = clock.bounds_s(0.0)
    for time_s in np.arange(2.0, 2.5, PERIOD_S).tolist():
        clock.observe(EPOCH_S + 1.99, time_s)
    assert clock.bounds_s(0.0) == bounds


@given(
    asleep_s=st.floats(0.05, 20.0), queued=st.integers(0, 10), hz=st.sampled_from([30, 100, 1000])
)
def test_a_process_that_was_stopped_blames_no_clock(asleep_s: float, queued: int, hz: int) -> None:
    """When it goes on, the joint states that waited for it arrive at once."""
    clock = ArmClock()
    observe(clock, 2.0, period_s=1 / hz)
    awake_s, period_s = 2.0 + asleep_s, 1 / hz
    late = min(queued, int(asleep_s * hz))
    set_s = observe(
        clock,
        awake_s,
        since_s=awake_s - late * period_s,
        delay_s=lambda time_s: awake_s - time_s,
        period_s=period_s,
    )
    set_s += observe(clock, awake_s + 2.0, since_s=awake_s, period_s=period_s)
    assert not set_s
    assert not clock.wanders
    assert clock.fault(awake_s + 2.0, EPOCH_S + awake_s + 2.0, MOST_S) is None


@given(asleep_s=st.floats(0.05, 20.0), by_s=st.floats(0.1, 5.0))
def test_a_clock_that_was_set_during_a_silence_is_found_out(asleep_s: float, by_s: float) -> None:
    clock = ArmClock()
    observe(clock, 2.0)
    awake_s = 2.0 + asleep_s
    set_s = observe(clock, awake_s + 2.0, since_s=awake_s, ahead_s=lambda _: by_s)
    assert set_s == pytest.approx(by_s, abs=1e-5)

# SPDX-License-Identifier: Apache-2.0
"""Time is spread smoothly: as slow as the limits ask for, and the path stays as it is."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.joint_spline import JointSpline
from vera_ros.motion.planning.rate_usage import motion_rates, slowdown
from vera_ros.motion.planning.time_scaling import Timing, keep_rates

from ..chunks import START_Q, Vector

SHARE = 0.9
SEEDS = st.integers(0, 2**32 - 1)


def as_fast(s: Vector) -> Vector:
    return np.ones(len(s))


def wild(seed: int, size: float, count: int = 60, speed: float = 0.0) -> JointSpline:
    """A smooth random motion around the start posture, from a velocity [rad/s] to rest."""
    random = np.random.default_rng(seed)
    s = np.linspace(0.0, 1.0, count + 1)[:, None]
    waves = sum(random.uniform(-1.0, 1.0, 7) / k * np.sin(np.pi * k * s) for k in range(1, 5))
    ramp = s**3 * (10 - 15 * s + 6 * s**2)
    duration_s = count * 0.0125
    begun = speed * duration_s * s * (1 - s) ** 4
    q = START_Q + size * ramp * (1 - ramp) * 4 * waves + begun
    dq = np.full(7, speed)
    return JointSpline(s[:, 0] * duration_s, q, (dq, -8.0 * dq / duration_s))


def timed(
    spline: JointSpline,
    arm: ArmModel,
    limits: Limits,
    *,
    highest: Callable[[Vector], Vector] = as_fast,
    start: float | None = None,
) -> Timing:
    return keep_rates(
        spline.duration_s,
        lambda s: motion_rates(spline, arm.tips, s),
        limits.rates.shares,
        share=SHARE,
        highest=highest,
        start=start,
    )


def spread(spline: JointSpline, timing: Timing) -> JointSpline:
    """The motion as the timing plays it, at knots so near that they do not matter."""
    times = np.linspace(0.0, timing.duration_s, int(timing.duration_s / 0.005) + 2)
    _, dq, ddq = spline.state(0.0)
    rate = timing.rate(0.0)
    q = spline.derivative(0, timing.nominal(times))
    return JointSpline(times, q, (dq * rate, ddq * rate**2))


@given(seed=SEEDS, count=st.integers(2, 40))
def test_the_clock_is_monotone_and_its_rate_its_own(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    nominal = np.linspace(0.0, 1.0, count)
    rate = np.interp(nominal, np.linspace(0, 1, 5), random.uniform(0.3, 1.0, 5))
    timing = Timing(nominal, rate)
    assert timing.times_s[0] == 0.0
    assert (np.diff(timing.times_s) > 0).all()
    np.testing.assert_allclose(timing.nominal(timing.times_s), nominal, atol=1e-12)
    np.testing.assert_allclose(timing.times(nominal), timing.times_s, atol=1e-12)
    for time_s, expected in zip(timing.times_s, rate, strict=True):
        assert timing.rate(float(time_s)) == pytest.approx(expected)
    dense = np.linspace(0.0, timing.duration_s, 500)
    assert (np.diff(timing.nominal(dense)) > 0).all()
    step = 1e-6
    for time_s in random.uniform(step, timing.duration_s - step, 5):
        ends = timing.nominal(np.array([time_s - step, time_s + step]))
        assert timing.rate(time_s) == pytest.approx((ends[1] - ends[0]) / (2 * step), abs=1e-5)
    assert timing.nominal(timing.duration_s + 5.0) == pytest.approx(1.0)
    assert timing.nominal(-1.0) == pytest.approx(0.0)


@given(duration_s=st.floats(0.01, 20.0))
def test_as_it_is_changes_nothing(duration_s: float) -> None:
    timing = Timing.as_it_is(duration_s)
    assert timing.unchanged
    assert timing.duration_s == duration_s
    for part in (0.0, 0.3, 1.0):
        assert timing.nominal(part * duration_s) == pytest.approx(part * duration_s)
        assert timing.rate(part * duration_s) == pytest.approx(1.0)
    assert not Timing(np.array([0.0, 1.0]), np.array([1.0, 0.5])).unchanged


@given(seed=SEEDS, size=st.floats(0.01, 0.6))
def test_the_limits_are_kept(arm: ArmModel, limits: Limits, seed: int, size: float) -> None:
    spline = wild(seed, size)
    needed = slowdown(spline, limits.rates, arm.tips)
    timing = timed(spline, arm, limits)
    assert slowdown(spread(spline, timing), limits.rates, arm.tips) <= 1.0
    assert timing.nominal_s[-1] == pytest.approx(spline.duration_s)
    assert timing.duration_s >= spline.duration_s - 1e-9
    # Slowing all of it alike is the slow way.
    assert timing.duration_s <= spline.duration_s * max(1.0, needed / SHARE) * 1.3 + 1e-9


@given(seed=SEEDS, size=st.floats(0.01, 0.05))
def test_what_keeps_them_anyway_is_left_alone(
    arm: ArmModel, limits: Limits, seed: int, size: float
) -> None:
    spline = wild(seed, size)
    assume(slowdown(spline, limits.rates, arm.tips) < SHARE)
    assert timed(spline, arm, limits).duration_s == pytest.approx(spline.duration_s)


@given(seed=SEEDS, scale=st.floats(0.05, 1.0))
def test_the_highest_rate_is_kept(arm: ArmModel, limits: Limits, seed: int, scale: float) -> None:
    timing = timed(wild(seed, 0.3), arm, limits, highest=lambda s: scale * as_fast(s))
    rates = 1.0 / np.gradient(timing.times_s, timing.nominal_s)
    assert (rates <= scale * (1 + 1e-6)).all()


@given(
    seed=SEEDS,
    size=st.floats(0.01, 0.5),
    speed=st.floats(-0.3, 0.3),
    start=st.floats(0.3, 1.0),
)
def test_a_motion_that_is_taken_over_keeps_its_rate_at_the_start(
    arm: ArmModel, limits: Limits, seed: int, size: float, speed: float, start: float
) -> None:
    spline = wild(seed, size, speed=speed)
    assume(slowdown(spline, limits.rates, arm.tips) < 3.0)
    timing = timed(spline, arm, limits, start=start)
    assert timing.rate(0.0) == pytest.approx(start, abs=1e-12)
    # And it changes smoothly: nothing jumps at the hand-over.
    later = timing.rate(0.001)
    assert later == pytest.approx(start, abs=0.02)
    assert slowdown(spread(spline, timing), limits.rates, arm.tips) <= 1.0


@pytest.mark.parametrize("times", [1.5, 4.0])
def test_what_begins_too_fast_cannot_be_slowed(arm: ArmModel, limits: Limits, times: float) -> None:
    spline = wild(1, 0.05, speed=times * float(limits.rates.joints[0].min()))
    with pytest.raises(MotionRefusedError, match="cannot be slowed") as refusal:
        timed(spline, arm, limits, start=1.0)
    assert refusal.value.cause is Cause.LIMIT_EXCEEDED


def test_from_rest_anything_can_be_slowed(arm: ArmModel, limits: Limits) -> None:
    spline = wild(3, 3.0, count=20)
    needed = slowdown(spline, limits.rates, arm.tips)
    assert needed > 5.0
    timing = timed(spline, arm, limits)
    assert slowdown(spread(spline, timing), limits.rates, arm.tips) <= 1.05

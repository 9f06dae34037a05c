# SPDX-License-Identifier: Apache-2.0
"""The true arm may use its limits, and is seen when it leaves them."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from verification.chaos.monitor.limit_watch import LimitWatch
from verification.chaos.monitor.recording import JointSample
from verification.judge.bounds import TrajectoryBounds
from verification.rig import START_Q

from ..swings import Swing

STILL = np.zeros(7)
AT_S = 10.0
SAMPLE_S = 0.01


def seen(bounds: TrajectoryBounds, samples: Iterable[JointSample]) -> LimitWatch:
    watch = LimitWatch(bounds)
    for sample in samples:
        watch.update(sample)
    return watch


def speeds(bounds: TrajectoryBounds, joint: int, shares: Iterable[float]) -> list[JointSample]:
    """An arm of which one joint has these shares of its velocity limit, sample by sample."""
    axis = np.eye(7)[joint] * bounds.velocity
    return [
        JointSample(AT_S + SAMPLE_S * n, START_Q, share * axis) for n, share in enumerate(shares)
    ]


def test_a_motion_within_the_limits_is_fine(bounds: TrajectoryBounds) -> None:
    watch = seen(bounds, Swing(1, 0.3, 0.8).samples(AT_S, AT_S - 0.5, AT_S + 2.0))
    assert watch.violations == []
    assert 0.1 < watch.largest["acceleration"] < 1.0
    assert 0.1 < watch.largest["velocity"] < 1.0


@pytest.mark.parametrize("joint", range(7))
def test_an_arm_that_is_pushed_too_hard_is_seen_once(bounds: TrajectoryBounds, joint: int) -> None:
    step = 1.5 * bounds.acceleration[joint] * SAMPLE_S / bounds.velocity[joint]
    watch = seen(bounds, speeds(bounds, joint, [0.0] * 10 + [step * n for n in range(8)]))
    ((at_s, text),) = watch.violations
    assert f"the acceleration of joint {joint + 1}" in text
    assert at_s == pytest.approx(AT_S + 0.15, abs=0.02)


def test_the_noise_of_a_sample_is_no_acceleration(bounds: TrajectoryBounds) -> None:
    noise = 2.5 * bounds.acceleration[1] * SAMPLE_S / bounds.velocity[1]
    watch = seen(bounds, speeds(bounds, 1, [0.3, 0.3 + noise] * 20))
    assert watch.violations == []


def test_an_arm_that_is_too_fast_is_seen_each_time(bounds: TrajectoryBounds) -> None:
    ramp = np.linspace(0.0, 1.2, 60)
    watch = seen(bounds, speeds(bounds, 4, [*ramp, *ramp[::-1], *ramp]))
    assert [text.split(" of ")[0] for _, text in watch.violations] == ["the velocity"] * 2


def test_an_arm_beyond_its_range_is_seen(bounds: TrajectoryBounds) -> None:
    """Trajectories keep a margin to it, which the arm itself may use."""
    there = JointSample(AT_S, START_Q, STILL)
    ends = np.where(np.arange(7) == 3, bounds.lower, START_Q)
    assert seen(bounds, [replace(there, q=ends - 0.019)]).violations == []
    watch = seen(bounds, [replace(there, q=ends - 0.03)])
    assert "joint 4 of the arm" in watch.violations[0][1]


def test_what_was_not_seen_is_not_judged(bounds: TrajectoryBounds) -> None:
    watch = LimitWatch(bounds)
    for sample in speeds(bounds, 0, [0.0] * 10):
        watch.update(sample)
    watch.skip(JointSample(AT_S + 0.1, START_Q, STILL))
    for sample in speeds(bounds, 0, [0.0] * 10 + [0.9] * 10)[10:]:
        watch.update(sample)
    assert watch.violations == []


def late_by(watch: LimitWatch, late_s: float, *, steps: bool = False) -> LimitWatch:
    """An arm that stands, and whose controller takes up a swing late: it begins with a step."""
    swing = Swing(1, 0.5, 1.0)
    watch.add_trajectory(replace(swing.playing(AT_S), steps=steps))
    for sample in (
        *swing.samples(AT_S + 5.0, AT_S - 0.5, AT_S + late_s),
        *swing.samples(AT_S, AT_S + late_s, AT_S + 0.9),
    ):
        watch.update(sample)
    return watch


def test_the_step_of_a_trajectory_that_came_late_is_not_the_arms(bounds: TrajectoryBounds) -> None:
    watch = late_by(LimitWatch(bounds), 0.14)
    assert watch.violations == []
    assert watch.largest["acceleration"] < 1.0


def test_a_step_that_nothing_explains_is_seen(bounds: TrajectoryBounds) -> None:
    text = "; ".join(text for _, text in late_by(LimitWatch(bounds), 0.4).violations)
    assert "the acceleration of joint 2" in text


def test_the_step_of_a_set_point_that_nobody_is_to_blame_for_is_not_the_arms(
    bounds: TrajectoryBounds,
) -> None:
    assert late_by(LimitWatch(bounds), 0.4, steps=True).violations == []


def test_a_simulator_that_stood_still_may_catch_up_with_what_was_told(
    bounds: TrajectoryBounds,
) -> None:
    calm, wild = speeds(bounds, 3, [0.0] * 20), speeds(bounds, 3, [1.5] * 20)
    after_s = calm[-1].stamp_s + 0.4 - AT_S
    caught_up = [replace(sample, stamp_s=sample.stamp_s + after_s) for sample in wild]
    assert seen(bounds, [*calm, *caught_up]).violations == []
    later = [replace(sample, stamp_s=sample.stamp_s + after_s + 1.0) for sample in wild]
    filled = [replace(calm[0], stamp_s=caught_up[0].stamp_s + SAMPLE_S * n) for n in range(100)]
    assert seen(bounds, [*calm, *filled, *later]).violations != []


def test_what_it_simulates_only_afterwards_comes_late_and_without_a_gap(
    bounds: TrajectoryBounds,
) -> None:
    """It takes up in one moment what it was told in all of them."""
    calm, wild = speeds(bounds, 3, [0.0] * 20), speeds(bounds, 3, [1.5] * 20)
    missed = [
        replace(s, stamp_s=s.stamp_s + 0.2, late_s=0.2 - 0.01 * n) for n, s in enumerate(calm)
    ]
    after = [replace(sample, stamp_s=sample.stamp_s + 0.4) for sample in wild]
    assert seen(bounds, [*calm, *missed, *after]).violations == []


def test_it_stood_still_also_where_its_last_samples_said_nothing(bounds: TrajectoryBounds) -> None:
    watch = LimitWatch(bounds)
    for stamp_s in (AT_S - 0.5, AT_S):  # while a scene is set
        watch.skip(JointSample(stamp_s, START_Q, STILL))
    for sample in speeds(bounds, 3, [1.5] * 20):
        watch.update(replace(sample, stamp_s=sample.stamp_s + SAMPLE_S))
    assert watch.violations == []

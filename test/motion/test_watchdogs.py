# SPDX-License-Identifier: Apache-2.0
"""Rules that tell that something is wrong, on times that a test sets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.watchdogs import ClockWatch, FrozenJoints

TIME_S, ANGLE_RAD = 0.3, 0.01
Q = np.linspace(-1.0, 1.0, 7)


@given(
    speed=st.floats(0.0, 2.0),
    period_s=st.floats(0.002, 0.05),
    stuck_after=st.integers(0, 50),
)
def test_joints_that_stay_the_same_are_frozen_once_the_plan_has_moved_far_enough(
    speed: float, period_s: float, stuck_after: int
) -> None:
    watch = FrozenJoints(TIME_S, ANGLE_RAD)
    stuck_s = stuck_after * period_s
    for i in range(400):
        now_s = i * period_s
        measured = Q + 1e-9 * min(i, stuck_after)  # an arm that moves is never quite the same
        frozen = watch.look(measured, Q + speed * now_s, now_s)
        still_s = now_s - stuck_s
        due = still_s >= TIME_S + 1e-6 and speed * still_s >= ANGLE_RAD + 1e-6
        early = still_s <= TIME_S - 1e-6 or speed * still_s <= ANGLE_RAD - 1e-6
        assert not (due and not frozen)
        assert not (early and frozen)


def test_another_plan_is_judged_afresh() -> None:
    watch = FrozenJoints(TIME_S, ANGLE_RAD)
    watch.look(Q, Q, 0.0)
    watch.forget()
    assert not watch.look(Q, Q + 1.0, 10.0)
    assert watch.look(Q, Q + 2.0, 11.0)


@given(steps=st.lists(st.floats(-0.05, 5.0), max_size=30), back_s=st.floats(0.06, 1e6))
def test_a_clock_that_goes_back_is_noticed_once(steps: list[float], back_s: float) -> None:
    watch, now_s = ClockWatch(), 1000.0
    assert watch.look(now_s) == 0.0
    latest_s = now_s
    for step_s in steps:
        now_s = max(latest_s - 0.049, now_s + step_s)
        latest_s = max(latest_s, now_s)
        assert watch.look(now_s) == 0.0
    assert abs(watch.look(latest_s - back_s) - back_s) < 1e-3
    assert watch.look(latest_s - back_s + 0.1) == 0.0

# SPDX-License-Identifier: Apache-2.0
"""Rules that tell that something is wrong, on times that a test sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.safety.watchdogs import ClockWatch, FrozenJoints, Rest, RestWatch, StartWatch

TIME_S, ANGLE_RAD, DELAY_S = 0.3, 0.01, 0.15
Q = np.linspace(-1.0, 1.0, 7)

# Joint states that stay the same.


@given(
    speed=st.floats(0.0, 2.0),
    period_s=st.floats(0.002, 0.05),
    stuck_after=st.integers(0, 50),
    delay_s=st.sampled_from([0.0, DELAY_S, 1.0]),
)
def test_joints_that_stay_the_same_are_frozen_once_the_plan_has_moved_far_enough(
    speed: float, period_s: float, stuck_after: int, delay_s: float
) -> None:
    watch = FrozenJoints(TIME_S, ANGLE_RAD, delay_s)
    stuck_s = stuck_after * period_s
    for i in range(400):
        now_s = i * period_s
        measured = Q + 1e-9 * min(i, stuck_after)  # an arm that moves is never quite the same
        frozen = watch.update(measured, Q + speed * now_s, now_s)
        still_s = now_s - stuck_s
        assert watch.same_s == pytest.approx(max(still_s, 0.0))
        moved_s = still_s - delay_s  # surely, however late the arm is
        due = still_s >= TIME_S + 1e-6 and speed * (moved_s - period_s) >= ANGLE_RAD + 1e-6
        early = still_s <= TIME_S - 1e-6 or speed * moved_s <= ANGLE_RAD - 1e-6
        assert not (due and not frozen)
        assert not (early and frozen)


@given(
    steps=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.02, -0.02]), min_size=1, max_size=100),
    late=st.integers(0, 7),
)
def test_an_arm_that_follows_within_the_delay_is_never_frozen(
    steps: list[float], late: int
) -> None:
    """It stands as still as it is planned to, in whatever phase."""
    period_s = 0.02
    watch = FrozenJoints(TIME_S, ANGLE_RAD, DELAY_S)
    plan = np.cumsum([0.0] * 20 + steps + [0.0] * 40)
    for i, planned in enumerate(plan):
        measured = plan[max(0, i - late)]
        assert not watch.update(Q + measured, Q + planned, i * period_s)


@given(
    acts=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30),
)
def test_an_arm_has_stood_since_before_a_motion_unless_it_was_seen_to_move(
    acts: list[tuple[bool, bool]],
) -> None:
    """`acts`: whether something is played at each look, and whether the arm has moved since."""
    watch, stood, q = StartWatch(2e-3), False, Q
    noise = np.random.default_rng(0)
    assert not watch.stands(Q)
    for plays, moved in acts:
        q = q + 0.01 if moved else q
        watch.update(q + noise.uniform(-5e-4, 5e-4, 7), plays=plays)
        stood = not plays or (stood and not moved)
        assert watch.stands(q) is stood
        assert not watch.stands(q + 0.01)  # what was seen just now counts, too
    watch.forget()
    assert not watch.stands(q)


def test_chunks_that_take_over_from_each_other_are_one_motion() -> None:
    """Every new chunk began the count anew, and where they came often it never ended."""
    watch = FrozenJoints(TIME_S, ANGLE_RAD, DELAY_S)
    looks = [watch.update(Q, Q + 0.1 * (i * 0.02), i * 0.02) for i in range(100)]
    assert any(looks)


def test_an_arm_at_rest_may_stay_where_it_is_as_long_as_it_likes() -> None:
    watch = FrozenJoints(TIME_S, ANGLE_RAD, DELAY_S)
    for i in range(100):
        assert not watch.update(Q, None, i * 0.02)
    assert watch.same_s == pytest.approx(99 * 0.02)
    for i in range(100, 110):  # what it did before says nothing of the plan that begins
        assert not watch.update(Q, Q + 10.0 * (i - 100), i * 0.02)


def test_where_time_stands_still_nothing_is_remembered_twice() -> None:
    watch = FrozenJoints(TIME_S, ANGLE_RAD, DELAY_S)
    for _ in range(1000):
        assert not watch.update(Q, Q, 5.0)
    assert len(watch._recent) == 1


# A clock that goes back.


@given(steps=st.lists(st.floats(-0.05, 5.0), max_size=30), back_s=st.floats(0.06, 1e6))
def test_a_clock_that_goes_back_is_noticed_once(steps: list[float], back_s: float) -> None:
    watch, now_s = ClockWatch(0.05), 1000.0
    assert watch.update(now_s) == 0.0
    latest_s = now_s
    for step_s in steps:
        now_s = max(latest_s - 0.049, now_s + step_s)
        latest_s = max(latest_s, now_s)
        assert watch.update(now_s) == 0.0
    assert abs(watch.update(latest_s - back_s) - back_s) < 1e-3
    assert watch.update(latest_s - back_s + 0.1) == 0.0


# A stop.


@given(
    looks=st.lists(
        st.tuples(st.floats(0.001, 0.5), st.sampled_from([True, None])), min_size=1, max_size=60
    )
)
def test_an_arm_that_is_not_seen_at_rest_is_overdue_once_per_time_out(
    looks: list[tuple[float, bool | None]],
) -> None:
    watch, end_s, now_s = RestWatch(1.0), 10.0, 9.0
    last_s = end_s
    for step_s, moves in looks:
        now_s += step_s
        rest = watch.update(end_s, moves, now_s, now_s)
        assert (rest is Rest.OVERDUE) == (now_s >= last_s + 1.0)
        if rest is Rest.OVERDUE:
            last_s = now_s
    assert watch.update(end_s, False, max(now_s, end_s), now_s) is Rest.THERE


def test_what_is_at_rest_before_the_stop_is_over_has_not_been_stopped_yet() -> None:
    watch = RestWatch(1.0)
    assert watch.update(10.0, False, 9.99, 0.0) is Rest.COMING
    assert watch.update(10.0, False, 10.0, 0.01) is Rest.THERE


def test_another_stop_gets_its_own_time() -> None:
    watch = RestWatch(1.0)
    assert watch.update(10.0, True, 11.0, 0.0) is Rest.OVERDUE
    assert watch.update(11.5, True, 12.1, 1.1) is Rest.COMING
    assert watch.update(11.5, True, 12.5, 1.5) is Rest.OVERDUE


@given(
    stands_s=st.floats(8.0, 20.0),
    moves=st.sampled_from([True, None]),
    steps=st.lists(st.floats(0.001, 0.5), min_size=1, max_size=60),
)
def test_where_ros_time_stands_still_an_arm_is_given_no_more_than_the_same_in_steady_time(
    stands_s: float, moves: bool | None, steps: list[float]
) -> None:
    """Without /clock a stop never ended, and whoever had asked for it was never answered."""
    watch = RestWatch(1.0)
    said = [watch.update(10.0, moves, stands_s, 0.0)]
    steady_s = last_s = 0.0
    for step_s in steps:
        steady_s += step_s
        said.append(watch.update(10.0, moves, stands_s, steady_s))
        assert (said[-1] is Rest.UNKNOWN) == (steady_s - last_s >= 1.0) or stands_s >= 11.0
        if said[-1] is Rest.UNKNOWN:
            last_s = steady_s
    assert (Rest.OVERDUE in said) == (stands_s >= 11.0)
    assert watch.update(10.0, False, 21.0, steady_s) is Rest.THERE


def test_time_that_goes_on_however_slowly_does_not_stand_still() -> None:
    watch = RestWatch(1.0)
    for i in range(100):
        assert watch.update(10.0, True, 9.0 + 0.01 * i, 0.9 * i) is Rest.COMING

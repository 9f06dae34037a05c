# SPDX-License-Identifier: Apache-2.0
"""Which joint states count, how old they are, what they are worth: on clocks that a test sets."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.chunk import Measured
from vera_ros.motion.observation.joint_state_filter import JointStateFilter
from vera_ros.motion.observation.joint_track import WINDOW_S

from ..joint_streams import (
    NAMES,
    OLDEST_S,
    ROS_S,
    SPEED,
    STANDING,
    Stream,
    arrivals,
    make_filter,
    moving,
    noisy,
    spoilt,
)

EXACT_S = 1e-6  # of times in the epoch
SLACK_RAD = 5e-3


def measured(stamp_s: float, received_s: float) -> Measured:
    return Measured(np.zeros(7), np.zeros(7), None, ROS_S + stamp_s, received_s)


def stream(*came: tuple[float, float]) -> JointStateFilter:
    """What has come, as (stamp, arrival), while both clocks run alike."""
    measurements = make_filter()
    for stamp_s, received_s in came:
        measurements.add(measured(stamp_s, received_s), ROS_S + received_s)
    return measurements


def words(fault: Reason | None, cause: Cause = Cause.NO_JOINT_STATES) -> str:
    """What a fault says."""
    assert fault is not None
    assert fault.cause is cause
    return str(fault)


def times(seconds: float, rate_hz: float = 100.0, start_s: float = 0.0) -> list[float]:
    """When the samples of so long are taken."""
    return [start_s + i / rate_hz for i in range(round(seconds * rate_hz))]


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
    none = make_filter()
    assert none.age_s(1.0, ROS_S) == math.inf
    assert "have been received yet" in words(none.fault(1.0, ROS_S))
    assert "have come for more than 0.5 s" in words(stream((1.0, 1.0)).fault(2.0, ROS_S + 2.0))
    late = words(stream((1.0, 2.0)).fault(2.0, ROS_S + 2.0))
    assert "1.00 s old by their stamps" in late
    assert "clocks" in late


def test_what_is_of_no_use_is_the_reason_once_nothing_else_is_current() -> None:
    stream_ = stream((1.0, 1.0))
    stream_.rejections.refuse("not a number")
    assert stream_.fault(1.4, ROS_S + 1.4) is None
    assert words(stream_.fault(1.6, ROS_S + 1.6)) == "not a number"
    assert stream_.add(measured(1.7, 1.7), ROS_S + 1.7)
    assert stream_.fault(1.7, ROS_S + 1.7) is None
    assert stream_.rejections.refused == 1


def test_where_time_stands_still_repeated_joint_states_stay_fresh() -> None:
    """In lockstep the policy thinks as long as it likes."""
    stream_ = make_filter()
    for i in range(100):
        assert stream_.add(measured(5.0, 0.05 * i), ROS_S + 5.0)
        assert stream_.age_s(0.05 * i, ROS_S + 5.0) == 0.0
    assert stream_.fault(5.0, ROS_S + 5.0) is None


def test_joint_states_may_be_ahead_of_the_clock() -> None:
    stream_ = make_filter()
    assert stream_.add(measured(5.01, 5.0), ROS_S + 4.5)
    assert stream_.age_s(5.02, ROS_S + 4.5) == pytest.approx(0.02)
    assert stream_.fault(5.02, ROS_S + 4.5) is None


def test_what_is_overtaken_is_refused() -> None:
    stream_ = stream((1.0, 1.0), (1.02, 1.02))
    assert not stream_.add(measured(1.01, 1.03), ROS_S + 1.03)
    assert stream_.newest is not None
    assert stream_.newest.stamp_s == ROS_S + 1.02
    assert stream_.rejections.refused == 1
    assert "0.010 s older" in words(stream_.fault(2.0, ROS_S + 2.0))


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
    assert stream_.fault(10.03, ROS_S + back + 0.01) is None
    assert not stream_.add(measured(back, 10.04), ROS_S + back + 0.02)


def test_a_driver_whose_clock_was_set_back_counts_again_once_its_last_word_is_old() -> None:
    stream_ = stream((100.0, 1.0))
    came_s = [1.0 + 0.02 * (i + 1) for i in range(40)]
    counted = [stream_.add(measured(s, s), ROS_S + s) for s in came_s]
    assert counted == [s > 1.0 + OLDEST_S for s in came_s]


# What a joint can have reached.


def within_reach(sample: Measured, place: np.ndarray, reach: np.ndarray) -> bool:
    return bool((np.abs(sample.q - place) <= reach).all())


def test_ten_thousand_outliers_neither_count_nor_lock_out_what_is_true() -> None:
    """Sick samples, one to ten in a row, of an arm in any motion."""
    rng = np.random.default_rng(11)
    seen = counted = 0
    while seen < 10_000:
        rate_hz, many = float(rng.choice([50, 100, 200, 500, 1000])), int(rng.integers(1, 11))
        motion, first = moving(rng, rng.uniform()), round(0.16 * rate_hz)
        taken_s = times(0.26 + many / rate_hz, rate_hz)
        came_s = arrivals(rng, taken_s, float(rng.choice([0.0, 0.005])), 0.0)
        truth = [noisy(motion.measured(*at), rng) for at in zip(taken_s, came_s, strict=True)]
        sick = list(spoilt(rng, truth[first : first + many]))
        it = Stream()
        for sample in truth[:first]:
            assert it.add(sample)
        reach = None
        for sample, true in zip(sick, truth[first:], strict=False):
            last, outliers, refused = (
                it.filter.newest,
                it.filter.rejections.outliers,
                it.filter.rejections.refused,
            )
            assert last is not None
            if reach is None:
                passed_s = max(sample.received_s - last.received_s, true.stamp_s - last.stamp_s)
                reach = SPEED * (passed_s + 0.006) + SLACK_RAD  # the jitter, and what is allowed
            if it.add(sample):
                counted += 1
                near = within_reach(sample, last.q, reach) or within_reach(sample, true.q, reach)
                assert near or it.filter.reacquired
                reach = None
            elif it.filter.rejections.outliers > outliers:
                named = (*NAMES, "stamped", "consistent only with")
                assert any(what in it.filter.rejections.outlier for what in named)
            else:
                assert it.filter.rejections.refused == refused + 1  # it came too late
        seen += many
        again = [it.add(sample) for sample in truth[first + many :]]
        assert again[0] or it.filter.reacquired
        assert not it.filter.arm.contradicted
        if not it.filter.reacquired:
            assert it.filter.take_events() == []
    assert counted < 0.2 * seen  # those that are small enough


def test_nothing_is_amiss_in_clean_streams() -> None:
    rng = np.random.default_rng(12)
    for _ in range(200):
        rate_hz = float(rng.choice([50, 100, 250, 1000]))
        gap_s, motion = float(rng.choice([0.0, 0.3])), moving(rng, rng.uniform())
        taken_s = times(1.2, rate_hz)
        came_s = arrivals(rng, taken_s, float(rng.choice([0.0, 0.005, 0.02])), gap_s)
        it, looked_s = Stream(), 0.0
        for taken, came in zip(taken_s, came_s, strict=True):
            assert it.add(noisy(motion.measured(taken, came), rng)), it.filter.rejections.outlier
            if came > looked_s:
                looked_s = came + 0.02
                assert not it.filter.arm.contradicted
                assert it.filter.settled(came) == (taken > WINDOW_S + 2.0 / rate_hz) or (
                    WINDOW_S - EXACT_S <= taken <= WINDOW_S + 2.0 / rate_hz
                )
        assert (
            it.filter.rejections.outliers,
            it.filter.rejections.refused,
            it.filter.reacquired,
        ) == (0, 0, 0)
        assert it.filter.fault(float(came_s[-1]), ROS_S + float(came_s[-1])) is None


@given(size=st.floats(0.06, 3.0), joint=st.integers(0, 6), ahead_s=st.sampled_from([0.0, 0.1, 5.0]))
def test_an_outlier_is_counted_and_named(size: float, joint: int, ahead_s: float) -> None:
    it = Stream()
    it.play(STANDING, times(0.3))
    wrong = STANDING.measured(0.3)
    wrong.q[joint] += size
    assert not it.add(replace(wrong, stamp_s=wrong.stamp_s + ahead_s))
    assert it.filter.rejections.outliers == 1
    newest = it.filter.newest
    assert newest is not None
    assert newest.stamp_s == pytest.approx(ROS_S + 0.29)
    if ahead_s < 1.0:
        assert (
            f"'{NAMES[joint]}' is at {size:.4f} rad; it was at 0.0000 rad"
            in it.filter.rejections.outlier
        )
    else:
        assert "stamped 5.010 s later" in it.filter.rejections.outlier
    assert not it.filter.settled(0.3)
    it.play(STANDING, times(0.13, start_s=0.31))
    assert it.filter.settled(0.43)


def test_the_reach_does_not_grow_with_what_is_rejected() -> None:
    it = Stream()
    it.play(STANDING, times(0.3, 50.0))
    for i, time_s in enumerate(times(0.5, 50.0, 0.3)):
        wrong = STANDING.measured(time_s)
        wrong.q[0] = 0.1 * (-1) ** i * (1 + i % 3)
        assert not it.add(wrong)
        assert "moved by 0.0485 rad" in it.filter.rejections.outlier
    assert it.filter.rejections.outliers == 25
    assert it.filter.reacquired == 0


def test_a_stuck_offset_does_not_slip_in_where_the_arm_was() -> None:
    """The arm moves on by the offset, so that the offset samples pass where it counted last."""
    it, rng = Stream(), np.random.default_rng(3)
    motion = moving(rng)
    it.play(motion, times(0.3))
    offset = -0.08 * motion.at(0.3)[1]
    for time_s in times(0.11, start_s=0.3):
        sample = motion.measured(time_s)
        assert not it.add(replace(sample, q=sample.q + offset))
    assert it.add(motion.measured(0.41))


def test_the_first_sample_after_a_long_silence_counts() -> None:
    it = Stream()
    it.play(STANDING, times(0.3))
    moved = STANDING.measured(3.3)
    moved.q[:] = 2.0
    assert it.add(moved)
    assert not it.filter.settled(3.3)


@pytest.mark.parametrize("passes", [0.2, 1.0, 20.0])
def test_simulated_time_passes_as_fast_as_it_likes(passes: float) -> None:
    it, motion = make_filter(), moving(np.random.default_rng(4), 0.9)
    for time_s in times(2.0):
        sample = motion.measured(time_s, time_s / passes)
        assert it.add(sample, ROS_S, simulated=True)
    assert it.newest is not None
    assert not it.arm.contradicted


# An arm that is elsewhere.


@given(
    size=st.floats(0.1, 3.0),
    rate_hz=st.sampled_from([50.0, 100.0, 400.0]),
    share=st.floats(0.0, 0.9),
    seed=st.integers(0, 99),
    joints=st.sampled_from([1, 2, 4, 7]),
)
@settings(max_examples=50)
def test_an_arm_that_is_elsewhere_for_good_is_believed_after_a_while(
    size: float, rate_hz: float, share: float, seed: int, joints: int
) -> None:
    it, motion = Stream(), moving(np.random.default_rng(seed), share)
    off = size * (np.arange(7) < joints)
    it.play(motion, times(0.3, rate_hz))
    believed_s = math.inf
    for time_s in times(1.4, rate_hz, 0.3):
        sample = motion.measured(time_s)
        counts = it.add(replace(sample, q=sample.q + off))
        assert counts == bool(it.filter.reacquired)
        if counts:
            believed_s = min(believed_s, sample.received_s)
        may_move = counts and joints > 2  # else an encoder may be broken
        may_move |= sample.received_s - believed_s >= 1.0
        assert ("" if may_move else "rad") in it.filter.elsewhere(sample.received_s)
        assert bool(it.filter.elsewhere(sample.received_s)) == (not may_move)
        assert time_s < 0.3 + max(WINDOW_S, 10.0 / rate_hz) + 2.1 / rate_hz or counts
        assert time_s >= 0.3 + WINDOW_S - 1.0 / rate_hz - EXACT_S or not counts
    assert it.filter.reacquired == 1
    (event,) = it.filter.take_events()
    assert "are accepted again" in event
    assert it.filter.settled(1.7 - 1.0 / rate_hz)


def test_samples_that_do_not_agree_are_never_believed() -> None:
    """Velocities that belong to no such motion."""
    it = Stream()
    it.play(STANDING, times(0.3))
    for time_s in times(1.0, start_s=0.3):
        sample = STANDING.measured(time_s)
        assert not it.add(replace(sample, q=sample.q + 1.0, dq=sample.dq + 2.0))
    assert "is at 1.0000 rad" in words(it.filter.fault(1.3, ROS_S + 1.3))


def test_a_scene_is_reset_while_simulated_time_stands_still() -> None:
    it = make_filter()
    for time_s in times(0.3):
        assert it.add(STANDING.measured(time_s), ROS_S, simulated=True)
    for i in range(10):
        sample = STANDING.measured(0.3, 0.3 + 0.05 * i)
        assert it.add(replace(sample, q=sample.q + 1.0), ROS_S, simulated=True) == (i >= 4)
    assert it.reacquired == 1
    assert it.fault(0.8, ROS_S + 0.3) is None
    assert it.elsewhere(0.8) == ""  # such a clock is a simulator's, and so is the arm


# Velocities.


@given(
    factor=st.sampled_from([-1.0, 0.0, 2.5, 57.3]),
    share=st.floats(0.3, 1.0),
    seed=st.integers(0, 99),
    rate_hz=st.sampled_from([50.0, 100.0, 1000.0]),
)
@settings(max_examples=50)
def test_velocities_that_the_positions_contradict_are_not_believed(
    factor: float, share: float, seed: int, rate_hz: float
) -> None:
    it, motion = Stream(), moving(np.random.default_rng(seed), share)
    for time_s in times(0.2, rate_hz):
        sample = motion.measured(time_s)
        assert it.add(replace(sample, dq=factor * sample.dq))
    assert it.filter.arm.contradicted
    assert not it.filter.settled(0.2)
    newest, lag_s = it.filter.newest, 0.5 * WINDOW_S + 1.0 / rate_hz
    assert newest is not None
    for joint in it.filter.arm.contradicted:
        true = motion.at(0.2 - 1.0 / rate_hz - 0.5 * WINDOW_S)[1][joint]
        assert newest.dq[joint] == pytest.approx(true, abs=15.0 * lag_s * 0.5)
    said = words(it.filter.fault(0.2, ROS_S + 0.2))
    assert f"'{NAMES[it.filter.arm.contradicted[0]]}'" in said
    assert it.filter.unknown(0.2, ROS_S + 0.2) is None  # where it is, is known


def test_an_arm_that_stands_stands_whatever_its_driver_says() -> None:
    it, rng = Stream(), np.random.default_rng(5)
    false = np.array([0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0])
    for time_s in times(0.5):
        assert it.add(noisy(replace(STANDING.measured(time_s), dq=false), rng, 2e-5))
    assert it.filter.arm.contradicted == (1,)
    assert it.filter.newest is not None
    assert it.filter.newest.speed_rad_s < 1e-3
    said = words(it.filter.fault(0.5, ROS_S + 0.5))
    assert "report 0.80 rad/s for 'joint2', whose position has not moved" in said
    it.play(STANDING, times(0.3, start_s=0.5))
    assert it.filter.fault(0.8, ROS_S + 0.8) is None
    assert it.filter.settled(0.8)


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 1000.0])
@pytest.mark.parametrize("speed", [-2.0, 2.0])
def test_one_false_velocity_is_no_contradiction(rate_hz: float, speed: float) -> None:
    it = Stream()
    for i, time_s in enumerate(times(0.4, rate_hz)):
        sample = STANDING.measured(time_s)
        assert it.add(replace(sample, dq=np.full(7, speed if i == rate_hz // 5 else 0.0)))
        assert not it.filter.arm.contradicted


# Whoever else publishes.


def test_numbers_that_fall_again_and_again_tell_of_a_second_publisher() -> None:
    it = make_filter()
    for i, time_s in enumerate(times(1.0)):
        it.count_publishers(900 + i // 2 if i % 2 else i // 2, time_s)
        it.add(STANDING.measured(time_s), ROS_S + time_s)
    said = words(it.fault(1.0, ROS_S + 1.0), Cause.SECOND_PUBLISHER)
    assert "ros2 topic info -v" in said
    assert "joint7" in said
    assert it.take_events() == [said]
    for i, time_s in enumerate(times(2.2, start_s=1.0)):
        it.count_publishers(2000 + i, time_s)
        it.add(STANDING.measured(time_s), ROS_S + time_s)
        assert (it.fault(time_s, ROS_S + time_s) is None) == (time_s > 2.98 + EXACT_S)


@pytest.mark.parametrize("first", [[1, 1, 2, 2, 3, 3], [5, 5, 6, 6], [7, 8, 8, 9, 9]])
def test_publishers_that_began_together_are_two_as_well(first: list[int]) -> None:
    it = make_filter()
    for i, number in enumerate(first):
        it.count_publishers(number, 0.01 * i)
    words(it.fault(0.1, ROS_S), Cause.SECOND_PUBLISHER)


@pytest.mark.parametrize(
    "numbers", [[1, 2, 3, 900, 901], [900, 901, 1, 2, 3], [None, None, None, 1, 2], [3, 8, 20]]
)
def test_a_publisher_that_is_restarted_is_one(numbers: Sequence[int | None]) -> None:
    it = make_filter()
    for i, number in enumerate(numbers):
        it.count_publishers(number, 0.01 * i)
        it.add(STANDING.measured(0.01 * i), ROS_S + 0.01 * i)
    assert it.fault(0.05, ROS_S + 0.05) is None


@given(share=st.floats(0.0, 1.0), size=st.floats(0.2, 2.0), rate_hz=st.sampled_from([100.0, 400.0]))
@settings(max_examples=20)
def test_two_arms_that_take_turns_are_two(share: float, size: float, rate_hz: float) -> None:
    """Where the middleware does not number messages, their positions tell."""
    it, motion = Stream(), moving(np.random.default_rng(6), share)
    for i, time_s in enumerate(times(0.5, rate_hz)):
        one = motion.measured(time_s)
        it.add(replace(one, q=one.q + size) if i % 2 and time_s > 0.2 else one)
    words(it.filter.fault(0.5, ROS_S + 0.5), Cause.SECOND_PUBLISHER)
    assert it.filter.reacquired == 0


# The gripper.


def test_the_finger_has_an_age_of_its_own() -> None:
    it = Stream(make_filter("finger"))
    it.play(STANDING, times(0.3))
    it.filter.strangers = ("left_finger", "right_finger")
    said = words(it.filter.fault(0.3, ROS_S + 0.3))
    assert "gripper's joint 'finger' have been received; those beside the arm's are of" in said
    assert "['left_finger', 'right_finger']" in said
    assert "'gripper_joint'" in said
    it.filter.add_finger(0.04, ROS_S + 0.3, 0.3)
    assert it.filter.newest is not None
    assert it.filter.newest.finger_m == 0.04
    it.play(STANDING, times(0.6, start_s=0.3))
    assert it.filter.fault(0.79, ROS_S + 0.79) is None
    said = words(it.filter.fault(0.85, ROS_S + 0.85))
    assert "'finger' are 0.55 s old" in said
    assert it.filter.unknown(0.85, ROS_S + 0.85) is None


def test_joints_of_somebody_else_are_named() -> None:
    it = make_filter()
    it.strangers = ("fr3_joint1",)
    said = words(it.fault(0.0, ROS_S))
    assert "'joint1'" in said
    assert "'fr3_joint1'" in said

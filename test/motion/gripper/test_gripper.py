# SPDX-License-Identifier: Apache-2.0
"""The fingers move at their step, at their speed, and never let go between two chunks."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vera_ros.motion.causes import MotionRefusedError
from vera_ros.motion.gripper.debounce import Command, debounce
from vera_ros.motion.gripper.gripper import Gripper
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import GripperLimits, Limits
from vera_ros.motion.safety.gate import Gate

from ..conftest import Published

CLOSES = st.lists(st.booleans(), min_size=1, max_size=16)


def gripper_at(limits: GripperLimits, position_m: float, debounce_steps: int = 1) -> Gripper:
    gripper = Gripper(limits, debounce_steps)
    gripper.measured(position_m)
    return gripper


def steps(count: int, dt_s: float = 0.05) -> list[float]:
    return [number * dt_s for number in range(count)]


def test_nothing_to_change_is_no_motion(gripper_limits: GripperLimits) -> None:
    assert gripper_at(gripper_limits, 0.04).plan([False] * 10, steps(10), 0.0).trajectory is None
    assert gripper_at(gripper_limits, 0.0).plan([True] * 10, steps(10), 0.0).trajectory is None


@pytest.mark.parametrize(("start", "close", "goal"), [(0.04, True, 0.0), (0.0, False, 0.04)])
@pytest.mark.parametrize("step", [0, 1, 7])
def test_motion_begins_at_its_step_and_runs_at_the_speed_given(
    gripper_limits: GripperLimits, start: float, close: bool, goal: float, step: int
) -> None:
    commands = [not close] * step + [close] * (10 - step)
    plan = gripper_at(gripper_limits, start).plan(commands, steps(10), 5.0).trajectory
    assert plan is not None
    knots = np.append(0.0, plan.times_s), np.append(plan.start_m, plan.positions_m)
    begin = 0.05 * step
    assert np.interp(begin, *knots) == pytest.approx(start)
    assert np.interp(begin + 0.1, *knots) == pytest.approx(start + np.sign(goal - start) * 0.01)
    assert plan.times_s[-1] == pytest.approx(begin + 0.4)
    assert plan.positions_m[-1] == pytest.approx(goal, abs=1e-9)


@given(
    close=CLOSES,
    start=st.floats(0.0, 0.04),
    widths=st.lists(st.floats(0.01, 1.0), min_size=16, max_size=16),
    lead_s=st.floats(0.0, 0.2),
)
def test_every_plan_passes_the_gate_and_ends_at_the_last_command(
    arm: ArmModel,
    limits: Limits,
    gripper_limits: GripperLimits,
    close: list[bool],
    start: float,
    widths: list[float],
    lead_s: float,
) -> None:
    begins = (lead_s + np.cumsum([0.0, *widths[: len(close) - 1]])).tolist()
    plan = gripper_at(gripper_limits, start).plan(close, begins, 1.0).trajectory
    goal = 0.0 if close[-1] else 0.04
    if plan is None:
        assert start == pytest.approx(goal, abs=1e-6)
        return
    Gate(arm, limits, gripper_limits, lambda *_: None, lambda *_: None).check_gripper(plan)
    assert plan.positions_m[-1] == pytest.approx(goal, abs=1e-6)


@given(first=CLOSES, second=CLOSES, overlap_s=st.floats(0.0, 2.0))
def test_the_next_chunk_goes_on_where_the_fingers_are_commanded(
    gripper_limits: GripperLimits, first: list[bool], second: list[bool], overlap_s: float
) -> None:
    gripper = gripper_at(gripper_limits, 0.04)
    gripper.commanded(gripper.plan(first, steps(len(first)), 10.0), 10.0)
    now_s = 10.0 + overlap_s
    expected = gripper.commanded_m(now_s)
    following = gripper.plan(second, steps(len(second)), now_s).trajectory
    if following is not None:
        assert following.start_m == expected


def test_a_grip_is_never_let_go_between_chunks(gripper_limits: GripperLimits) -> None:
    gripper = gripper_at(gripper_limits, 0.04)
    gripper.commanded(gripper.plan([True] * 10, steps(10), 0.0), 0.0)
    gripper.measured(0.02)  # the fingers stand on a cube: what is commanded stays closed
    assert gripper.commanded_m(2.0) == pytest.approx(0.0, abs=1e-9)
    assert gripper.plan([True] * 10, steps(10), 2.0).trajectory is None


def test_unknown_fingers_are_never_moved(
    published: Published, gripper_limits: GripperLimits
) -> None:
    gripper = Gripper(gripper_limits)
    gripper.measured(np.nan)
    assert not gripper.known
    plan = gripper.plan([True], [0.0], 0.0).trajectory
    assert plan is not None
    with pytest.raises(MotionRefusedError):
        published.gate.send_gripper(plan, 0.0)


def test_fingers_are_measured_again_after_somebody_else_moved_them(
    gripper_limits: GripperLimits,
) -> None:
    """The times of the forgotten motion stayed, and asking for the position failed."""
    gripper = gripper_at(gripper_limits, 0.04)
    gripper.commanded(gripper.plan([True] * 3, steps(3), 0.0), 0.0)
    gripper.forget()
    assert not gripper.known
    gripper.measured(0.03)
    assert gripper.commanded_m(1.0) == 0.03


def test_measurements_beyond_the_travel_are_taken_as_its_end(gripper_limits: GripperLimits) -> None:
    assert gripper_at(gripper_limits, 0.041).commanded_m(0.0) == 0.04
    assert gripper_at(gripper_limits, -0.001).commanded_m(0.0) == 0.0


# Hand-over: a chunk replaces another one while it plays.


@given(
    first=CLOSES,
    second=CLOSES,
    debounce_steps=st.integers(1, 3),
    elapsed_s=st.floats(0.0, 1.0),
    lead_s=st.floats(0.0, 0.3),
    start=st.floats(0.0, 0.04),
)
def test_until_its_first_action_the_old_command_goes_on_as_it_was(
    arm: ArmModel,
    limits: Limits,
    gripper_limits: GripperLimits,
    first: list[bool],
    second: list[bool],
    debounce_steps: int,
    elapsed_s: float,
    lead_s: float,
    start: float,
) -> None:
    gripper = gripper_at(gripper_limits, start, debounce_steps)
    began_s = 1.7e9  # where floats are 0.2 us apart
    gripper.commanded(gripper.plan(first, steps(len(first)), began_s), began_s)
    now_s = began_s + elapsed_s
    times_s = now_s + np.linspace(0.0, lead_s, 20)
    old = [gripper.commanded_m(time_s) for time_s in times_s]
    begins = [lead_s + begin for begin in steps(len(second))]
    plan = gripper.plan(second, begins, now_s)
    if plan.trajectory is not None:
        Gate(arm, limits, gripper_limits, lambda *_: None, lambda *_: None).check_gripper(
            plan.trajectory
        )
    gripper.commanded(plan, now_s)
    np.testing.assert_allclose([gripper.commanded_m(t) for t in times_s], old, atol=2e-6)
    end = plan.commands[-1].close
    if end is not None:
        assert gripper.commanded_m(now_s + 10.0) == pytest.approx(0.0 if end else 0.04, abs=2e-6)


@given(close=CLOSES, cut=st.integers(0, 15), debounce_steps=st.integers(1, 3))
def test_a_chunk_that_goes_on_with_the_same_commands_changes_nothing(
    gripper_limits: GripperLimits, close: list[bool], cut: int, debounce_steps: int
) -> None:
    gripper = gripper_at(gripper_limits, 0.04, debounce_steps)
    gripper.commanded(gripper.plan(close, steps(len(close)), 100.0), 100.0)
    rest = close[min(cut, len(close) - 1) :]
    now_s = 100.0 + 0.05 * (len(close) - len(rest)) - 0.02
    plan = gripper.plan(rest, [0.02 + begin for begin in steps(len(rest))], now_s)
    if len(close) == len(rest):  # nothing was played: the same plan, made earlier
        assert plan.commands == debounced(close, debounce_steps)
    assert plan.trajectory is None


def debounced(close: list[bool], debounce_steps: int) -> tuple[Command, ...]:
    return debounce(close, Command(), debounce_steps)


def test_a_close_that_was_not_reached_does_not_happen(gripper_limits: GripperLimits) -> None:
    gripper = gripper_at(gripper_limits, 0.04, 2)
    gripper.commanded(gripper.plan([False] * 6 + [True] * 4, steps(10), 0.0), 0.0)
    assert gripper.commanded_m(9.0) == pytest.approx(0.0)
    plan = gripper.plan([False] * 10, [0.02 + begin for begin in steps(10)], 0.18)
    assert plan.trajectory is not None
    np.testing.assert_allclose(plan.trajectory.positions_m, 0.04)
    gripper.commanded(plan, 0.18)
    assert gripper.commanded_m(9.0) == pytest.approx(0.04)


def test_chatter_moves_nothing(gripper_limits: GripperLimits) -> None:
    gripper = gripper_at(gripper_limits, 0.04, 2)
    gripper.commanded(gripper.plan([False, True] * 5, steps(10), 0.0), 0.0)
    assert gripper.commanded_m(9.0) == 0.04


@pytest.mark.parametrize(("following", "goal"), [(True, 0.0), (False, 0.04)])
def test_a_change_at_the_end_of_a_chunk_waits_for_the_next_one(
    gripper_limits: GripperLimits, following: bool, goal: float
) -> None:
    gripper = gripper_at(gripper_limits, 0.04, 2)
    plan = gripper.plan([False] * 9 + [True], steps(10), 0.0)
    assert plan.trajectory is None
    gripper.commanded(plan, 0.0)
    plan = gripper.plan([following] + [False] * 9, steps(10), 0.5)
    begins = None if plan.trajectory is None else plan.trajectory.times_s[0]
    assert begins == (pytest.approx(0.05) if following else None)  # one action of closing
    gripper.commanded(gripper.plan([following] * 10, steps(10), 0.5), 0.5)
    assert gripper.commanded_m(9.0) == pytest.approx(goal)


def test_another_session_remembers_nothing(gripper_limits: GripperLimits) -> None:
    gripper = gripper_at(gripper_limits, 0.04, 2)
    gripper.commanded(gripper.plan([False] * 9 + [True], steps(10), 0.0), 0.0)
    gripper.forget()
    gripper.measured(0.04)
    assert gripper.plan([True], steps(1), 1.0).trajectory is None


# A stop.


@given(
    close=CLOSES,
    elapsed_s=st.floats(0.0, 1.0) | st.integers(0, 20).map(lambda steps: 0.05 * steps),
    debounce_steps=st.integers(1, 3),
    lead_s=st.floats(0.001, 0.15) | st.sampled_from([0.0125, 0.05, 0.1, 0.15]),
)
def test_a_stop_ends_the_move_under_way_and_begins_no_other(
    gripper_limits: GripperLimits,
    close: list[bool],
    elapsed_s: float,
    debounce_steps: int,
    lead_s: float,
) -> None:
    gripper = gripper_at(gripper_limits, 0.02, debounce_steps)
    gripper.commanded(gripper.plan(close, steps(len(close)), 1.7e9), 1.7e9)
    now_s = 1.7e9 + elapsed_s
    times_s = now_s + np.linspace(0.0, 2.0, 400)
    before = np.array([gripper.commanded_m(time_s) for time_s in times_s])
    stop = gripper.plan_stop(now_s, lead_s)
    if stop.trajectory is not None:
        in_ns = np.round(stop.trajectory.points[0] * 1e9)  # with what is past
        assert (np.diff(in_ns) > 0).all()
        assert stop.trajectory.times_s[-1] > lead_s - 1e-5
    gripper.commanded(stop, now_s)
    after = np.array([gripper.commanded_m(time_s) for time_s in times_s])
    in_lead = times_s <= now_s + lead_s  # whenever it arrives by then, the fingers make no step
    np.testing.assert_allclose(after[in_lead], before[in_lead], atol=1e-6)
    changed = np.flatnonzero(np.abs(after - before) > 1e-5)
    until = changed[0] if len(changed) else len(after)
    moves = np.diff(before[:until])[times_s[: until - 1] > now_s + lead_s]
    ways = np.sign(moves[np.abs(moves) > 1e-6])
    assert len(set(ways)) <= 1
    np.testing.assert_allclose(after[until:], after[until - 1], atol=1e-3)  # it just stays there


@given(since_s=st.floats(0.0, 3000.0), steps_later=st.integers(1, 2))
@example(since_s=1.1, steps_later=1)
def test_what_began_just_as_the_sent_past_begins_is_no_point_of_its_own(
    gripper_limits: GripperLimits, since_s: float, steps_later: int
) -> None:
    """A controller refuses two points at one nanosecond, and the stop with them."""
    gripper = gripper_at(gripper_limits, 0.04)
    close = [True] * 3 + [False] * 7
    gripper.commanded(gripper.plan(close, steps(len(close)), since_s), since_s)
    stop = gripper.plan_stop(since_s + 0.05 * steps_later, 0.0125)
    assert stop.trajectory is not None
    assert (np.diff(np.round(stop.trajectory.points[0] * 1e9)) > 0).all()


def test_a_close_that_has_not_begun_is_dropped_by_a_stop(gripper_limits: GripperLimits) -> None:
    gripper = gripper_at(gripper_limits, 0.04)
    gripper.commanded(gripper.plan([False] * 5 + [True] * 5, steps(10), 3.0), 3.0)
    plan = gripper.plan_stop(3.1)
    assert plan.trajectory is not None
    np.testing.assert_array_equal(plan.trajectory.positions_m, 0.04)
    gripper.commanded(plan, 3.1)
    assert gripper.commanded_m(9.0) == 0.04
    assert gripper.plan([False], [0.0], 4.0).trajectory is None


def test_a_grip_is_kept_by_a_stop(gripper_limits: GripperLimits) -> None:
    gripper = gripper_at(gripper_limits, 0.04)
    gripper.commanded(gripper.plan([True] * 3 + [False] * 7, steps(10), 3.0), 3.0)
    gripper.commanded(gripper.plan_stop(3.05), 3.05)
    assert gripper.commanded_m(9.0) == pytest.approx(0.025)  # as far as it was going to


@given(at_s=st.floats(0.0, 1.0), lead_s=st.floats(0.01, 0.15))
def test_a_hold_ends_whatever_moves_after_its_lead(
    gripper_limits: GripperLimits, at_s: float, lead_s: float
) -> None:
    gripper = Gripper(gripper_limits)
    gripper.measured(gripper_limits.upper_m)
    starts_s = (0.1 + 0.05 * np.arange(12)).tolist()
    gripper.commanded(gripper.plan([True] * 6 + [False] * 6, starts_s, 0.0), 0.0)
    goes_on = gripper.commanded_m(at_s + lead_s)
    before = gripper.commanded_m(at_s)
    gripper.commanded(gripper.plan_hold(at_s, lead_s), at_s)
    assert gripper.commanded_m(at_s) == pytest.approx(before)
    for time_s in np.linspace(at_s + lead_s, 3.0, 20):
        assert gripper.commanded_m(float(time_s)) == pytest.approx(goes_on, abs=1e-5)


@given(close=CLOSES, start=st.floats(0.0, 0.8), debounce_steps=st.integers(1, 3))
def test_a_gripper_that_closes_upwards_is_the_mirror_of_one_that_closes_downwards(
    close: list[bool], start: float, debounce_steps: int
) -> None:
    down = GripperLimits(0.0, 0.8, 0.5, 15.0)
    one = gripper_at(down, start, debounce_steps).plan(close, steps(len(close)), 1.0)
    up = GripperLimits(0.0, 0.8, 0.5, 15.0, closes_up=True, unit="rad")
    other = gripper_at(up, 0.8 - start, debounce_steps).plan(close, steps(len(close)), 1.0)
    assert one.commands == other.commands
    assert (one.trajectory is None) == (other.trajectory is None)
    if one.trajectory is not None and other.trajectory is not None:
        np.testing.assert_allclose(one.trajectory.times_s, other.trajectory.times_s, atol=1e-9)
        np.testing.assert_allclose(
            one.trajectory.positions_m, 0.8 - other.trajectory.positions_m, atol=1e-9
        )

# SPDX-License-Identifier: Apache-2.0
"""The fingers move at their step, at their speed, and never let go between two chunks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.arm_model import ArmModel
from vera_ros.motion.causes import MotionRefusedError
from vera_ros.motion.gate import Gate, GripperLimits
from vera_ros.motion.gripper import Gripper
from vera_ros.motion.limits import Limits

from .conftest import Published

CLOSES = st.lists(st.booleans(), min_size=1, max_size=16)


def gripper_at(limits: GripperLimits, position_m: float) -> Gripper:
    gripper = Gripper(limits)
    gripper.measured(position_m)
    return gripper


def steps(count: int, dt_s: float = 0.05) -> list[float]:
    return [number * dt_s for number in range(count)]


def test_nothing_to_change_is_no_motion(gripper_limits: GripperLimits) -> None:
    assert gripper_at(gripper_limits, 0.04).plan([False] * 10, steps(10), 0.0) is None
    assert gripper_at(gripper_limits, 0.0).plan([True] * 10, steps(10), 0.0) is None


@pytest.mark.parametrize(("start", "close", "goal"), [(0.04, True, 0.0), (0.0, False, 0.04)])
@pytest.mark.parametrize("step", [0, 1, 7])
def test_motion_begins_at_its_step_and_runs_at_the_speed_given(
    gripper_limits: GripperLimits, start: float, close: bool, goal: float, step: int
) -> None:
    commands = [not close] * step + [close] * (10 - step)
    plan = gripper_at(gripper_limits, start).plan(commands, steps(10), 5.0)
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
    plan = gripper_at(gripper_limits, start).plan(close, begins, 1.0)
    goal = 0.0 if close[-1] else 0.04
    if plan is None:
        assert start == pytest.approx(goal, abs=1e-6)
        return
    Gate(arm, limits, gripper_limits, lambda _: None, lambda _: None).check_gripper(plan)
    assert plan.positions_m[-1] == pytest.approx(goal, abs=1e-6)


@given(first=CLOSES, second=CLOSES, overlap_s=st.floats(0.0, 2.0))
def test_the_next_chunk_goes_on_where_the_fingers_are_commanded(
    gripper_limits: GripperLimits, first: list[bool], second: list[bool], overlap_s: float
) -> None:
    gripper = gripper_at(gripper_limits, 0.04)
    plan = gripper.plan(first, steps(len(first)), 10.0)
    if plan is not None:
        gripper.commanded(plan, 10.0)
    now_s = 10.0 + overlap_s
    expected = gripper.commanded_m(now_s)
    following = gripper.plan(second, steps(len(second)), now_s)
    if following is not None:
        assert following.start_m == expected


def test_a_grip_is_never_let_go_between_chunks(gripper_limits: GripperLimits) -> None:
    gripper = gripper_at(gripper_limits, 0.04)
    plan = gripper.plan([True] * 10, steps(10), 0.0)
    assert plan is not None
    gripper.commanded(plan, 0.0)
    gripper.measured(0.02)  # the fingers stand on a cube: what is commanded stays closed
    assert gripper.commanded_m(2.0) == pytest.approx(0.0, abs=1e-9)
    assert gripper.plan([True] * 10, steps(10), 2.0) is None


def test_unknown_fingers_are_never_moved(
    published: Published, gripper_limits: GripperLimits
) -> None:
    gripper = Gripper(gripper_limits)
    gripper.measured(np.nan)
    assert not gripper.known
    plan = gripper.plan([True], [0.0], 0.0)
    assert plan is not None
    with pytest.raises(MotionRefusedError):
        published.gate.send_gripper(plan)


def test_fingers_are_measured_again_after_somebody_else_moved_them(
    gripper_limits: GripperLimits,
) -> None:
    """The times of the forgotten motion stayed, and asking for the position failed."""
    gripper = gripper_at(gripper_limits, 0.04)
    plan = gripper.plan([True] * 3, steps(3), 0.0)
    assert plan is not None
    gripper.commanded(plan, 0.0)
    gripper.forget()
    assert not gripper.known
    gripper.measured(0.03)
    assert gripper.commanded_m(1.0) == 0.03


def test_measurements_beyond_the_travel_are_taken_as_its_end(gripper_limits: GripperLimits) -> None:
    assert gripper_at(gripper_limits, 0.041).commanded_m(0.0) == 0.04
    assert gripper_at(gripper_limits, -0.001).commanded_m(0.0) == 0.0

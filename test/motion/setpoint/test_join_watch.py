# SPDX-License-Identifier: Apache-2.0
"""Whether a controller took up what it was sent, as the arm tells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.chunk import Measured
from vera_ros.motion.setpoint.join_watch import Join, JoinWatch
from vera_ros.motion.setpoint.setpoint import Setpoint
from vera_ros.motion.trajectory import ArmTrajectory

from ..chunks import START_Q, Vector

START_S = 1000.0
STEP_S = 0.01
STOP_AT_S, LEAD_S = 0.5, 0.0125


def motion(speed: float) -> Setpoint:
    """A set-point that moves all joints at this speed, after a start of a tenth of a second."""
    times_s = np.array([0.1, 0.5, 1.0, 1.5, 1.6])
    q = START_Q + speed * np.array([0.05, 0.45, 0.95, 1.45, 1.5])[:, None]
    dq = np.full((5, 7), speed)
    dq[-1] = 0.0
    still = np.zeros(7)
    plan = ArmTrajectory(times_s, q, dq, np.zeros((5, 7)), START_Q, still, still)
    return Setpoint.resting(START_Q).sent(plan, START_S)


def stopped(setpoint: Setpoint) -> Setpoint:
    """The same once a stop is taken up, which parts from it after its lead."""
    at_s = START_S + STOP_AT_S + LEAD_S
    state = setpoint.state(at_s)
    assert state is not None
    q, dq, ddq = state
    rest = ArmTrajectory(
        np.array([0.1]), (q + 0.05 * dq)[None], np.zeros((1, 7)), np.zeros((1, 7)), q, dq, ddq
    )
    return setpoint.sent(rest, at_s)


class Arm:
    """An arm that follows its set-point late and with an offset."""

    def __init__(self, delay_s: float, offset: float, noise: float) -> None:
        self.delay_s, self.offset = delay_s, offset
        self._noise, self._rng = noise, np.random.default_rng(0)

    def measured(self, setpoint: Setpoint, time_s: float) -> Measured:
        state = setpoint.state(time_s - self.delay_s)
        assert state is not None
        noise: Vector = self._rng.uniform(-self._noise, self._noise, 7)
        return Measured(state[0] + self.offset + noise, state[1], None, time_s, 0.0)


def look_on(
    watch: JoinWatch, arm: Arm, plays: Setpoint, believed: Setpoint, times_s: Vector
) -> list[Join]:
    return [watch.update(arm.measured(plays, float(time_s)), believed) for time_s in times_s]


def ticks(from_s: float, until_s: float) -> Vector:
    return START_S + np.arange(from_s, until_s, STEP_S)


ARMS = st.builds(
    Arm, st.floats(0.0, 0.1), st.floats(-0.04, 0.04), st.sampled_from([0.0, 1e-4, 5e-4])
)


@given(arm=ARMS, speed=st.floats(0.2, 1.0))
def test_delay_is_measured_while_only_one_motion_is_possible(arm: Arm, speed: float) -> None:
    watch, plays = JoinWatch(), motion(speed)
    standing = Setpoint.resting(START_Q)
    look_on(watch, arm, standing, standing, ticks(-1.0, 0.0))
    look_on(watch, arm, plays, plays, ticks(0.2, STOP_AT_S))
    assert watch.delay_s == pytest.approx(arm.delay_s, abs=3e-3)


@pytest.mark.parametrize("late_s", [None, 0.0, 0.1])
@given(arm=ARMS, speed=st.floats(0.3, 1.0))
def test_a_stop_is_taken_up_in_time_late_or_never(
    late_s: float | None, arm: Arm, speed: float
) -> None:
    watch, before = JoinWatch(), motion(speed)
    standing = Setpoint.resting(START_Q)
    look_on(watch, arm, standing, standing, ticks(-1.0, 0.0))
    look_on(watch, arm, before, before, ticks(0.2, STOP_AT_S))
    after = stopped(before)
    parts_s = START_S + STOP_AT_S + LEAD_S
    watch.sent(after, parts_s, None)
    seen = []
    for time_s in ticks(STOP_AT_S, STOP_AT_S + 0.45):
        taken_up = late_s is not None and time_s - arm.delay_s >= parts_s + late_s
        seen.append(watch.update(arm.measured(after if taken_up else before, float(time_s)), after))
    if late_s is None:
        assert seen[-1] is Join.MISSED
        assert watch.lateness_s > 0.1
        assert {Join.JOINED, Join.LATE}.isdisjoint(seen)
    elif late_s == 0.0:
        assert Join.MISSED not in seen
        assert Join.LATE not in seen
    else:
        assert Join.JOINED not in seen
        assert Join.LATE in seen
        assert 0.0 < watch.lateness_s <= late_s + 2 * STEP_S


@pytest.mark.parametrize("period_s", [0.001, 0.002])
@given(speed=st.floats(0.1, 1.0), seed=st.integers(0, 99))
def test_joint_states_that_are_stamped_anywhere_in_a_period_tell_of_no_late_trajectory(
    period_s: float, speed: float, seed: int
) -> None:
    """Such an arm is where it is to be at the end of the period."""
    watch, before = JoinWatch(), motion(speed)
    after, rng = stopped(before), np.random.default_rng(seed)
    parts_s = START_S + STOP_AT_S + LEAD_S
    seen: list[Join] = []
    for time_s in ticks(0.2, 0.9):
        ahead_s = rng.uniform(0.0, period_s) if rng.random() < 0.3 else 0.0
        if time_s == ticks(0.2, STOP_AT_S)[-1]:
            watch.sent(after, parts_s, None)
        plays = after if time_s + ahead_s >= parts_s else before
        believed = after if seen and time_s >= parts_s else before
        seen.append(watch.update(Arm(-ahead_s, 0.0, 0.0).measured(plays, float(time_s)), believed))
    assert Join.JOINED in seen
    assert {Join.MISSED, Join.LATE}.isdisjoint(seen)


def test_a_first_trajectory_is_compared_with_nothing() -> None:
    watch = JoinWatch()
    first = Setpoint().sent(
        ArmTrajectory(
            np.array([1.0]),
            START_Q[None] + 0.3,
            np.zeros((1, 7)),
            np.zeros((1, 7)),
            START_Q,
            np.zeros(7),
            np.zeros(7),
        ),
        START_S,
    )
    watch.sent(first, START_S, None)
    arm = Arm(0.0, 0.0, 0.0)
    assert set(look_on(watch, arm, first, first, ticks(0.0, 1.0))) == {Join.OPEN}


@given(st.floats(0.035, 0.3), st.integers(0, 6), st.sampled_from([-1.0, 1.0]))
def test_an_arm_that_something_holds_tells_of_no_late_trajectory(
    off_rad: float, joint: int, sign: float
) -> None:
    """It stands short of where it was sent, and stays there: as if it had missed what is new."""
    watch, before = JoinWatch(), Setpoint.resting(START_Q)
    held = START_Q.copy()
    held[joint] -= sign * off_rad
    further = ArmTrajectory(
        np.array([0.2]),
        (START_Q + sign * 0.1 * np.eye(7)[joint])[None],
        np.zeros((1, 7)),
        np.zeros((1, 7)),
        START_Q,
        np.zeros(7),
        np.zeros(7),
    )
    setpoint, still = before.sent(further, START_S), np.zeros(7)
    watch.sent(setpoint, START_S + LEAD_S, Measured(held, still, None, START_S, 0.0))
    for stamp_s in np.arange(START_S, START_S + 0.6, STEP_S):
        assert watch.update(Measured(held, still, None, stamp_s, 0.0), setpoint) is Join.OPEN

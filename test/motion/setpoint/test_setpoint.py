# SPDX-License-Identifier: Apache-2.0
"""What a controller commands, by what it was sent: the rules are those of the simulated one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.setpoint.setpoint import PAST_S, UNKNOWN, Setpoint
from vera_ros.motion.trajectory import ArmTrajectory
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.trajectory import TrajectoryPoints

from ..chunks import START_Q, Vector, vectors

NAMES = tuple(f"joint{number}" for number in range(1, 8))
START_S = 1.7e9
RATES_HZ = (100, 500, 1000)


def swing(q: Vector, dq: Vector, ddq: Vector, by: Vector, duration_s: float) -> ArmTrajectory:
    """Quintic pieces from a state to a rest elsewhere, with knots at odd times."""
    times_s = np.linspace(0.0, duration_s, 9)[1:] ** 1.1
    s = (times_s / times_s[-1])[:, None]
    rest = np.zeros((len(times_s), 7))
    via = q + by * (10 * s**3 - 15 * s**4 + 6 * s**5)
    speed = by * (30 * s**2 - 60 * s**3 + 30 * s**4) / times_s[-1]
    speed[-1] = 0.0
    return ArmTrajectory(times_s, via, speed, rest, q, dq, ddq)


def at_rest(by: Vector, duration_s: float = 0.8) -> ArmTrajectory:
    return swing(START_Q, np.zeros(7), np.zeros(7), by, duration_s)


def message(trajectory: ArmTrajectory, start_s: float) -> tuple[TrajectoryPoints, int]:
    """What is sent: its points, and its stamp [ns]."""
    points = trajectory.points
    times_s = points.times_s - points.times_s[0]
    stamp_ns = round((start_s + points.times_s[0]) * 1e9)
    return TrajectoryPoints(times_s, points.q, points.dq, points.ddq), stamp_ns


def with_past(trajectory: ArmTrajectory, setpoint: Setpoint, start_s: float) -> ArmTrajectory:
    """The trajectory as the gate sends it."""
    return replace(trajectory, past=setpoint.past(start_s, PAST_S))


def test_nothing_is_known_before_something_was_sent() -> None:
    assert UNKNOWN.state(START_S) is None
    assert UNKNOWN.end_q is None
    assert UNKNOWN.past(START_S, PAST_S) is None
    assert not UNKNOWN.moves(START_S)


def test_a_resting_setpoint_has_been_there_and_stays() -> None:
    setpoint = Setpoint.resting(START_Q)
    for time_s in (START_S, START_S + 1e4):
        state = setpoint.state(time_s)
        assert state is not None
        np.testing.assert_array_equal(state[0], START_Q)
        assert not np.any(state[1:])
    past = setpoint.past(START_S, PAST_S)
    assert past is not None
    np.testing.assert_array_equal(past.q, START_Q[None])


def test_what_was_before_the_first_trajectory_is_not_known() -> None:
    setpoint = UNKNOWN.sent(at_rest(np.full(7, 0.1)), START_S + 0.3)
    assert setpoint.state(START_S + 0.29) is None
    assert setpoint.state(START_S + 0.3) is not None
    assert setpoint.before is None


@given(by=vectors(-0.4, 0.4, 7), elapsed_s=st.floats(0.0, 1.0))
def test_the_past_is_what_was_played(by: Vector, elapsed_s: float) -> None:
    setpoint = Setpoint.resting(START_Q).sent(at_rest(by), START_S)
    past = setpoint.past(START_S + elapsed_s, PAST_S)
    if past is None:
        assert elapsed_s < 1e-3
        return
    assert past.times_s[0] >= -PAST_S - 1e-6
    assert (np.diff(past.times_s, append=0.0) > 0.0).all()
    for row, time_s in enumerate(past.times_s):
        state = setpoint.state(START_S + elapsed_s + float(time_s))
        assert state is not None
        np.testing.assert_allclose(past.q[row], state[0], atol=1e-6)
        np.testing.assert_allclose(past.dq[row], state[1], atol=1e-5)


@pytest.mark.parametrize("open_loop", [True, False])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
@given(
    by=vectors(-0.4, 0.4, 7),
    elapsed_s=st.floats(0.1, 0.6),
    lead_s=st.sampled_from([0.0125, 0.05, 0.1]),
    share=st.floats(-1.0, 0.99),
    lag=st.integers(0, 20),
)
def test_whatever_arrives_within_its_lead_is_no_step(
    open_loop: bool,
    rate_hz: int,
    by: Vector,
    elapsed_s: float,
    lead_s: float,
    share: float,
    lag: int,
) -> None:
    """A stop that was taken up late, or a little early, made a step of up to 50 mrad."""
    standing = Setpoint.resting(START_Q)
    first = with_past(at_rest(by), standing, START_S)
    setpoint = standing.sent(first, START_S)
    now_s = START_S + elapsed_s
    state, until = setpoint.state(now_s), setpoint.state(now_s + lead_s)
    assert state is not None
    assert until is not None
    # A stop of sorts: as it was for the lead, then to a rest not far away.
    rest_q = until[0] + 0.1 * until[1]
    raw = ArmTrajectory(
        np.array([lead_s, lead_s + 0.3]),
        np.stack((until[0], rest_q)),
        np.stack((until[1], np.zeros(7))),
        np.stack((until[2], np.zeros(7))),
        *state,
    )
    stop = with_past(setpoint.continued(raw, now_s, lead_s), setpoint, now_s)
    arrives_s = now_s + (0.02 if share < 0.0 else lead_s) * share

    period_ns = 10**9 // rate_hz
    follower = TrajectoryFollower(NAMES, START_Q, open_loop=open_loop, period_s=1.0 / rate_hz)
    cycles = [round(START_S * 1e9) + number * period_ns for number in range(-3, rate_hz)]
    commands: list[Vector] = [START_Q]
    waiting = [
        (START_S - 0.02, *message(first, START_S)),
        (arrives_s, *message(stop, now_s)),
    ]
    for cycle_ns in cycles:
        while waiting and waiting[0][0] * 1e9 <= cycle_ns:
            _, points, stamp_ns = waiting.pop(0)
            follower.accept(NAMES, points, stamp_ns, cycle_ns)
        seen = commands[max(0, len(commands) - 1 - lag)]  # of an arm that lags
        commands.append(follower.update(cycle_ns, seen, np.zeros(7)).q)
    after = setpoint.sent(stop, now_s)
    for cycle_ns, command in zip(cycles, commands[1:], strict=True):
        time_s = (cycle_ns + period_ns) * 1e-9
        believed = after if time_s >= now_s else setpoint
        expected = believed.state(time_s)
        assert expected is not None
        np.testing.assert_allclose(command, expected[0], atol=5e-5)


def test_a_trajectory_that_never_came_leaves_the_one_before() -> None:
    first, second = at_rest(np.full(7, 0.2)), at_rest(np.full(7, -0.2))
    before = Setpoint.resting(START_Q).sent(first, START_S)
    after = before.sent(second, START_S + 1.0)
    again = after.reverted()
    assert again.known
    state, expected = again.state(START_S + 1.2), before.state(START_S + 1.2)
    assert state is not None
    assert expected is not None
    np.testing.assert_array_equal(state[0], expected[0])
    assert not UNKNOWN.sent(first, START_S).reverted().known


def test_a_controller_that_was_away_may_command_anything() -> None:
    setpoint = Setpoint.resting(START_Q).sent(at_rest(np.full(7, 0.2)), START_S).doubted()
    assert setpoint.state(START_S + 0.5) is None
    assert setpoint.end_q is None
    assert setpoint.last_q is not None
    np.testing.assert_allclose(setpoint.last_q, START_Q + 0.2)


@given(by_s=st.floats(-100.0, 100.0))
def test_a_clock_that_was_set_shifts_all_of_it(by_s: float) -> None:
    setpoint = Setpoint.resting(START_Q).sent(at_rest(np.full(7, 0.2)), START_S)
    state, shifted = setpoint.state(START_S + 0.3), setpoint.later(by_s).state(START_S + 0.3 + by_s)
    assert state is not None
    assert shifted is not None
    np.testing.assert_allclose(state[0], shifted[0], atol=1e-6)

# SPDX-License-Identifier: Apache-2.0
"""The follower: what a joint_trajectory_controller does with a trajectory, rule by rule."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import BPoly

from vera_ros.errors import TrajectoryRejectedError
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.trajectory import Setpoint, TrajectoryPoints

Array = NDArray[np.float64]

JOINTS = ("a", "b")
START = np.array([0.5, -0.5])
REST = np.zeros(2)
MS = 1_000_000
NOW_NS = 1_700_000_000_000 * MS
PERIOD_NS = 2 * MS
NAN, INF = float("nan"), float("inf")

seeds = st.integers(0, 2**32 - 1)
rates_hz = st.sampled_from([100, 500, 1000])


def accept(
    follower: TrajectoryFollower,
    points: TrajectoryPoints,
    *,
    stamp_ns: int = 0,
    now_ns: int = NOW_NS,
    joints: Sequence[str] = JOINTS,
) -> None:
    follower.accept(joints, points, stamp_ns, now_ns)


def follower_with(
    points: TrajectoryPoints, stamp_ns: int = 0, *, open_loop: bool = False
) -> TrajectoryFollower:
    """Return one that has a trajectory and has run no cycle yet."""
    follower = TrajectoryFollower(JOINTS, START, open_loop=open_loop)
    accept(follower, points, stamp_ns=stamp_ns)
    return follower


def cycles(
    follower: TrajectoryFollower,
    numbers: Iterable[int],
    *,
    period_ns: int = PERIOD_NS,
    q: ArrayLike = START,
    dq: ArrayLike = REST,
) -> list[Setpoint]:
    """Run these cycles, of which number 0 is at NOW_NS, and return their commands."""
    return [follower.update(NOW_NS + number * period_ns, q, dq) for number in numbers]


def command(follower: TrajectoryFollower, q: ArrayLike = START, dq: ArrayLike = REST) -> Setpoint:
    """Run the cycle at NOW_NS."""
    return cycles(follower, [0], q=q, dq=dq)[0]


def random_points(seed: int, degree: int) -> TrajectoryPoints:
    """Return five points with positions, then velocities, then accelerations, at rest at last."""
    rng = np.random.default_rng(seed)
    times_s = np.cumsum(rng.integers(10, 70, 5)) * 1e-3
    q, dq, ddq = rng.uniform(-1, 1, (3, 5, 2))
    dq[-1] = 0
    return TrajectoryPoints(
        times_s.tolist(), q, dq if degree > 1 else None, ddq if degree > 3 else None
    )


def spline(times_s: Sequence[float], *rows: ArrayLike) -> BPoly:
    """The spline through these positions, velocities and accelerations."""
    return BPoly.from_derivatives(times_s, list(zip(*np.asarray(rows), strict=True)))


# The cycle.


@given(seeds, st.sampled_from([1, 3, 5]))
def test_a_command_is_where_the_trajectory_is_a_period_later(seed: int, degree: int) -> None:
    points = random_points(seed, degree)
    rows = np.array([points.positions, points.velocities, points.accelerations][: degree // 2 + 1])
    before = np.array([[START], [REST], [REST]])[: degree // 2 + 1]
    expected = spline([0.0, *points.times_s], *np.concatenate((before, rows), axis=1))
    count = round(points.times_s[-1] / 0.002) - 1
    commands = cycles(follower_with(points), range(count))
    times_s = 0.002 * np.arange(1, count + 1)
    found = np.array([[setpoint.q, setpoint.dq, setpoint.ddq] for setpoint in commands])
    np.testing.assert_allclose(found[:, 0], expected(times_s), atol=1e-11)
    inside = np.abs(np.subtract.outer(times_s, points.times_s)).min(axis=1) > 1e-6
    for order in (1, 2):
        derivative = expected.derivative(order)(times_s[inside]) if order <= degree else 0.0
        np.testing.assert_allclose(found[inside, order], derivative, rtol=1e-9, atol=1e-7)


def test_positions_alone_are_joined_by_lines() -> None:
    follower = follower_with(TrajectoryPoints([1.0, 2.0], [[1.5, -0.5], [1.5, 0.5]]))
    setpoint = cycles(follower, range(125))[-1]
    np.testing.assert_allclose(setpoint.q, [0.75, -0.5])
    np.testing.assert_allclose(setpoint.dq, [1.0, 0.0])
    np.testing.assert_allclose(setpoint.ddq, 0.0)
    np.testing.assert_allclose(cycles(follower, range(125, 750))[-1].q, [1.5, 0.0])


def test_a_cubic_segment_needs_velocities_at_both_ends() -> None:
    points = TrajectoryPoints([1.0, 2.0], [[1.0, 1.0], [3.0, 3.0]], [[], [0.0, 0.0]])
    setpoint = cycles(follower_with(points), range(625))[-1]
    np.testing.assert_allclose(setpoint.q, 1.5)
    np.testing.assert_allclose(setpoint.dq, 2.0)


def test_a_new_follower_holds_its_position() -> None:
    setpoint = command(TrajectoryFollower(JOINTS, START), q=START + 0.1)
    np.testing.assert_array_equal(setpoint.q, START)
    np.testing.assert_array_equal(setpoint.dq, 0)
    assert not setpoint.active


def test_without_a_stamp_it_starts_with_the_cycle_that_takes_it() -> None:
    follower = TrajectoryFollower(JOINTS, START)
    cycles(follower, range(3))
    accept(follower, TrajectoryPoints([0.0, 0.1], [[0.0, 0.0], [1.0, 1.0]]), now_ns=NOW_NS + 5 * MS)
    np.testing.assert_allclose([c.q[0] for c in cycles(follower, (3, 4))], [0.02, 0.04])


def test_of_the_messages_between_two_cycles_only_the_last_counts() -> None:
    follower = follower_with(TrajectoryPoints([0.0, 1.0], [[8.0, 8.0], [9.0, 9.0]]))
    accept(follower, TrajectoryPoints([0.0], [[2.0, 3.0]]))
    np.testing.assert_array_equal(command(follower).q, [2.0, 3.0])


def test_a_running_trajectory_goes_on_by_periods_whatever_the_clock_does() -> None:
    follower = follower_with(TrajectoryPoints([0.0, 1.0], [[0.0, 0.0], [1.0, 1.0]]))
    assert command(follower).q[0] == pytest.approx(0.002)
    for jump_ns, elapsed_ns, position in ((7000 * MS, None, 0.004), (-7000 * MS, 5 * MS, 0.009)):
        setpoint = follower.update(NOW_NS + jump_ns, START, REST, elapsed_ns)
        assert setpoint.q[0] == pytest.approx(position, abs=1e-12)


def test_a_clock_that_was_set_back_holds_an_open_loop_start_up() -> None:
    """Nothing is commanded before the time of the last command."""
    follower = TrajectoryFollower(JOINTS, START, open_loop=True)
    cycles(follower, [10])
    accept(follower, TrajectoryPoints([0.1], [[1.0, 1.0]], [REST]))
    commands = [setpoint.q[0] for setpoint in cycles(follower, range(12))]
    np.testing.assert_array_equal(commands[:10], 0.5)
    assert commands[10] > 0.5


# Before the first point.


@given(seeds)
def test_it_starts_from_the_measured_state(seed: int) -> None:
    """Which is that of the cycle that takes the trajectory, and has no acceleration."""
    rng = np.random.default_rng(seed)
    ahead, measured = rng.uniform(-1, 1, (3, 2)), rng.uniform(-1, 1, (2, 2))
    follower = TrajectoryFollower(JOINTS, START)
    cycles(follower, [-1])
    points = TrajectoryPoints([0.1, 0.2], *np.stack((ahead, [START, REST, REST]), axis=1))
    accept(follower, points)
    setpoint = command(follower, *measured)
    expected = spline([0.0, 0.1], *zip([*measured, REST], ahead, strict=True))
    np.testing.assert_allclose(setpoint.q, expected(0.002), atol=1e-12)


def moving_at(
    speed: float, rate_hz: int, *, open_loop: bool, count: int = 20
) -> tuple[TrajectoryFollower, int]:
    """Return a follower in motion, from START on from NOW_NS, after so many cycles; its period."""
    period_ns = 1000 * MS // rate_hz
    follower = TrajectoryFollower(JOINTS, START, open_loop=open_loop, period_s=1 / rate_hz)
    cycles(follower, [-1], period_ns=period_ns)
    accept(follower, line([0.0, 9.0, 10.0], speed, 0.0), stamp_ns=NOW_NS)
    cycles(follower, range(count), period_ns=period_ns)
    return follower, period_ns


def line(times_s: Sequence[float], speed: float, after_s: float) -> TrajectoryPoints:
    """Points of a motion at this speed from START on; the last one is at rest."""
    q = START + speed * (np.array(times_s) + after_s)[:, None]
    dq = np.full_like(q, speed)
    dq[-1] = 0.0
    return TrajectoryPoints(times_s, q, dq, np.zeros_like(q))


@given(
    speed=st.floats(0.01, 2.0),
    rate_hz=rates_hz,
    lead_s=st.floats(0.2, 1.0),
    count=st.integers(1, 50),
)
def test_in_open_loop_a_point_ahead_makes_one_cycle_at_double_speed(
    speed: float, rate_hz: int, lead_s: float, count: int
) -> None:
    """The last command is taken for the state of the cycle in which it was given."""
    follower, period_ns = moving_at(speed, rate_hz, open_loop=True, count=count)
    period_s, now_s = 1 / rate_hz, count / rate_hz
    lead_s = round(lead_s, 6)
    there = START + speed * now_s  # the last command, given a period ago
    replacement = line([lead_s, 9.0, 10.0], speed, now_s)
    accept(follower, replacement, stamp_ns=NOW_NS + count * period_ns)
    first, second = cycles(follower, (count, count + 1), period_ns=period_ns)
    ahead = START + speed * (now_s + lead_s)
    velocity = np.full(2, speed)
    expected = spline([-period_s, lead_s], (there, ahead), (velocity, velocity), (REST, REST))
    for setpoint, later in ((first, 1), (second, 2)):
        np.testing.assert_allclose(setpoint.q, expected(later * period_s), atol=1e-12)
    np.testing.assert_allclose((first.q - there) / (speed * period_s), 2.0, rtol=0.02)
    np.testing.assert_allclose((second.q - first.q) / (speed * period_s), 1.0, rtol=0.05)


def test_an_ideal_arm_that_is_measured_has_no_such_cycle() -> None:
    follower, period_ns = moving_at(0.8, 500, open_loop=False)
    accept(follower, line([0.2, 9.0, 10.0], 0.8, 0.04), stamp_ns=NOW_NS + 40 * MS)
    there = START + 0.8 * 0.04
    setpoint = cycles(follower, [20], period_ns=period_ns, q=there, dq=[0.8, 0.8])[0]
    np.testing.assert_allclose(setpoint.q - there, 0.8 * 0.002, atol=1e-12)


def test_in_open_loop_the_very_first_cycle_starts_now() -> None:
    points = random_points(1, 5)
    setpoints = [command(follower_with(points, open_loop=open_loop)) for open_loop in (False, True)]
    np.testing.assert_array_equal(setpoints[0].q, setpoints[1].q)


def test_a_new_trajectory_replaces_the_old_outright() -> None:
    """Even one stamped in the future: it is begun at once, and led to its first point."""
    follower = follower_with(TrajectoryPoints([1.0], [[9.0, 9.0]]))
    accept(follower, TrajectoryPoints([0.5], [[1.0, 0.0]]), stamp_ns=NOW_NS + 500 * MS)
    np.testing.assert_allclose(cycles(follower, range(250))[-1].q, [0.75, -0.25])
    assert cycles(follower, range(250, 499))[-1].active
    assert not cycles(follower, [499])[-1].active


# Points that are due.


def test_points_that_are_due_are_skipped() -> None:
    points = TrajectoryPoints([1.0, 2.0, 3.0], [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    follower = follower_with(points, stamp_ns=NOW_NS - 1500 * MS)
    np.testing.assert_allclose(command(follower).q, 1.502)
    np.testing.assert_allclose(cycles(follower, range(1, 500))[-1].q, 2.5)


@pytest.mark.parametrize(("stamp_ms", "met"), [(-2, True), (0, True), (2, True), (3, False)])
def test_a_point_is_due_within_the_period_that_a_command_looks_ahead(
    stamp_ms: int, met: bool
) -> None:
    points = TrajectoryPoints([0.0, 1.0], [[2.0, 2.0], [3.0, 3.0]])
    position = command(follower_with(points, stamp_ns=NOW_NS + stamp_ms * MS)).q[0]
    expected = 2.0 + 0.001 * (2 - stamp_ms) if met else 0.5 + 1.5 * 2 / 3
    assert position == pytest.approx(expected, abs=1e-12)


@given(
    seed=seeds,
    rate_hz=rates_hz,
    open_loop=st.booleans(),
    past=st.integers(0, 5),
    lead=st.integers(2, 8),
    share=st.floats(0.0, 1.0),
)
def test_what_begins_in_the_past_of_the_running_trajectory_joins_it_exactly(
    seed: int, rate_hz: int, open_loop: bool, past: int, lead: int, share: float
) -> None:
    """In both ways of starting, whatever is measured, if it comes before it leaves the old way."""
    rng = np.random.default_rng(seed)
    knot_ns, period_ns = 12_500_000, 1000 * MS // rate_hz
    old = rng.uniform(-0.5, 0.5, (3, 41, 2)) * np.array([1.0, 1.0, 5.0])[:, None, None]
    old[0] = START + np.cumsum(0.01 * old[0], axis=0)
    new = old + 0.01 * rng.uniform(-1.0, 1.0, old.shape)
    old[1, -1] = new[1, -1] = 0.0
    begun = 10  # the knot of the message's stamp; it leaves the old trajectory `leaves`
    leaves = begun + past + lead
    new[:, : leaves + 1] = old[:, : leaves + 1]
    times_s = 1e-9 * knot_ns * np.arange(41)
    path = spline(times_s.tolist(), *new)

    follower = TrajectoryFollower(JOINTS, START, open_loop=open_loop, period_s=1 / rate_hz)
    accept(follower, TrajectoryPoints(times_s.tolist(), *old), stamp_ns=NOW_NS)
    earliest_ns = (begun + past) * knot_ns
    latest_ns = leaves * knot_ns - period_ns
    heard_ns = round(earliest_ns + share * (latest_ns - earliest_ns))
    told, heard = [], False
    for at_ns in range(0, 40 * knot_ns - period_ns, period_ns):
        if not heard and at_ns >= heard_ns:
            points = TrajectoryPoints((times_s[begun:] - times_s[begun]).tolist(), *new[:, begun:])
            stamp_ns = NOW_NS + begun * knot_ns
            accept(follower, points, stamp_ns=stamp_ns, now_ns=NOW_NS + heard_ns)
            heard = True
        setpoint = follower.update(NOW_NS + at_ns, *rng.uniform(-1, 1, (2, 2)))
        told.append(setpoint.q - path(1e-9 * (at_ns + period_ns)))
    assert heard
    np.testing.assert_allclose(told, 0.0, atol=1e-12)


def test_a_first_point_at_once_is_jumped_to() -> None:
    follower = follower_with(TrajectoryPoints([0.0], [[2.0, 2.0]]))
    np.testing.assert_array_equal(command(follower).q, 2.0)


# The end.


@given(seeds, st.sampled_from([1, 3, 5]), st.integers(0, 10**6))
def test_the_last_point_is_held(seed: int, degree: int, later: int) -> None:
    points = random_points(seed, degree)
    follower = follower_with(points)
    command(follower)
    end = round(points.times_s[-1] / 0.002)
    setpoint = follower.update(NOW_NS, START, REST, (end + later) * PERIOD_NS)
    np.testing.assert_array_equal(setpoint.q, points.positions[-1])
    np.testing.assert_array_equal(setpoint.dq, 0)
    last_ddq = 0 if points.accelerations is None else points.accelerations[-1]
    np.testing.assert_array_equal(setpoint.ddq, last_ddq)
    assert not setpoint.active


def test_it_is_active_until_the_last_point() -> None:
    commands = cycles(follower_with(TrajectoryPoints([0.1], [[1.0, 1.0]])), range(60))
    assert [setpoint.active for setpoint in commands] == [True] * 49 + [False] * 11


def test_holding_forgets_the_trajectory() -> None:
    follower = follower_with(TrajectoryPoints([1.0], [[1.0, 1.0]]))
    cycles(follower, range(10))
    follower.hold([0.1, 0.2])
    setpoint = cycles(follower, [10])[0]
    np.testing.assert_array_equal(setpoint.q, [0.1, 0.2])
    assert not setpoint.active


# Joints.


@given(seeds, st.permutations(JOINTS))
def test_reordering_joints_and_columns_changes_nothing(seed: int, order: list[str]) -> None:
    points = random_points(seed, 5)
    columns = [JOINTS.index(name) for name in order]
    reordered = TrajectoryPoints(
        points.times_s,
        *(
            np.asarray(rows)[:, columns]
            for rows in (points.positions, points.velocities, points.accelerations)
        ),
    )
    a, b = follower_with(points), TrajectoryFollower(JOINTS, START)
    accept(b, reordered, joints=order)
    for one, two in zip(cycles(a, range(50)), cycles(b, range(50)), strict=True):
        np.testing.assert_array_equal(one.q, two.q)


@pytest.mark.parametrize("joints", [(), ("a",), ("a", "c"), ("a", "b", "c")])
def test_other_joints_are_refused(joints: tuple[str, ...]) -> None:
    follower = TrajectoryFollower(JOINTS, START)
    points = TrajectoryPoints([1.0], [[1.0] * len(joints)])
    with pytest.raises(TrajectoryRejectedError, match="once, in any order"):
        accept(follower, points, joints=joints)


def test_a_joint_that_is_named_twice_leaves_old_values_to_the_other() -> None:
    follower = follower_with(TrajectoryPoints([0.0], [[2.0, 3.0]]))
    command(follower)
    accept(follower, TrajectoryPoints([0.0], [[4.0, 5.0]]), joints=("a", "a"))
    np.testing.assert_array_equal(command(follower).q, [5.0, 3.0])


# What is refused, and what is not.

Q1 = [[1.0, 1.0]]
Q2 = [[1.0, 1.0], [2.0, 2.0]]
V1 = [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (TrajectoryPoints([], []), "no points"),
        (TrajectoryPoints([1.0, 1.0], Q2), "strictly increase"),
        (TrajectoryPoints([1.0, 1.0 + 1e-10], Q2), "strictly increase"),
        (TrajectoryPoints([1.0, 0.5], Q2), "strictly increase"),
        (TrajectoryPoints([NAN], Q1), "times are not finite"),
        (TrajectoryPoints([INF], Q1), "times are not finite"),
        (TrajectoryPoints([1.0], Q2), "2 rows of positions"),
        (TrajectoryPoints([1.0], [[1.0]]), "1 positions for 2 joints"),
        (TrajectoryPoints([1.0], [[]]), "lacks positions"),
        (TrajectoryPoints([1.0], Q1, [[0.0] * 3]), "3 velocities for 2 joints"),
        (TrajectoryPoints([1.0], Q1, V1, [[0.0]]), "1 accelerations for 2 joints"),
        (TrajectoryPoints([1.0], Q1, [[0.0, 1.2e-7]]), "end the trajectory at rest"),
        (TrajectoryPoints([1.0], Q1, [[NAN, -0.1]]), "end the trajectory at rest"),
        (TrajectoryPoints([1.0], Q1, effort=V1), "has efforts"),
    ],
)
def test_bad_points_are_refused_with_the_reason(points: TrajectoryPoints, reason: str) -> None:
    """And what was accepted before is played as if nothing had come."""
    follower, undisturbed = (follower_with(TrajectoryPoints([2.0], Q1)) for _ in range(2))
    with pytest.raises(TrajectoryRejectedError, match=reason):
        accept(follower, points)
    np.testing.assert_array_equal(command(follower).q, command(undisturbed).q)


@pytest.mark.parametrize(
    "points",
    [
        TrajectoryPoints([1.0], Q1, [[1.1e-7, NAN]]),
        TrajectoryPoints([-1.0, -0.5], Q2),
        TrajectoryPoints([0.0, 1e-9], Q2),
        TrajectoryPoints([1.0, 2.0], Q2, [[], [0.0, 0.0]], [[1.0, 1.0], []]),
        TrajectoryPoints([1.0], [[1e9, -1e9]]),
    ],
)
def test_the_controller_is_lenient(points: TrajectoryPoints) -> None:
    follower = follower_with(points)
    np.testing.assert_array_equal(cycles(follower, range(1200))[-1].q, points.positions[-1])


@pytest.mark.parametrize("field", [0, 1, 2])
@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_what_is_not_finite_is_commanded(field: int, bad: float) -> None:
    """To that joint, from the segment on that has it, and until it is over."""
    rows = np.zeros((3, 3, 2))
    rows[0] = 1.0
    rows[field, 1, 0] = bad
    commands = cycles(follower_with(TrajectoryPoints([0.0, 0.1, 0.2], *rows)), range(150))
    finite = np.isfinite([setpoint.q for setpoint in commands])
    assert not finite[:99, 0].any()
    assert finite[99:, 0].all()
    assert finite[:, 1].all()


def test_accelerations_without_velocities_command_zero() -> None:
    """Wherever both ends of a segment have accelerations and one has no velocities."""
    points = TrajectoryPoints(
        [0.1, 0.2, 0.3, 0.4],
        [[1.0, 1.0]] * 4,
        [[], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
        [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], []],
    )
    q = np.array([setpoint.q[0] for setpoint in cycles(follower_with(points), range(250))])
    np.testing.assert_array_equal(q[:99], 0.0)
    np.testing.assert_array_equal(q[99:], 1.0)


@pytest.mark.parametrize(("late_ns", "taken"), [(0, True), (1, False)])
def test_a_trajectory_that_has_ended_when_it_comes_is_refused(late_ns: int, taken: bool) -> None:
    follower = TrajectoryFollower(JOINTS, START)
    points = TrajectoryPoints([1.0], [[2.0, 2.0]])
    stamp_ns = NOW_NS - 1000 * MS - late_ns
    if taken:
        accept(follower, points, stamp_ns=stamp_ns)
        np.testing.assert_array_equal(command(follower).q, 2.0)
    else:
        with pytest.raises(TrajectoryRejectedError, match=r"ended at 1700000000\.000 s"):
            accept(follower, points, stamp_ns=stamp_ns)


# An ideal arm.


def test_missed_cycles_are_made_up_for() -> None:
    points = random_points(3, 5)
    often, seldom = (TrajectoryFollower(JOINTS, START, open_loop=True) for _ in range(2))
    for follower in (often, seldom):
        follower.advance_to(NOW_NS)
        accept(follower, points, now_ns=NOW_NS + MS)
    for at_ms in range(1, 61):
        often.advance_to(NOW_NS + at_ms * MS)
    np.testing.assert_array_equal(
        seldom.advance_to(NOW_NS + 61 * MS).q, often.advance_to(NOW_NS + 61 * MS).q
    )


def test_an_ideal_arm_starts_where_it_was_told_to_be() -> None:
    follower, explicit = (TrajectoryFollower(JOINTS, START) for _ in range(2))
    follower.advance_to(NOW_NS)
    last = command(explicit)
    for number in range(1, 60):
        if number in (1, 30):
            points = random_points(number, 5)
            for controller in (follower, explicit):
                accept(controller, points, now_ns=NOW_NS + number * PERIOD_NS - MS)
        last = cycles(explicit, [number], q=last.q, dq=last.dq)[0]
        found = follower.advance_to(NOW_NS + number * PERIOD_NS)
        np.testing.assert_array_equal(found.q, last.q)


@pytest.mark.parametrize("jump_s", [-1e9, 1e9])
def test_a_clock_that_jumps_neither_stops_nor_floods_an_ideal_arm(jump_s: float) -> None:
    follower = TrajectoryFollower(JOINTS, START)
    follower.advance_to(NOW_NS)
    now_ns = NOW_NS + round(jump_s * 1e9)
    follower.advance_to(now_ns)
    accept(follower, TrajectoryPoints([0.0], [[2.0, 2.0]]), now_ns=now_ns)
    np.testing.assert_array_equal(follower.advance_to(now_ns + PERIOD_NS).q, 2.0)

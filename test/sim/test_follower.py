# SPDX-License-Identifier: Apache-2.0
"""The follower: what a joint_trajectory_controller does with a trajectory, rule by rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from vera_ros.errors import TrajectoryRejectedError
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.trajectory import TrajectoryPoints

JOINTS = ("a", "b")
START = np.array([0.5, -0.5])
REST = np.zeros(2)
NOW_S = 100.0

seeds = st.integers(0, 2**32 - 1)


def accept(
    follower: TrajectoryFollower,
    points: TrajectoryPoints,
    *,
    stamp_s: float = 0.0,
    now_s: float = NOW_S,
    q: ArrayLike = START,
    dq: ArrayLike = REST,
    joints: tuple[str, ...] = JOINTS,
) -> None:
    follower.accept(joints, points, stamp_s, now_s, q, dq)


def follower_with(points: TrajectoryPoints, stamp_s: float = 0.0) -> TrajectoryFollower:
    follower = TrajectoryFollower(JOINTS, START)
    accept(follower, points, stamp_s=stamp_s)
    return follower


def random_points(seed: int, degree: int) -> TrajectoryPoints:
    """Return five points with positions, then velocities, then accelerations, at rest at last."""
    rng = np.random.default_rng(seed)
    times_s = np.cumsum(rng.uniform(0.2, 0.7, 5))
    q, dq, ddq = rng.uniform(-1, 1, (3, 5, 2))
    dq[-1] = ddq[-1] = 0
    return TrajectoryPoints(
        times_s.tolist(), q, dq if degree > 1 else None, ddq if degree > 3 else None
    )


@given(seeds, st.sampled_from([1, 3, 5]))
def test_every_point_is_passed_with_its_derivatives(seed: int, degree: int) -> None:
    points = random_points(seed, degree)
    follower = follower_with(points)
    for time_s, *rows in zip(
        points.times_s,
        points.positions,
        *(rows for rows in (points.velocities, points.accelerations) if rows is not None),
        strict=True,
    ):
        for side_s in (-1e-9, 1e-9):
            setpoint = follower.sample(NOW_S + time_s + side_s)
            found = (setpoint.q, setpoint.dq, setpoint.ddq)
            for value, row in zip(found, rows, strict=False):
                np.testing.assert_allclose(value, row, atol=1e-4)


@given(seeds, st.sampled_from([1, 3, 5]), st.floats(0, 1))
def test_velocity_and_acceleration_are_the_derivatives(
    seed: int, degree: int, share: float
) -> None:
    points = random_points(seed, degree)
    follower = follower_with(points)
    h = 1e-4
    knots = np.array([0.0, *points.times_s])
    segment = min(int(share * 5), 4)
    t = NOW_S + knots[segment] + (0.1 + 0.8 * share) * np.diff(knots)[segment]
    before, here, after = (follower.sample(t + i * h) for i in (-1, 0, 1))
    np.testing.assert_allclose((after.q - before.q) / (2 * h), here.dq, atol=0.05, rtol=1e-3)
    np.testing.assert_allclose((after.dq - before.dq) / (2 * h), here.ddq, atol=5, rtol=1e-3)


def test_positions_alone_are_joined_by_lines() -> None:
    follower = follower_with(TrajectoryPoints([1.0, 2.0], [[1.5, -0.5], [1.5, 0.5]]))
    setpoint = follower.sample(NOW_S + 0.25)
    np.testing.assert_allclose(setpoint.q, [0.75, -0.5])
    np.testing.assert_allclose(setpoint.dq, [1.0, 0.0])
    np.testing.assert_allclose(setpoint.ddq, 0.0)
    np.testing.assert_allclose(follower.sample(NOW_S + 1.5).q, [1.5, 0.0])


def test_a_cubic_segment_needs_velocities_at_both_ends() -> None:
    points = TrajectoryPoints([1.0, 2.0], [[1.0, 1.0], [3.0, 3.0]], [[], [0.0, 0.0]])
    setpoint = follower_with(points).sample(NOW_S + 1.25)
    np.testing.assert_allclose(setpoint.q, 1.5)
    np.testing.assert_allclose(setpoint.dq, 2.0)


def test_a_new_follower_holds_its_position() -> None:
    setpoint = TrajectoryFollower(JOINTS, START).sample(NOW_S)
    np.testing.assert_array_equal(setpoint.q, START)
    np.testing.assert_array_equal(setpoint.dq, 0)
    assert not setpoint.active


@given(seeds, st.sampled_from([1, 3, 5]), st.floats(0, 1e6))
def test_the_last_point_is_held(seed: int, degree: int, later_s: float) -> None:
    points = random_points(seed, degree)
    setpoint = follower_with(points).sample(NOW_S + points.times_s[-1] + 1e-6 + later_s)
    np.testing.assert_array_equal(setpoint.q, points.positions[-1])
    np.testing.assert_array_equal(setpoint.dq, 0)
    np.testing.assert_array_equal(setpoint.ddq, 0)
    assert not setpoint.active


def test_it_is_active_until_the_last_point() -> None:
    follower = follower_with(TrajectoryPoints([1.0], [[1.0, 1.0]]))
    assert follower.sample(NOW_S).active
    assert follower.sample(NOW_S + 0.999).active
    assert not follower.sample(NOW_S + 1.0).active


def test_it_starts_from_the_measured_state() -> None:
    follower = TrajectoryFollower(JOINTS, START)
    measured, speed = np.array([0.6, -0.6]), np.array([0.2, 0.1])
    points = TrajectoryPoints([0.5], [[1.0, 1.0]], [REST])
    accept(follower, points, q=measured, dq=speed)
    setpoint = follower.sample(NOW_S)
    np.testing.assert_allclose(setpoint.q, measured)
    np.testing.assert_allclose(setpoint.dq, speed)


@given(seeds)
def test_open_loop_goes_on_from_the_last_setpoint(seed: int) -> None:
    points = random_points(seed, 5)
    follower = TrajectoryFollower(JOINTS, START, open_loop=True)
    accept(follower, points)
    now_s = NOW_S + points.times_s[-1] / 2
    before = follower.sample(now_s)
    accept(follower, random_points(seed + 1, 5), now_s=now_s, q=START + 9, dq=REST + 9)
    after = follower.sample(now_s)
    for name in ("q", "dq", "ddq"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=1e-9)


def test_a_new_trajectory_replaces_the_old_outright() -> None:
    """Even one stamped in the future: the old one is not played up to it."""
    follower = follower_with(TrajectoryPoints([1.0], [[9.0, 9.0]]))
    later = TrajectoryPoints([1.0], [[0.5, 0.5]])
    accept(follower, later, stamp_s=NOW_S + 1, q=[0.5, 0.5])
    np.testing.assert_allclose(follower.sample(NOW_S + 0.5).q, [0.5, 0.5])
    assert follower.sample(NOW_S + 1.5).active
    assert not follower.sample(NOW_S + 2.0).active


def test_points_that_are_due_are_skipped() -> None:
    points = TrajectoryPoints([1.0, 2.0, 3.0], [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    follower = follower_with(points, stamp_s=NOW_S - 1.5)
    np.testing.assert_allclose(follower.sample(NOW_S).q, 1.5)
    np.testing.assert_allclose(follower.sample(NOW_S + 1.0).q, 2.5)


def test_a_first_point_at_once_is_jumped_to() -> None:
    follower = follower_with(TrajectoryPoints([0.0, 1.0], [[2.0, 2.0], [3.0, 3.0]]))
    np.testing.assert_allclose(follower.sample(NOW_S).q, 2.0)


def test_joints_come_in_any_order() -> None:
    points = TrajectoryPoints([1.0], [[1.0, 2.0]], [[0.0, 0.0]])
    follower = TrajectoryFollower(JOINTS, START)
    accept(follower, points, joints=("b", "a"))
    np.testing.assert_array_equal(follower.sample(NOW_S + 1).q, [2.0, 1.0])


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
    a = follower_with(points)
    b = TrajectoryFollower(JOINTS, START)
    accept(b, reordered, joints=tuple(order))
    for share in (0.0, 0.3, 0.9, 2.0):
        now_s = NOW_S + share * points.times_s[-1]
        np.testing.assert_array_equal(a.sample(now_s).q, b.sample(now_s).q)


NAN = float("nan")
INF = float("inf")
Q1 = [[1.0, 1.0]]
Q2 = [[1.0, 1.0], [2.0, 2.0]]


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (TrajectoryPoints([], []), "no points"),
        (TrajectoryPoints([1.0, 1.0], Q2), "strictly increase"),
        (TrajectoryPoints([1.0, 0.5], Q2), "strictly increase"),
        (TrajectoryPoints([NAN], Q1), "times are not finite"),
        (TrajectoryPoints([INF], Q1), "times are not finite"),
        (TrajectoryPoints([1.0], Q2), "2 rows of positions"),
        (TrajectoryPoints([1.0], [[1.0]]), "1 positions for 2 joints"),
        (TrajectoryPoints([1.0], [[]]), "lacks positions"),
        (TrajectoryPoints([1.0], Q1, [[0.0] * 3]), "3 velocities for 2 joints"),
        (TrajectoryPoints([1.0], Q1, [[0.0] * 2], [[0.0]]), "1 accelerations for 2 joints"),
        (TrajectoryPoints([1.0], Q1, None, [[0.0] * 2]), "lacks velocities"),
        (TrajectoryPoints([1.0], Q1, [[0.0, 0.1]]), "end the trajectory at rest"),
        (TrajectoryPoints([1.0], [[1.0, NAN]]), "positions that are not finite"),
        (TrajectoryPoints([1.0], Q1, [[INF, 0.0]]), "velocities that are not finite"),
        (TrajectoryPoints([1.0], Q1, [[0.0] * 2], [[0.0, NAN]]), "accelerations that are not"),
    ],
)
def test_bad_points_are_refused_with_the_reason(points: TrajectoryPoints, reason: str) -> None:
    follower = follower_with(TrajectoryPoints([2.0], [[1.0, 1.0]]))
    before = follower.sample(NOW_S + 0.7)
    with pytest.raises(TrajectoryRejectedError, match=reason):
        accept(follower, points)
    np.testing.assert_array_equal(follower.sample(NOW_S + 0.7).q, before.q)


@pytest.mark.parametrize("joints", [(), ("a",), ("a", "c"), ("a", "b", "c"), ("a", "a")])
def test_other_joints_are_refused(joints: tuple[str, ...]) -> None:
    follower = TrajectoryFollower(JOINTS, START)
    points = TrajectoryPoints([1.0], [[1.0] * len(joints)])
    with pytest.raises(TrajectoryRejectedError, match="once, in any order"):
        accept(follower, points, joints=joints)


def test_a_trajectory_that_has_ended_is_refused() -> None:
    follower = TrajectoryFollower(JOINTS, START)
    with pytest.raises(TrajectoryRejectedError, match=r"ended at 99\.500 s"):
        accept(follower, TrajectoryPoints([1.0], Q1), stamp_s=NOW_S - 1.5)


@given(seeds, st.floats(-1, 3, allow_nan=False))
def test_setpoints_are_finite_whenever_sampled(seed: int, offset_s: float) -> None:
    setpoint = follower_with(random_points(seed, 5)).sample(NOW_S + offset_s)
    values: NDArray[np.float64] = np.concatenate([setpoint.q, setpoint.dq, setpoint.ddq])
    assert np.isfinite(values).all()


def test_holding_forgets_the_trajectory() -> None:
    follower = follower_with(TrajectoryPoints([1.0], Q1))
    follower.hold([0.1, 0.2])
    setpoint = follower.sample(NOW_S + 0.5)
    np.testing.assert_array_equal(setpoint.q, [0.1, 0.2])
    assert not setpoint.active

# SPDX-License-Identifier: Apache-2.0
"""A path goes as far as the arm can go, says why it ends, and the way back is always free."""

from dataclasses import replace

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.causes import Cause
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.joint_path import JointPath
from vera_ros.motion.planning.tcp_path import PathFinder, SingularityBounds

from ..chunks import START_Q, Vector, starts, vectors

DT_S = 0.0125
BOUNDS = SingularityBounds(70.0, 140.0)
UNBOUND = SingularityBounds(1e6, 1e9)
INSET_M, INSET_RAD = 2e-3, 2e-3
OUT, UP = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])


def unit(direction: Vector) -> Vector:
    length = float(np.linalg.norm(direction))
    return direction / length if length > 1e-2 else OUT


def line(arm: ArmModel, q: Vector, way: Vector, rows: int = 40) -> tuple[Vector, Vector, Vector]:
    """Positions, rotations and times of a TCP that moves straight by `way`."""
    pose = arm.tcp_pose(q)
    positions: Vector = pose.translation + np.linspace(0.0, 1.0, rows)[:, None] * way
    times: Vector = np.arange(float(rows)) * DT_S
    return positions, np.tile(pose.rotation, (rows, 1, 1)), times


def go(finder: PathFinder, arm: ArmModel, q: Vector, way: Vector, rows: int = 40) -> JointPath:
    return finder.find(*line(arm, q, way, rows), q, None)


def conditions(arm: ArmModel, q: Vector) -> Vector:
    return np.asarray(np.linalg.cond(arm.jacobians(q)))


@given(q=starts(0.2), way=vectors(-0.05, 0.05, 3))
def test_a_free_path_is_followed_whole(
    paths: PathFinder, arm: ArmModel, q: Vector, way: Vector
) -> None:
    path = go(paths, arm, q, way)
    assert path.cut is None
    np.testing.assert_array_equal(path.q[0], q)
    np.testing.assert_allclose(arm.tcp_positions(path.q), line(arm, q, way)[0], atol=1e-5)
    assert path.position_error_m <= 1e-6
    assert path.rotation_error_rad <= 1e-5


@given(q=starts(0.1), seed=st.integers(0, 2**32 - 1))
def test_an_arm_like_the_modelled_one_moves_like_it(
    paths: PathFinder, arm: ArmModel, q: Vector, seed: int
) -> None:
    s = np.linspace(0.0, 1.0, 30)[:, None]
    motion = q + s**2 * np.random.default_rng(seed).uniform(-0.15, 0.15, 7)
    poses = [arm.tcp_pose(posture) for posture in motion]
    path = paths.find(
        np.array([pose.translation for pose in poses]),
        np.array([pose.rotation for pose in poses]),
        s[:, 0],
        q,
        motion,
    )
    assert path.cut is None
    np.testing.assert_allclose(path.q, motion, atol=1e-3)


@pytest.mark.parametrize("joints", [6, 8])
def test_the_motion_of_another_arm_does_not_lead(
    paths: PathFinder, arm: ArmModel, joints: int
) -> None:
    positions, rotations, times = line(arm, START_Q, 0.05 * OUT)
    lead = np.random.default_rng(1).normal(size=(len(times), joints))
    path = paths.find(positions, rotations, times, START_Q, lead)
    np.testing.assert_array_equal(path.q, go(paths, arm, START_Q, 0.05 * OUT).q)


# Workspace.


def boxed(limits: Limits, low: Vector, high: Vector) -> Limits:
    return replace(limits, workspace_lower=low, workspace_upper=high)


@given(direction=vectors(-1.0, 1.0, 3), room=st.floats(0.01, 0.1))
def test_a_path_out_of_the_workspace_ends_inside(
    arm: ArmModel, limits: Limits, direction: Vector, room: float
) -> None:
    at = arm.tcp_pose(START_Q).translation
    box = boxed(limits, at - room, at + room)
    way = 0.2 * unit(direction)
    path = go(PathFinder(arm, box, BOUNDS), arm, START_Q, way)
    assert path.cut is not None
    assert path.cut.cause is Cause.OUTSIDE_WORKSPACE
    assert "the workspace is" in str(path.cut)
    reached = arm.tcp_positions(path.q)
    assert (np.abs(reached - at).max(axis=1) <= room - INSET_M + 1e-6).all()
    following = line(arm, START_Q, way)[0][len(path.q)]
    assert np.abs(following - at).max() > room - INSET_M


@given(direction=vectors(-1.0, 1.0, 3), depth=st.floats(-0.05, INSET_M - 1e-4))
def test_out_of_the_inset_and_back_into_the_workspace_is_free(
    arm: ArmModel, limits: Limits, direction: Vector, depth: float
) -> None:
    """The TCP is nearer to a wall than plans go, or beyond it."""
    at = arm.tcp_pose(START_Q).translation
    low = np.full(3, -2.0)
    low[2] = at[2] - depth
    finder = PathFinder(arm, boxed(limits, low, np.full(3, 2.0)), BOUNDS)
    way = 0.05 * unit(direction)
    path = go(finder, arm, START_Q, way)
    if way[2] >= 0.0:
        assert path.cut is None
    elif way[2] < -1e-6:
        assert path.cut is not None
        assert len(path.q) == 1


# Joint ranges and reach.


@given(joint=st.integers(0, 6), side=st.sampled_from([-1.0, 1.0]), room=st.floats(0.005, 0.02))
def test_a_path_out_of_a_joints_range_ends_within(
    arm: ArmModel, limits: Limits, joint: int, side: float, room: float
) -> None:
    lower, upper = START_Q - 0.1, START_Q + 0.1
    (upper if side > 0 else lower)[joint] = START_Q[joint] + side * room
    narrow = replace(limits, lower=lower, upper=upper)
    finder = PathFinder(arm, narrow, UNBOUND)
    s = np.linspace(0.0, 1.0, 60)[:, None]
    motion = START_Q + side * 0.3 * s * np.eye(7)[joint]
    poses = [arm.tcp_pose(posture) for posture in motion]
    path = finder.find(
        np.array([pose.translation for pose in poses]),
        np.array([pose.rotation for pose in poses]),
        s[:, 0],
        START_Q,
        motion,
    )
    assert path.cut is not None
    assert path.cut.cause is Cause.UNREACHABLE
    assert (path.q >= lower + INSET_RAD - 1e-12).all()
    assert (path.q <= upper - INSET_RAD + 1e-12).all()
    for posture, pose in zip(path.q, poses, strict=False):
        assert np.linalg.norm(arm.tcp_pose(posture).translation - pose.translation) <= 1e-5


@pytest.mark.parametrize("way", [2.0 * OUT, 2.0 * UP, np.array([0.0, 2.0, 0.0])])
def test_a_path_out_of_reach_ends_where_the_arm_does(
    arm: ArmModel, limits: Limits, way: Vector
) -> None:
    wide = boxed(limits, np.full(3, -5.0), np.full(3, 5.0))
    path = go(PathFinder(arm, wide, UNBOUND), arm, START_Q, way, rows=400)
    assert path.cut is not None
    assert path.cut.cause is Cause.UNREACHABLE
    assert "cannot go to" in str(path.cut)
    np.testing.assert_allclose(
        arm.tcp_positions(path.q), line(arm, START_Q, way, 400)[0][: len(path.q)], atol=1e-5
    )


# Singular postures.


def test_a_path_into_a_singular_posture_ends_before_it(arm: ArmModel, limits: Limits) -> None:
    wide = boxed(limits, np.full(3, -5.0), np.full(3, 5.0))
    path = go(PathFinder(arm, wide, SingularityBounds(20.0, 30.0)), arm, START_Q, OUT, rows=200)
    assert path.cut is not None
    assert path.cut.cause is Cause.SINGULAR
    assert "condition number" in str(path.cut)
    assert "valid is up to 30" in str(path.cut)
    seen = conditions(arm, path.q)
    assert (seen <= 30.0 * (1 + 1e-6)).all()
    assert seen[-1] > 25.0


@given(q=starts(0.3), direction=vectors(-1.0, 1.0, 3))
def test_out_of_a_singular_posture_is_always_free(
    arm: ArmModel, limits: Limits, q: Vector, direction: Vector
) -> None:
    """Bounds that the start is beyond: what does not lead further in is not cut."""
    wide = boxed(limits, np.full(3, -5.0), np.full(3, 5.0))
    way = 0.05 * unit(direction)
    free = go(PathFinder(arm, wide, UNBOUND), arm, q, way)
    assume(free.cut is None)
    seen = conditions(arm, free.q)
    bounds = SingularityBounds(1.0, max(1.001, 0.5 * float(seen[0])))
    path = go(PathFinder(arm, wide, bounds), arm, q, way)
    inwards = np.flatnonzero(seen > seen[0] * (1 + 1e-6))
    if inwards.size:
        assert path.cut is not None
        assert path.cut.cause is Cause.SINGULAR
        assert len(path.q) == inwards[0]
    else:
        assert path.cut is None
        assert path.slow is None or (path.slow[np.diff(seen, append=seen[-1:]) <= 0] == 1.0).all()


@given(q=starts(0.3), direction=vectors(-1.0, 1.0, 3))
def test_only_the_way_into_a_singular_posture_is_slowed(
    arm: ArmModel, limits: Limits, q: Vector, direction: Vector
) -> None:
    wide = boxed(limits, np.full(3, -5.0), np.full(3, 5.0))
    bounds = SingularityBounds(8.0, 1e3)
    path = go(PathFinder(arm, wide, bounds), arm, q, 0.1 * unit(direction))
    seen = conditions(arm, path.q)
    deeper = np.diff(seen, append=seen[-1:]) > 0
    slow = np.ones(len(path.q)) if path.slow is None else path.slow
    assert slow.shape == (len(path.q),)
    assert (slow >= 0.1).all()
    assert (slow <= 1.0).all()
    np.testing.assert_array_equal(slow[~deeper], 1.0)
    np.testing.assert_array_equal(slow[seen <= bounds.slow], 1.0)
    further = np.clip((bounds.stop - seen) / (bounds.stop - bounds.slow), 0.1, 1.0)
    np.testing.assert_allclose(slow[deeper], further[deeper], atol=1e-6)


@pytest.mark.parametrize(
    ("slow", "stop"), [(0.5, 10.0), (30.0, 30.0), (40.0, 30.0), (np.nan, 30.0), (10.0, np.nan)]
)
def test_singularity_bounds_that_are_nonsense_are_refused(slow: float, stop: float) -> None:
    with pytest.raises(ConfigurationError, match=r"singularity_slow .* singularity_stop"):
        SingularityBounds(slow, stop)


# Obstacles, and what comes first.


class Wall:
    """An obstacle that is too close from some sample on."""

    def __init__(self, first: int | None) -> None:
        self.first = first

    def first_too_close(self, q: Vector) -> tuple[int, object] | None:
        if self.first is None or self.first >= len(q):
            return None
        return self.first, "the hand and the table, 4 mm"


@pytest.mark.parametrize("first", [0, 1, 17, 39])
def test_a_path_ends_before_an_obstacle(arm: ArmModel, limits: Limits, first: int) -> None:
    path = go(PathFinder(arm, limits, BOUNDS, Wall(first)), arm, START_Q, 0.05 * OUT)
    assert path.cut is not None
    assert path.cut.cause is Cause.COLLISION
    assert "the hand and the table, 4 mm" in str(path.cut)
    assert len(path.q) == first


@pytest.mark.parametrize("first", [None, 40])
def test_an_obstacle_elsewhere_is_none(arm: ArmModel, limits: Limits, first: int | None) -> None:
    path = go(PathFinder(arm, limits, BOUNDS, Wall(first)), arm, START_Q, 0.05 * OUT)
    assert path.cut is None


@pytest.mark.parametrize(("first", "cause"), [(5, Cause.COLLISION), (39, Cause.OUTSIDE_WORKSPACE)])
def test_what_comes_first_is_why(arm: ArmModel, limits: Limits, first: int, cause: Cause) -> None:
    at = arm.tcp_pose(START_Q).translation
    box = boxed(limits, at - 0.05, at + 0.05)
    path = go(PathFinder(arm, box, BOUNDS, Wall(first)), arm, START_Q, 0.1 * OUT)
    assert path.cut is not None
    assert path.cut.cause is cause


def test_a_turn_that_is_too_fast_for_a_joint_is_cut(paths: PathFinder, arm: ArmModel) -> None:
    """From pose to pose no joint goes further than five times its velocity limit allows."""
    positions, rotations, times = line(arm, START_Q, np.zeros(3), 3)
    rotations[1:] = pin.exp3(np.array([0.0, 0.0, 1.0])) @ rotations[0]
    path = paths.find(positions, rotations, times, START_Q, None)
    assert path.cut is not None
    assert path.cut.cause is Cause.UNREACHABLE
    assert len(path.q) == 1

# SPDX-License-Identifier: Apache-2.0
"""FK(IK(x)) = x for what can be reached; an honest verdict for what cannot."""

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.ik_solver import IkSolver, Verdict

from ..chunks import START_Q, Vector, starts, vectors
from ..urdfs import CHAIN, LIMIT, robot

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def solver(arm: ArmModel) -> IkSolver:
    return solver_of(arm)


def solver_of(arm: ArmModel) -> IkSolver:
    return IkSolver(arm.chain, arm.lower, arm.upper)


def left(arm: ArmModel, q: Vector, target: pin.SE3) -> tuple[float, float]:
    """Distance and angle from where `q` brings the TCP to the target."""
    pose = arm.tcp_pose(q)
    turned = pin.log3(pose.rotation @ target.rotation.T)
    away = pose.translation - target.translation
    return float(np.linalg.norm(away)), float(np.linalg.norm(turned))


# One pose.


@given(q=starts(0.4), offset=vectors(-0.1, 0.1, 7))
@example(q=START_Q, offset=np.zeros(7))
def test_reachable_poses_are_reached(
    arm: ArmModel, solver: IkSolver, q: Vector, offset: Vector
) -> None:
    target = arm.tcp_pose(np.clip(q + offset, arm.lower, arm.upper))
    solution = solver.solve(target, q)
    assert solution.verdict is Verdict.SOLVED
    position_m, rotation_rad = left(arm, solution.q, target)
    assert position_m <= 1e-6 + 1e-12
    assert rotation_rad <= 1e-5 + 1e-9
    assert solution.position_error_m == pytest.approx(position_m, abs=1e-12)
    assert solution.rotation_error_rad == pytest.approx(rotation_rad, abs=1e-9)
    assert (solution.q >= arm.lower).all()
    assert (solution.q <= arm.upper).all()


def test_exact_guess_needs_no_step(arm: ArmModel, solver: IkSolver) -> None:
    solution = solver.solve(arm.tcp_pose(START_Q), START_Q)
    assert solution.iterations == 0
    np.testing.assert_array_equal(solution.q, START_Q)


@given(q=starts(0.2), offset=vectors(-0.05, 0.05, 7))
def test_the_guess_is_not_written_to(
    arm: ArmModel, solver: IkSolver, q: Vector, offset: Vector
) -> None:
    before = q.copy()
    solver.solve(arm.tcp_pose(q + offset), q, np.full(7, 0.01))
    np.testing.assert_array_equal(q, before)


@given(direction=vectors(-1.0, 1.0, 3))
def test_far_targets_are_not_solved(arm: ArmModel, solver: IkSolver, direction: Vector) -> None:
    away = direction / max(float(np.linalg.norm(direction)), 1e-3)
    if np.linalg.norm(away) < 0.5:
        away = np.array([1.0, 0.0, 0.0])
    target = pin.SE3(np.eye(3), 3.0 * away)
    solution = solver.solve(target, START_Q)
    assert solution.verdict is not Verdict.SOLVED
    assert solution.position_error_m > 1.0
    assert (solution.q >= arm.lower).all()
    assert (solution.q <= arm.upper).all()


@given(q=starts(0.3), offset=vectors(-0.5, 0.5, 7), most=st.floats(1e-4, 0.3), far=st.booleans())
def test_no_joint_goes_further_than_it_may(
    arm: ArmModel, solver: IkSolver, q: Vector, offset: Vector, most: float, far: bool
) -> None:
    """Out of reach too, where steps would race."""
    target = arm.tcp_pose(q + offset)
    if far:
        target.translation = 4.0 * target.translation
    solution = solver.solve(target, q, np.full(7, most))
    assert (np.abs(solution.q - q) <= most + 1e-12).all()
    if far:
        assert solution.verdict is not Verdict.SOLVED


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_half_a_turn_is_found(arm: ArmModel, axis: int, sign: float) -> None:
    """The skew part of the rotation vanishes there, and the error seemed to be zero."""
    pose = arm.tcp_pose(START_Q)
    half_turn = pin.exp3(sign * np.pi * np.eye(3)[axis])
    target = pin.SE3(half_turn @ pose.rotation, pose.translation)
    limited = IkSolver(arm.chain, arm.lower, arm.upper, max_iterations=0)
    error = limited.solve(target, START_Q).rotation_error_rad
    assert error == pytest.approx(np.pi, abs=1e-6)


def test_verdict_tells_limits_from_reach() -> None:
    small = ArmModel(robot(["base", "one", "two"], CHAIN), ["a", "b"])
    open_joints = LIMIT.replace("1", "3")
    free = [(*joint[:4], open_joints) for joint in CHAIN]
    wide = ArmModel(robot(["base", "one", "two"], free), ["a", "b"])
    start = np.array([0.9, 0.2])
    beyond = wide.tcp_pose(np.array([1.6, 0.2]))
    assert solver_of(wide).solve(beyond, start).verdict is Verdict.SOLVED
    assert solver_of(small).solve(beyond, start).verdict is Verdict.LIMITED
    lifted = wide.tcp_pose(start)
    lifted.translation = lifted.translation + np.array([0.0, 0.0, 0.05])
    assert solver_of(small).solve(lifted, 0.1 * start).verdict is Verdict.UNREACHABLE


@given(share=st.floats(0.0, 1.0))
def test_solutions_stay_within_the_limits_given(arm: ArmModel, share: float) -> None:
    lower, upper = arm.lower + 0.1, arm.upper - 0.1
    q = arm.lower + share * (arm.upper - arm.lower)
    solution = IkSolver(arm.chain, lower, upper).solve(arm.tcp_pose(q), q)
    assert (solution.q >= lower).all()
    assert (solution.q <= upper).all()


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        (np.ones(7), np.zeros(7)),
        (np.zeros(6), np.ones(6)),
        (np.zeros(7), np.ones(6)),
        (np.full(7, np.nan), np.ones(7)),
    ],
)
def test_limits_that_are_none_are_refused(arm: ArmModel, lower: Vector, upper: Vector) -> None:
    with pytest.raises(ConfigurationError, match="valid are 7 numbers each, the lower ones first"):
        IkSolver(arm.chain, lower, upper)


@given(q=starts(0.2), offset=vectors(-0.3, 0.3, 7), tolerance=st.floats(1e-6, 0.05))
def test_solution_is_within_the_tolerances_whenever_one_was_met(
    arm: ArmModel, q: Vector, offset: Vector, tolerance: float
) -> None:
    """A step that met both tolerances was dropped for one with a smaller sum of squares."""
    solver = IkSolver(
        arm.chain,
        arm.lower,
        arm.upper,
        position_tolerance_m=tolerance / 100,
        rotation_tolerance_rad=tolerance,
    )
    target = arm.tcp_pose(np.clip(q + offset, arm.lower, arm.upper))
    solution = solver.solve(target, q)
    position_m, rotation_rad = left(arm, solution.q, target)
    met = position_m <= tolerance / 100 and rotation_rad <= tolerance + 1e-9
    assert (solution.verdict is Verdict.SOLVED) == met
    if solution.iterations < 30:
        assert met


# A path.


def walk(arm: ArmModel, q: Vector, seed: int, rows: int = 40) -> tuple[Vector, Vector, Vector]:
    """A smooth random joint motion, and the TCP's rotations and positions along it."""
    random = np.random.default_rng(seed)
    s = np.linspace(0.0, 1.0, rows)[:, None]
    bend = random.uniform(-0.3, 0.3, 7) * s**2 + random.uniform(-0.1, 0.1, 7) * np.sin(6 * s)
    motion = np.clip(q + bend, arm.lower, arm.upper)
    poses = [arm.tcp_pose(posture) for posture in motion]
    return (
        motion,
        np.array([pose.rotation for pose in poses]),
        np.array([pose.translation for pose in poses]),
    )


def lead_of(motion: Vector) -> Vector:
    return np.vstack((np.zeros((1, motion.shape[1])), np.diff(motion, axis=0)))


@given(q=starts(0.2), seed=SEEDS, leads=st.booleans())
def test_a_path_is_followed_to_its_end(
    arm: ArmModel, solver: IkSolver, q: Vector, seed: int, leads: bool
) -> None:
    motion, rotations, positions = walk(arm, q, seed)
    lead = lead_of(motion) if leads else np.zeros_like(motion)
    path = solver.follow(rotations, positions, motion[0], lead)
    if not leads and path.verdict is not Verdict.SOLVED:
        assert len(path.q) > len(motion) // 2  # its own way may end at a limit or a singularity
        return
    assert path.verdict is Verdict.SOLVED
    assert path.q.shape == motion.shape
    np.testing.assert_array_equal(path.q[0], motion[0])
    for posture, R, p in zip(path.q, rotations, positions, strict=True):
        position_m, rotation_rad = left(arm, posture, pin.SE3(R, p))
        assert position_m <= path.position_error_m + 1e-12 <= 1e-6 + 2e-12
        assert rotation_rad <= path.rotation_error_rad + 1e-9 <= 1e-5 + 2e-9
    if leads:  # the way that is known already is taken, where the path leaves the choice
        np.testing.assert_allclose(path.q, motion, atol=1e-3)


@given(q=starts(0.2), seed=SEEDS, most=st.floats(1e-3, 0.05))
def test_along_a_path_no_joint_goes_further_than_it_may(
    arm: ArmModel, solver: IkSolver, q: Vector, seed: int, most: float
) -> None:
    motion, rotations, positions = walk(arm, q, seed)
    path = solver.follow(rotations, positions, motion[0], lead_of(motion), np.full(7, most))
    assert (np.abs(np.diff(path.q, axis=0)) <= most + 1e-12).all()
    solved = len(path.q) if path.verdict is Verdict.SOLVED else len(path.q) - 1
    assert (solved == len(motion)) == (path.verdict is Verdict.SOLVED)
    for row in range(solved):
        assert left(arm, path.q[row], pin.SE3(rotations[row], positions[row]))[0] <= 1e-6 + 1e-9


def test_a_path_out_of_reach_is_followed_as_far_as_it_goes(arm: ArmModel, solver: IkSolver) -> None:
    pose = arm.tcp_pose(START_Q)
    rows = 200
    positions = pose.translation + np.linspace(0.0, 1.0, rows)[:, None] * np.array([1.0, 0.0, 0.0])
    rotations = np.tile(pose.rotation, (rows, 1, 1))
    path = solver.follow(rotations, positions, START_Q, np.zeros((rows, 7)))
    assert path.verdict is not Verdict.SOLVED
    assert 10 < len(path.q) < rows
    assert path.position_error_m <= 1e-6
    np.testing.assert_allclose(
        arm.tcp_positions(path.q[:-1]), positions[: len(path.q) - 1], atol=1e-6
    )


@given(past=st.floats(0.001, 0.05))
def test_a_start_beyond_a_limit_is_let_in_but_no_further_out(arm: ArmModel, past: float) -> None:
    upper = arm.upper.copy()
    upper[0] = START_Q[0] - past
    solver = IkSolver(arm.chain, arm.lower, upper)
    for way in (-1.0, 1.0):
        s = np.linspace(0.0, 0.1, 20)
        motion = START_Q + way * s[:, None] * np.eye(7)[0]
        poses = [arm.tcp_pose(posture) for posture in motion]
        path = solver.follow(
            np.array([pose.rotation for pose in poses]),
            np.array([pose.translation for pose in poses]),
            START_Q,
            lead_of(motion),
        )
        np.testing.assert_array_equal(path.q[0], START_Q)
        assert (path.q[:, 0] <= START_Q[0] + 1e-12).all()
        if way < 0:
            assert path.verdict is Verdict.SOLVED
            np.testing.assert_allclose(path.q, motion, atol=1e-3)

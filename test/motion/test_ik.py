# SPDX-License-Identifier: Apache-2.0
"""FK(IK(x)) = x for what can be reached; an honest verdict for what cannot."""

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.arm_model import ArmModel
from vera_ros.motion.ik import IkSolver, Verdict

from .chunks import START_Q, Vector, starts, vectors
from .urdfs import CHAIN, LIMIT, robot


@given(q=starts(0.4), offset=vectors(-0.1, 0.1, 7))
@example(q=START_Q, offset=np.zeros(7))
def test_reachable_poses_are_reached(arm: ArmModel, q: Vector, offset: Vector) -> None:
    target = arm.tcp_pose(np.clip(q + offset, arm.lower, arm.upper))
    solution = IkSolver(arm).solve(target, q)
    assert solution.verdict is Verdict.SOLVED
    left = target.actInv(arm.tcp_pose(solution.q))
    assert np.linalg.norm(left.translation) <= 1e-5
    assert np.linalg.norm(pin.log3(left.rotation)) <= 1e-4
    assert solution.position_error_m == pytest.approx(np.linalg.norm(left.translation), abs=1e-12)
    assert (solution.q >= arm.lower).all()
    assert (solution.q <= arm.upper).all()


def test_exact_guess_needs_no_step(arm: ArmModel) -> None:
    solution = IkSolver(arm).solve(arm.tcp_pose(START_Q), START_Q)
    assert solution.iterations == 0
    np.testing.assert_array_equal(solution.q, START_Q)


@given(direction=vectors(-1.0, 1.0, 3))
def test_far_targets_are_not_solved(arm: ArmModel, direction: Vector) -> None:
    away = direction / max(float(np.linalg.norm(direction)), 1e-3)
    if np.linalg.norm(away) < 0.5:
        away = np.array([1.0, 0.0, 0.0])
    target = pin.SE3(np.eye(3), 3.0 * away)
    solution = IkSolver(arm).solve(target, START_Q)
    assert solution.verdict is not Verdict.SOLVED
    assert solution.position_error_m > 1.0
    assert (solution.q >= arm.lower).all()
    assert (solution.q <= arm.upper).all()


def test_verdict_tells_limits_from_reach() -> None:
    small = ArmModel(robot(["base", "one", "two"], CHAIN), ["a", "b"])
    open_joints = LIMIT.replace("1", "3")
    free = [(*joint[:4], open_joints) for joint in CHAIN]
    wide = ArmModel(robot(["base", "one", "two"], free), ["a", "b"])
    start = np.array([0.9, 0.2])
    beyond = wide.tcp_pose(np.array([1.6, 0.2]))
    assert IkSolver(wide).solve(beyond, start).verdict is Verdict.SOLVED
    assert IkSolver(small).solve(beyond, start).verdict is Verdict.LIMITED
    lifted = wide.tcp_pose(start)
    lifted.translation = lifted.translation + np.array([0.0, 0.0, 0.05])
    assert IkSolver(small).solve(lifted, 0.1 * start).verdict is Verdict.UNREACHABLE


@given(share=st.floats(0.0, 1.0))
def test_margin_keeps_solutions_off_the_limits(arm: ArmModel, share: float) -> None:
    solver = IkSolver(arm, limit_margin_rad=0.1)
    q = arm.lower + share * (arm.upper - arm.lower)
    solution = solver.solve(arm.tcp_pose(q), q)
    assert (solution.q >= arm.lower + 0.1).all()
    assert (solution.q <= arm.upper - 0.1).all()


@pytest.mark.parametrize("margin", [-0.1, 2.0, np.nan])
def test_margin_out_of_range_is_refused(arm: ArmModel, margin: float) -> None:
    with pytest.raises(ConfigurationError, match="limit_margin_rad"):
        IkSolver(arm, limit_margin_rad=margin)


@given(q=starts(0.2), offset=vectors(-0.3, 0.3, 7), tolerance=st.floats(1e-6, 0.05))
def test_solution_is_within_the_tolerances_whenever_one_was_met(
    arm: ArmModel, q: Vector, offset: Vector, tolerance: float
) -> None:
    """A step that met both tolerances was dropped for one with a smaller sum of squares."""
    solver = IkSolver(arm, position_tolerance_m=tolerance / 100, rotation_tolerance_rad=tolerance)
    solution = solver.solve(arm.tcp_pose(np.clip(q + offset, arm.lower, arm.upper)), q)
    if solution.iterations < 30:
        assert solution.verdict is Verdict.SOLVED

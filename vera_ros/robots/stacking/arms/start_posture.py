# SPDX-License-Identifier: Apache-2.0
"""Checks that an arm starts where the scene is: with its TCP where a Panda's is."""

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.continuous_joints import with_ranges
from vera_ros.motion.kinematics.ik_solver import IkSolver, Verdict
from vera_ros.robots.stacking.arms.description import packaged_panda
from vera_ros.robots.stacking.arms.simulated_arm import PANDA, SimulatedArm
from vera_ros.robots.stacking.frames import GRIP_SITE

_FARTHEST_M, _FARTHEST_RAD = 0.05, 0.2
_ITERATIONS = 200
_TRIES = 40


def check_start(arm: SimulatedArm) -> None:
    """Check that an arm's start posture brings its TCP to where a Panda with its hand starts.

    Raises:
        ConfigurationError: it does not; the message has a posture that does, if there is one. Or
            the joints are not one chain, base to tip.
    """
    model = kinematics_of(arm)
    panda = ArmModel(packaged_panda(arm.hand), PANDA.joint_names, GRIP_SITE)
    goal = panda.tcp_pose(PANDA.start_posture)
    apart = goal.actInv(model.tcp_pose(arm.start_posture))
    if (
        np.linalg.norm(apart.translation) <= _FARTHEST_M
        and np.linalg.norm(pin.log3(apart.rotation)) <= _FARTHEST_RAD
    ):
        return
    found = find_posture(model, goal, arm.start_posture)
    remedy = (
        "the arm does not reach that pose, so it is too small for this scene"
        if found is None
        else f"set start_posture to {[round(float(angle), 4) for angle in found]}"
    )
    start_m = (np.round(goal.translation, 3) + 0.0).tolist()
    raise ConfigurationError(
        f"start_posture brings the TCP {np.linalg.norm(apart.translation):.3f} m and "
        f"{np.linalg.norm(pin.log3(apart.rotation)):.2f} rad away from where episodes start, "
        f"{start_m} m from {model.base_frame} and pointing down; "
        f"valid is up to {_FARTHEST_M} m and {_FARTHEST_RAD} rad; {remedy}"
    )


def kinematics_of(arm: SimulatedArm) -> ArmModel:
    """Return the arm's kinematics; continuous joints may turn once in both directions."""
    n = len(arm.joint_names)
    turn, speed = np.full(n, 2 * np.pi), np.ones(n)
    return ArmModel(
        with_ranges(arm.description, arm.joint_names, -turn, turn, speed),
        arm.joint_names,
        GRIP_SITE,
    )


def find_posture(
    model: ArmModel, goal: pin.SE3, near: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Return a posture that brings the TCP to a pose, best near another; None: none found.

    Args:
        model: the arm's kinematics.
        goal: pose of the TCP in the base frame.
        near: the other posture. Shape (n,), [rad].
    """
    solver = IkSolver(model.chain, model.lower, model.upper, max_iterations=_ITERATIONS)
    rng = np.random.default_rng(0)
    for attempt in range(_TRIES):
        noise = rng.uniform(-np.pi, np.pi, model.n) * attempt / _TRIES
        solution = solver.solve(goal, np.clip(near + noise, model.lower, model.upper))
        if solution.verdict is Verdict.SOLVED:
            return solution.q
    return None

# SPDX-License-Identifier: Apache-2.0
"""The same chunk leads every arm's TCP along the same path: the response is not the arm's."""

from functools import cache

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import Limits, RateLimits
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.tcp_path import PathFinder, SingularityBounds
from vera_ros.motion.response.loader import load_response
from vera_ros.resources import share_path
from verification.arm_files import ARMS, TCP_FRAME, read_arm

from .chunks import POLICY_LIKE, START_Q, Vector, chunks
from .conftest import JOINTS, plan_or_none

MODELS = ("osc_pose_panda.yaml", "direct.yaml")
SAME_M, SAME_RAD = 1e-3, 5e-3
SMALL = 0.15  # of the metric actions of one chunk: they stay in reach


def planner_of(arm: ArmModel, limits: str, model: str) -> ChunkPlanner:
    bounds = Limits(
        lower=arm.lower,
        upper=arm.upper,
        rates=RateLimits.load(share_path("config", limits), arm.n),
        workspace_lower=np.array([0.2, -0.5, -0.13]),
        workspace_upper=np.array([0.85, 0.5, 0.8]),
        duration_s=30.0,
        start_rad=0.05,
    )
    response = load_response(share_path("config", model))
    paths = PathFinder(arm, bounds, SingularityBounds(70.0, 140.0))
    return ChunkPlanner(arm, response, bounds, paths)


@cache
def panda(model: str) -> tuple[ArmModel, ChunkPlanner]:
    urdf = share_path("description", "urdf", "panda.urdf").read_text()
    arm = ArmModel(urdf, JOINTS, TCP_FRAME)
    return arm, planner_of(arm, "panda_limits.yaml", model)


@cache
def other(name: str, model: str) -> tuple[ArmModel, ChunkPlanner]:
    arm = read_arm(name).model
    return arm, planner_of(arm, read_arm(name).limits.name, model)


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_starts_where_the_panda_does(name: str) -> None:
    file = read_arm(name)
    expected = panda(MODELS[0])[0].tcp_pose(START_Q)
    start = file.model.tcp_pose(file.start_q)
    np.testing.assert_allclose(start.translation, expected.translation, atol=2e-5)
    np.testing.assert_allclose(start.rotation, expected.rotation, atol=2e-5)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ARMS)
@settings(max_examples=8)
@given(deltas=chunks(10), gain=st.sampled_from([0.3, 1.0]))
@example(deltas=POLICY_LIKE, gain=1.0)
@example(deltas=np.zeros((2, 6)), gain=1.0)
def test_a_chunk_leads_every_tcp_along_the_same_path(
    name: str, model: str, deltas: Vector, gain: float
) -> None:
    deltas = deltas * gain * (SMALL if model == "direct.yaml" else 1.0)
    (arm, one), (reference, panda_s) = other(name, model), panda(model)
    expected = plan_or_none(panda_s, deltas, START_Q)
    plan = plan_or_none(one, deltas, read_arm(name).start_q)
    assume(expected is not None and plan is not None)
    assert expected is not None
    assert plan is not None
    assume(expected.cut is None and plan.cut is None)
    # The steps' times differ where a limit has stretched them; the poses there do not.
    positions, rotations = arm.tcp_poses(plan.spline.derivative(0, plan.step_times_s))
    same, turned = reference.tcp_poses(expected.spline.derivative(0, expected.step_times_s))
    np.testing.assert_allclose(positions, same, atol=SAME_M)
    np.testing.assert_allclose(rotations, turned, atol=SAME_RAD)

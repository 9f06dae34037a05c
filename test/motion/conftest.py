# SPDX-License-Identifier: Apache-2.0
"""The Panda, its limits and the planning chain, as every test of motion uses them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings

from vera_ros.motion.arm_model import ArmModel
from vera_ros.motion.causes import MotionRefusedError
from vera_ros.motion.gate import ArmTrajectory, Gate, GripperLimits, GripperTrajectory
from vera_ros.motion.ik import IkSolver
from vera_ros.motion.limits import Limits
from vera_ros.motion.osc_model import OscModel
from vera_ros.motion.osc_response import OscPoseResponse
from vera_ros.motion.planner import Planner
from vera_ros.resources import share_path

# A busy machine must not fail a test.
settings.register_profile("motion", deadline=None, max_examples=30)
settings.load_profile("motion")

JOINTS = tuple(f"panda_joint{number}" for number in range(1, 8))


@pytest.fixture(scope="session")
def urdf() -> str:
    return share_path("description", "urdf", "panda.urdf").read_text()


@pytest.fixture(scope="session")
def arm(urdf: str) -> ArmModel:
    return ArmModel(urdf, JOINTS)


@pytest.fixture(scope="session")
def limits(arm: ArmModel) -> Limits:
    return Limits(
        lower=arm.lower,
        upper=arm.upper,
        velocity=arm.velocity_limit,
        acceleration=np.array([15, 7.5, 10, 12.5, 15, 20, 20.0]),
        jerk=np.array([7500, 3750, 5000, 6250, 7500, 10000, 10000.0]),
        tcp_speed_m_s=1.7,
        tcp_turn_rad_s=2.5,
        workspace_lower=np.array([-0.1, -0.9, -0.4]),
        workspace_upper=np.array([0.9, 0.9, 1.2]),
        duration_s=15.0,
        start_rad=0.05,
    )


@pytest.fixture(scope="session")
def gripper_limits() -> GripperLimits:
    return GripperLimits(lower_m=0.0, upper_m=0.04, speed_m_s=0.1, duration_s=15.0)


@pytest.fixture(scope="session")
def osc_model() -> OscModel:
    return OscModel.load(share_path("config", "osc_pose_panda.yaml"))


@pytest.fixture(scope="session")
def response(osc_model: OscModel) -> OscPoseResponse:
    return OscPoseResponse(osc_model)


@pytest.fixture(scope="session")
def planner(arm: ArmModel, response: OscPoseResponse, limits: Limits) -> Planner:
    return Planner(arm, response, limits, IkSolver(arm))


def refusal_of(act: Callable[[], object]) -> MotionRefusedError | None:
    """What refuses the motion; None when it is not refused."""
    try:
        act()
    except MotionRefusedError as refusal:
        return refusal
    return None


class Published:
    """What a gate let through."""

    def __init__(self, arm: ArmModel, limits: Limits, gripper_limits: GripperLimits) -> None:
        self.arm: list[ArmTrajectory] = []
        self.gripper: list[GripperTrajectory] = []
        self.gate = Gate(arm, limits, gripper_limits, self.arm.append, self.gripper.append)


@pytest.fixture
def published(arm: ArmModel, limits: Limits, gripper_limits: GripperLimits) -> Published:
    return Published(arm, limits, gripper_limits)

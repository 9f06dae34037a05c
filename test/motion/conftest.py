# SPDX-License-Identifier: Apache-2.0
"""The Panda, its limits and the planning chain, as every test of motion uses them."""

from collections.abc import Callable

import numpy as np
import pytest
import yaml
from hypothesis import settings

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import GripperLimits, Limits, RateLimits
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.plan import Plan
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.planning.start import Start
from vera_ros.motion.planning.tcp_path import PathFinder, SingularityBounds
from vera_ros.motion.response.osc_model import OscModel
from vera_ros.motion.response.osc_pose import OscPoseResponse
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.setpoint.setpoint import Setpoint
from vera_ros.motion.trajectory import ArmTrajectory, GripperTrajectory
from vera_ros.resources import share_path

from .chunks import CONTROL_DT_S, START_Q, Vector

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
        rates=RateLimits.load(share_path("config", "panda_limits.yaml"), arm.n),
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
    content = yaml.safe_load(share_path("config", "osc_pose_panda.yaml").read_text())
    return OscModel.of(content)


@pytest.fixture(scope="session")
def response(osc_model: OscModel) -> OscPoseResponse:
    return OscPoseResponse(osc_model)


@pytest.fixture(scope="session")
def paths(arm: ArmModel, limits: Limits) -> PathFinder:
    return PathFinder(arm, limits, SingularityBounds(70.0, 140.0))


@pytest.fixture(scope="session")
def chunk_planner(
    arm: ArmModel, response: OscPoseResponse, limits: Limits, paths: PathFinder
) -> ChunkPlanner:
    return ChunkPlanner(arm, response, limits, paths)


@pytest.fixture(scope="session")
def planner(arm: ArmModel, limits: Limits) -> Planner:
    return Planner(arm, limits)


def refusal_of(act: Callable[[], object]) -> MotionRefusedError | None:
    """What refuses the motion; None when it is not refused."""
    try:
        act()
    except MotionRefusedError as refusal:
        return refusal
    return None


def plan_or_none(
    planner: ChunkPlanner, deltas: Vector, q: Vector, start: Start | None = None
) -> Plan | None:
    """The plan from `q` at rest, or from a start; None when it is refused, with a cause."""
    plans: list[Plan] = []

    def plan() -> None:
        begin = planner.from_rest(q) if start is None else start
        plans.append(planner.plan_chunk(deltas, CONTROL_DT_S, begin))

    refusal = refusal_of(plan)
    if refusal is None:
        return plans[0]
    assert refusal.cause is not Cause.NONE
    assert str(refusal)
    return None


class Published:
    """A gate and what it let through, each with its time 0."""

    def __init__(self, arm: ArmModel, limits: Limits, gripper_limits: GripperLimits) -> None:
        self.arm: list[ArmTrajectory] = []
        self.gripper: list[GripperTrajectory] = []
        self.sent_s: list[float] = []
        self.gate = Gate(arm, limits, gripper_limits, self._take, self._take_fingers)
        self.gate.setpoint = Setpoint.resting(START_Q)

    def _take(self, trajectory: ArmTrajectory, now_s: float) -> None:
        self.arm.append(trajectory)
        self.sent_s.append(now_s)

    def _take_fingers(self, trajectory: GripperTrajectory, _: float) -> None:
        self.gripper.append(trajectory)


@pytest.fixture(scope="session")
def gate(arm: ArmModel, limits: Limits, gripper_limits: GripperLimits) -> Gate:
    """A gate that has sent nothing, for what is only checked."""
    return Published(arm, limits, gripper_limits).gate


@pytest.fixture
def published(arm: ArmModel, limits: Limits, gripper_limits: GripperLimits) -> Published:
    return Published(arm, limits, gripper_limits)

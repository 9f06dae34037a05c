# SPDX-License-Identifier: Apache-2.0
"""Descriptions that people have are set up as they are, and chunks play on them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.tcp_path import PathFinder, SingularityBounds
from vera_ros.motion.response.loader import load_response
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.setpoint.setpoint import Setpoint
from vera_ros.motion.trajectory import ArmState
from vera_ros.nodes.ik.setup.motion_setup import ArmSetup, set_up_arm
from vera_ros.nodes.ik.setup.parameters import PARAMETERS
from vera_ros.resources import share_path

from ...motion.chunks import ACTION_SCALE, CONTROL_DT_S
from ...motion.descriptions import (
    GEN3_JOINTS,
    GEN3_LIMITS,
    UR5E_JOINTS,
    UR5E_LIMITS,
    fr3,
    fr3_duo,
    gen3,
    multipanda,
    ur5e,
)

ROBOTIQ = {
    "tcp_frame": "gripper_tcp",
    "gripper_joint": "robotiq_85_left_knuckle_joint",
    "gripper_open_m": 0.0,
    "gripper_closed_m": 0.8,
    "gripper_speed": 1.0,
}
READY_Q = [0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785]
CHUNKS = 20


@dataclass(frozen=True)
class Robot:
    """A description, and the parameters that name its parts."""

    urdf: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def set_up(self, **changes: Any) -> ArmSetup:
        return set_up_arm(self.all_parameters() | changes, self.urdf)

    def all_parameters(self) -> dict[str, Any]:
        return {each.name: each.default for each in PARAMETERS} | self.parameters


def franka(prefix: str) -> dict[str, Any]:
    return {
        "joint_names": [f"{prefix}joint{number}" for number in range(1, 8)],
        "tcp_frame": f"{prefix}hand_tcp",
        "gripper_joint": f"{prefix}finger_joint1",
    }


@pytest.fixture(scope="module")
def robots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Robot]:
    folder: Path = tmp_path_factory.mktemp("limits")
    limits, of_gen3 = folder / "ur5e.yaml", folder / "gen3.yaml"
    limits.write_text(UR5E_LIMITS)
    of_gen3.write_text(GEN3_LIMITS)
    ur = {
        "joint_names": list(UR5E_JOINTS),
        "limits": str(limits),
        "effort_limits": [40.0] * 6,
        "start_posture": [3.14, -1.57, 1.9, -1.9, -1.57, 1.57],
        "workspace_lower": [-1.0, -1.0, -0.2],
        "workspace_upper": [1.0, 1.0, 1.2],
    }
    wide = {"workspace_lower": [-1.0, -1.0, -1.0], "workspace_upper": [1.0, 1.0, 1.5]}
    kinova = {
        "joint_names": list(GEN3_JOINTS),
        "tcp_frame": "end_effector_link",
        "limits": str(of_gen3),
        "gripper_joint": "",
        "start_posture": [0.0, 0.26, 3.14, -2.27, 0.0, 0.96, 1.57],
    }
    limits_fr3 = {"limits": "fr3_limits.yaml"}
    return {
        "multipanda": Robot(multipanda(), franka("panda_") | {"effort_model": "none"}),
        "fr3": Robot(fr3(), franka("fr3_") | limits_fr3),
        "fr3, ready": Robot(fr3(), franka("fr3_") | limits_fr3 | {"start_posture": READY_Q} | wide),
        "ur5e": Robot(ur5e(robotiq=False), ur | {"gripper_joint": "", "tcp_frame": "tool0"}),
        "ur5e, robotiq": Robot(ur5e(), ur | ROBOTIQ),
        "gen3": Robot(gen3(), kinova | wide),
        "duo": Robot(
            fr3_duo(), franka("left_fr3_") | limits_fr3 | {"start_posture": READY_Q} | wide
        ),
    }


NAMES = ("multipanda", "fr3", "fr3, ready", "ur5e", "ur5e, robotiq", "gen3", "duo")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_checked_is_named(robots: dict[str, Robot], name: str) -> None:
    setup = robots[name].set_up()
    assert setup.obstacles is not None
    said = [remark for remark in setup.remarks if "not checked for collisions" in remark]
    assert len(said) == bool(setup.obstacles.left_out)
    for one, other in setup.obstacles.left_out:
        assert f"{one}-{other}" in said[0]
        assert "collision_description" in said[0]
    checked = robots[name].set_up(collision_check=False)
    assert not [remark for remark in checked.remarks if "not checked for collisions" in remark]


@pytest.mark.parametrize("name", NAMES)
def test_chunks_from_near_the_start_posture_pass_the_gate(
    robots: dict[str, Robot], name: str
) -> None:
    """A multipanda_ros2 Panda was refused in each of 300 postures, an FR3 in half of them."""
    robot = robots[name]
    setup, p = robot.set_up(), robot.all_parameters()
    arm, limits = setup.arm, setup.limits
    paths = PathFinder(arm, limits, SingularityBounds(70.0, 140.0), setup.obstacles)
    # The Panda's model stands for another arm only if that has another number of joints.
    model, share = ("direct.yaml", 0.1) if name == "gen3" else ("osc_pose_panda.yaml", 0.3)
    response = load_response(share_path("config", model))
    planner = ChunkPlanner(arm, response, limits, paths)
    sent: list[float] = []
    random = np.random.default_rng(0)
    moved_m = 0.0
    for _ in range(CHUNKS):
        q = np.array(p["start_posture"]) + random.uniform(-0.1, 0.1, arm.n)
        deltas = np.tile(random.uniform(-share, share, 6) * ACTION_SCALE, (8, 1))
        gate = Gate(
            arm,
            limits,
            setup.gripper_limits,
            lambda _, start_s: sent.append(start_s),
            lambda *_: None,
            setup.obstacles,
        )
        gate.setpoint = Setpoint.resting(q)
        plan = planner.plan_chunk(deltas, CONTROL_DT_S, planner.from_rest(q))
        gate.send_arm(plan.trajectory(), ArmState(q), 1.0)
        moved_m += plan.executed_trans_m
    assert len(sent) == CHUNKS
    assert moved_m > CHUNKS * 8 * 0.02 * share


def test_continuous_joints_that_the_limits_file_does_not_have_are_named(
    robots: dict[str, Robot],
) -> None:
    ur = robots["ur5e"].parameters["limits"]
    words = r"7 joints, \['joint_1', .*'joint_7'\], .*ur5e.yaml are for a UR5e, which has 6"
    with pytest.raises(ConfigurationError, match=words):
        robots["gen3"].set_up(limits=ur)


def test_a_panda_without_inertias_has_those_of_the_packaged_one(robots: dict[str, Robot]) -> None:
    robot = robots["multipanda"]
    with pytest.raises(ConfigurationError, match=r"collision_description.*panda\.urdf"):
        robot.set_up(effort_model="rigid_body")
    setup = robot.set_up(effort_model="rigid_body", collision_description="panda.urdf")
    q, still = np.array(robot.all_parameters()["start_posture"]), np.zeros(7)
    packaged = share_path("description", "urdf", "panda.urdf").read_text()
    gravity = Robot(packaged).set_up().arm.efforts(q, still)
    assert np.abs(gravity).max() > 20
    assert setup.contact.update(gravity, q, still, 1.0) == ""
    assert setup.contact.update(gravity, q, still, 2.0) == ""
    raw = robot.set_up(effort_model="none", effort_limits=[15.0] * 7).contact
    raw.update(gravity, q, still, 1.0)
    assert "effort_model: none" in raw.update(gravity, q, still, 2.0)
    assert setup.effort_fit.content(gravity, q) == "gravity"
    assert not setup.remarks  # the packaged shapes fit


def test_inertias_of_another_arm_are_refused(robots: dict[str, Robot], tmp_path: Path) -> None:
    other = tmp_path / "other.urdf"
    packaged = share_path("description", "urdf", "panda.urdf").read_text()
    other.write_text(packaged.replace('xyz="0 -0.316 0"', 'xyz="0 -0.400 0"'))
    for check in (True, False):
        with pytest.raises(ConfigurationError, match="collision_description is of another arm"):
            robots["multipanda"].set_up(collision_description=str(other), collision_check=check)

# SPDX-License-Identifier: Apache-2.0
"""The arm of sim_node's parameters."""

from typing import Any

import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.sim.parameters import PARAMETERS
from vera_ros.robots.stacking.arms.simulated_arm import PANDA, SimulatedArm
from verification.arm_files import ARMS, read_arm


@pytest.mark.parametrize("name", ARMS)
def test_the_arm_of_a_file_is_read(name: str) -> None:
    sim = read_arm(name).sim
    arm = SimulatedArm.read(
        sim["arm_description"], sim["flange"], sim["joint_names"], sim["start_posture"]
    )
    assert list(arm.joint_names) == sim["joint_names"]
    assert arm.start_posture.tolist() == sim["start_posture"]
    assert arm.base == read_arm(name).model.base_frame


def test_by_default_it_is_the_panda_exactly() -> None:
    p: dict[str, Any] = {parameter.name: parameter.default for parameter in PARAMETERS}
    arm = SimulatedArm.read(p["arm_description"], p["flange"], p["joint_names"], p["start_posture"])
    assert arm.urdf == PANDA.urdf == ""
    assert arm.joint_names == PANDA.joint_names
    assert (arm.start_posture == PANDA.start_posture).all()


def test_joints_of_another_arm_need_its_description() -> None:
    with pytest.raises(ConfigurationError, match="set arm_description to the arm's URDF"):
        SimulatedArm.read("", "", [f"joint{number}" for number in range(1, 8)], [0.0] * 7)


def test_each_joint_needs_its_start() -> None:
    with pytest.raises(ConfigurationError, match="6 values and joint_names 7; give one value per"):
        SimulatedArm.read("", "", PANDA.joint_names, [0.0] * 6)

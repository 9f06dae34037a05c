# SPDX-License-Identifier: Apache-2.0
"""Continuous joints have the ranges that they are given, and nothing else changes."""

from xml.etree import ElementTree

import numpy as np
import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.continuous_joints import continuous_joints, with_ranges

from ..descriptions import GEN3_JOINTS, UR5E_JOINTS, gen3, ur5e
from ..urdfs import LIMIT, robot

LOWER, UPPER, VELOCITY = -np.arange(1.0, 8.0), np.arange(1.0, 8.0), np.full(7, 1.5)


def test_a_gen3_has_four_of_them() -> None:
    found = continuous_joints(gen3(), GEN3_JOINTS)
    assert found == [f"joint_{number}" for number in (1, 3, 5, 7)]
    with pytest.raises(ConfigurationError, match=r"'joint_1' has no range.*limits file.*<limit>"):
        ArmModel(gen3(), GEN3_JOINTS, "end_effector_link")


def test_each_gets_its_range_and_keeps_its_own_velocity() -> None:
    text = with_ranges(gen3(), GEN3_JOINTS, LOWER, UPPER, VELOCITY)
    arm = ArmModel(text, GEN3_JOINTS, "end_effector_link")
    for number in (1, 3, 5, 7):
        assert arm.lower[number - 1] == -number
        assert arm.upper[number - 1] == number
    np.testing.assert_allclose(arm.upper[[1, 3, 5]], [2.41, 2.66, 2.23])
    assert arm.velocity_limit[0] == 1.39
    assert arm.velocity_limit[6] == 1.5  # the description has none


@pytest.mark.parametrize("name", ["wrist_3_joint", "shoulder_pan_joint"])
def test_an_arm_moves_as_one_whose_description_has_the_range(name: str) -> None:
    ranges = np.full(6, 6.0)
    text = with_ranges(ur5e(continuous=(name,)), UR5E_JOINTS, -ranges, ranges, ranges)
    given, plain = (ArmModel(each, UR5E_JOINTS, "gripper_tcp") for each in (text, ur5e()))
    for q in np.random.default_rng(0).uniform(-3, 3, (5, 6)):
        np.testing.assert_allclose(
            given.tcp_pose(q).homogeneous, plain.tcp_pose(q).homogeneous, atol=1e-12
        )
    assert given.upper[UR5E_JOINTS.index(name)] == 6.0


def test_joints_of_others_stay_as_they_are() -> None:
    """A gripper's, or the wheels of a mobile base."""
    wheel = ("wheel", "continuous", "base", "rim", "")
    text = robot(["base", "one", "rim"], [("a", "revolute", "base", "one", LIMIT), wheel])
    assert continuous_joints(text, ["a"]) == []
    changed = with_ranges(text, ["a"], LOWER[:1], UPPER[:1], VELOCITY[:1])
    assert ElementTree.canonicalize(changed) == ElementTree.canonicalize(text)
    assert continuous_joints("<robot", ["a"]) == []

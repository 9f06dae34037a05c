# SPDX-License-Identifier: Apache-2.0
"""What is read from a URDF as XML is what the kinematic model finds."""

from pathlib import Path

import pinocchio as pin
import pytest

from vera_ros.motion.kinematics.urdf_joints import (
    find_joint,
    joints_up_to,
    moving_joints,
    root_link,
)
from vera_ros.resources import share_path

URDFS = sorted(share_path("description", "urdf").glob("*.urdf"))
every_urdf = pytest.mark.parametrize("path", URDFS, ids=lambda path: path.stem)


@every_urdf
def test_the_root_carries_the_model(path: Path) -> None:
    model = pin.buildModelFromUrdf(str(path))
    bodies = [frame for frame in model.frames if frame.type == pin.FrameType.BODY]
    assert root_link(path.read_text()) == bodies[0].name


@every_urdf
def test_joints_that_move_are_those_of_the_model(path: Path) -> None:
    urdf = path.read_text()
    model = pin.buildModelFromUrdf(str(path))
    mimics = [name for name in model.names[1:] if name not in moving_joints(urdf)]
    assert sorted([*moving_joints(urdf), *mimics]) == sorted(model.names[1:])
    for name in mimics:
        joint = find_joint(urdf, name)
        assert joint is not None
        assert joint.find("mimic") is not None


def test_the_arm_is_what_leads_to_the_gripper() -> None:
    urdf = share_path("description", "urdf", "panda.urdf").read_text()
    arm = [f"panda_joint{number}" for number in range(1, 8)]
    assert joints_up_to(urdf, "panda_finger_joint1") == arm
    assert joints_up_to(urdf, "nothing") == []

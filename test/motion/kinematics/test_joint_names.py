# SPDX-License-Identifier: Apache-2.0
"""joint_names that are not the arm's are refused with those that are, before anything is blamed."""

import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_identity import ArmIdentity
from vera_ros.motion.kinematics.joint_names import check_joint_names
from vera_ros.resources import share_path

from ..conftest import JOINTS

PANDA = share_path("description", "urdf", "panda.urdf").read_text()
FINGER, OTHER_FINGER = "panda_finger_joint1", "panda_finger_joint2"
LIMITS = ArmIdentity.load(share_path("config", "panda_limits.yaml"))
ALL = r"write joint_names: \['panda_joint1', .*, 'panda_joint7'\]"


def test_the_arms_own_joints_pass() -> None:
    for gripper in (FINGER, "", "not_in_the_urdf"):
        check_joint_names(PANDA, JOINTS, gripper, LIMITS)


def test_what_is_no_urdf_is_left_to_the_model() -> None:
    check_joint_names("<robot>", JOINTS[:3], FINGER, LIMITS)


@pytest.mark.parametrize(
    ("names", "gripper", "words"),
    [
        (JOINTS[:6], FINGER, rf"'joint_names' has 6 joints, .*Panda.*has 7; .*{ALL}"),
        (JOINTS[1:], FINGER, rf"has 6 joints.*{ALL}"),
        (JOINTS[:1], FINGER, rf"has 1 joints.*{ALL}"),
        ([*JOINTS, "panda_joint8"], FINGER, rf"has 8 joints.*{ALL}"),
        (JOINTS[:6], "", "has 6 joints.*robot_description has .*'panda_joint7'.*correct joint_na"),
        (JOINTS[:6], "gripper", "has 6 joints.*correct joint_names, or set 'limits'"),
        ([*JOINTS, FINGER], FINGER, rf"'joint_names' has \['{FINGER}'\].*alone.*'panda_joint7'\]"),
        ([*JOINTS, OTHER_FINGER], FINGER, rf"has \['{OTHER_FINGER}'\], of the gripper"),
        ([*JOINTS[:6], OTHER_FINGER], FINGER, rf"has \['{OTHER_FINGER}'\], of the gripper"),
        ([*JOINTS, FINGER, OTHER_FINGER], FINGER, "'panda_finger_joint1', 'panda_finger_joint2'"),
        (JOINTS, "panda_joint7", "'gripper_joint' is 'panda_joint7', which is one of joint_names"),
    ],
)
def test_others_are_refused_with_those_of_the_description(
    names: list[str], gripper: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check_joint_names(PANDA, names, gripper, LIMITS)

# SPDX-License-Identifier: Apache-2.0
"""Check of joint_names against the description and the limits file, before any of it is used."""

from collections.abc import Sequence
from xml.etree import ElementTree

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_identity import ArmIdentity, packaged_arm
from vera_ros.motion.kinematics.urdf_joints import (
    find_joint,
    joints,
    joints_up_to,
    link_of,
    moving_joints,
)


def check_joint_names(
    urdf: str, joint_names: Sequence[str], gripper_joint: str, identity: ArmIdentity
) -> None:
    """Check that as many joints are named as the arm has, and none of the gripper's.

    Names that the URDF does not have, or has in another order, are left to ArmModel, and so is a
    URDF that is not valid.

    Args:
        urdf: the description.
        joint_names: the arm's joints.
        gripper_joint: the commanded joint of the gripper; empty: there is none.
        identity: the arm that the limits are for.

    Raises:
        ConfigurationError: with the joints that the description has instead.
    """
    try:
        fingers = _fingers(urdf, gripper_joint)
    except ElementTree.ParseError:
        return
    n, of_arm = len(identity.velocity), joints_up_to(urdf, gripper_joint) if gripper_joint else []
    moved = [name for name in joint_names if name in fingers]
    if moved and len(joint_names) == n and gripper_joint in moved:
        raise ConfigurationError(
            f"parameter 'gripper_joint' is '{gripper_joint}', which is one of joint_names; valid "
            "is a joint of the fingers, or '' for an arm without a gripper"
        )
    if moved:
        raise ConfigurationError(
            f"parameter 'joint_names' has {moved}, of the gripper (gripper_joint is "
            f"'{gripper_joint}'); valid are the arm's joints alone, base to tip: {of_arm}"
        )
    if len(joint_names) == n:
        return
    other = packaged_arm(joint_names)
    remedy = (
        f"robot_description has {moving_joints(urdf)}: correct joint_names, or set 'limits' to a "
        "file for your arm, like config/panda_limits.yaml"
    )
    if len(of_arm) == n:
        remedy = f"robot_description has {of_arm} up to the gripper: write joint_names: {of_arm}"
    elif other is not None:
        remedy = f"for a {other.name} set 'limits' to {other.file.name}"
    raise ConfigurationError(
        f"parameter 'joint_names' has {len(joint_names)} joints, {list(joint_names)}, and the "
        f"'limits' {identity.file.name} are for a {identity.name}, which has {n}; {remedy}"
    )


def _fingers(urdf: str, gripper_joint: str) -> set[str]:
    """Return the gripper's joint, those on the same hand, and those that mimic it."""
    joint, found = find_joint(urdf, gripper_joint), {gripper_joint}
    for each in joints(urdf):
        mimic = each.find("mimic")
        beside = joint is not None and link_of(each, "parent") == link_of(joint, "parent")
        if beside or (mimic is not None and mimic.get("joint") == gripper_joint):
            found.add(str(each.get("name")))
    return found

# SPDX-License-Identifier: Apache-2.0
"""The arm from its URDF: kinematics that agree with themselves, and clear errors."""

from collections.abc import Sequence
from typing import Literal
from xml.etree import ElementTree

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given

from vera_ros.errors import ConfigurationError
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.chain import forward_kinematics

from ..chunks import START_Q, Vector, starts, vectors
from ..urdfs import CHAIN, LIMIT, robot

JOINTS = [f"panda_joint{number}" for number in range(1, 8)]


@given(q=starts(0.3), direction=vectors(-1.0, 1.0, 7))
def test_jacobian_is_the_derivative_of_the_pose(
    arm: ArmModel, q: Vector, direction: Vector
) -> None:
    step = 1e-6
    before, after = arm.tcp_pose(q - step * direction), arm.tcp_pose(q + step * direction)
    moved = np.concatenate(
        (
            after.translation - before.translation,
            pin.log3(after.rotation @ before.rotation.T),
        )
    )
    np.testing.assert_allclose(arm.jacobians(q[None])[0] @ direction, moved / (2 * step), atol=1e-6)


@given(q=vectors(-1.0, 1.0, 7))
def test_positions_and_chain_agree_with_the_pose(arm: ArmModel, q: Vector) -> None:
    at = arm.tcp_positions(np.stack((q, START_Q)))
    np.testing.assert_allclose(at[0], arm.tcp_pose(q).translation, atol=1e-12)
    np.testing.assert_allclose(at[1], arm.tcp_pose(START_Q).translation, atol=1e-12)
    rotations, positions, axes = np.empty((8, 3, 3)), np.empty((8, 3)), np.empty((7, 3))
    forward_kinematics(arm.chain, q, rotations, positions, axes)
    np.testing.assert_allclose(rotations[-1], arm.tcp_pose(q).rotation, atol=1e-12)


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_may_lie_in_memory_in_any_way(arm: ArmModel, order: Literal["C", "F"]) -> None:
    q = np.array([START_Q, START_Q + 0.1, START_Q - 0.1], order=order)
    np.testing.assert_array_equal(arm.tcp_positions(q[::2]), arm.tcp_positions(q)[::2])
    np.testing.assert_array_equal(arm.jacobians(q[::2]), arm.jacobians(q)[::2])


@pytest.mark.parametrize("bad", [np.zeros(6), np.full(7, np.nan), np.zeros((7, 1))])
def test_positions_that_are_none_are_refused(arm: ArmModel, bad: Vector) -> None:
    arm.check_positions(START_Q, "start", Cause.NO_JOINT_STATES)
    with pytest.raises(MotionRefusedError, match=r"the start is .*; valid are 7 finite") as refusal:
        arm.check_positions(bad, "start", Cause.NO_JOINT_STATES)
    assert refusal.value.cause is Cause.NO_JOINT_STATES


def test_panda_is_read_with_its_limits(arm: ArmModel) -> None:
    assert arm.tcp_frame == "panda_grip_site"
    assert arm.base_frame == "panda_link0"
    assert arm.n == 7
    np.testing.assert_allclose(arm.upper[3], -0.0698)
    np.testing.assert_allclose(arm.velocity_limit, [2.175] * 4 + [2.61] * 3)


def test_base_frame_is_the_frame_of_poses_wherever_the_robot_stands() -> None:
    links = ["world", "base", "one", "two"]
    on_a_table = robot(links, [("stand", "fixed", "world", "base", ""), *CHAIN])
    at_origin = robot(links[1:], CHAIN)
    q = np.array([0.3, -0.4])
    moved, fixed = ArmModel(on_a_table, ["a", "b"]), ArmModel(at_origin, ["a", "b"])
    assert moved.base_frame == "base"
    np.testing.assert_allclose(moved.tcp_pose(q).homogeneous, fixed.tcp_pose(q).homogeneous)
    for one, other in (
        (moved.jacobians(q[None]), fixed.jacobians(q[None])),
        (moved.tcp_positions(q[None]), fixed.tcp_positions(q[None])),
    ):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_tcp_is_the_only_tip() -> None:
    urdf = robot(["base", "one", "two", "hand"], [*CHAIN, ("c", "fixed", "two", "hand", "")])
    assert ArmModel(urdf, ["a", "b"]).tcp_frame == "hand"
    assert ArmModel(robot(["base", "one", "two"], CHAIN), ["a", "b"]).tcp_frame == "two"


def test_tcp_is_the_tip_with_a_telling_name() -> None:
    tips = [("c", "fixed", "two", "camera", ""), ("d", "fixed", "two", "my_tcp", "")]
    urdf = robot(["base", "one", "two", "camera", "my_tcp"], [*CHAIN, *tips])
    assert ArmModel(urdf, ["a", "b"]).tcp_frame == "my_tcp"


def test_fingers_do_not_make_the_tip_ambiguous() -> None:
    fingers = [
        ("c", "fixed", "two", "hand", ""),
        ("d", "fixed", "hand", "grip_site", ""),
        ("e", "prismatic", "hand", "finger", LIMIT),
    ]
    urdf = robot(["base", "one", "two", "hand", "grip_site", "finger"], [*CHAIN, *fingers])
    assert ArmModel(urdf, ["a", "b"]).tcp_frame == "grip_site"


def refused(urdf: str, joints: Sequence[str], match: str, tcp_frame: str = "") -> None:
    with pytest.raises(ConfigurationError, match=match):
        ArmModel(urdf, joints, tcp_frame)


def test_ambiguous_tip_asks_for_tcp_frame() -> None:
    tips = [("c", "fixed", "two", "left", ""), ("d", "fixed", "two", "right", "")]
    urdf = robot(["base", "one", "two", "left", "right"], [*CHAIN, *tips])
    refused(urdf, ["a", "b"], r"'left', 'right'.*set tcp_frame")
    assert ArmModel(urdf, ["a", "b"], "left").tcp_frame == "left"


@pytest.mark.parametrize(
    "text", ["", "not a robot", "<robot/>", "<html></html>", "<robot name='a'>"]
)
def test_text_that_is_no_urdf(text: str) -> None:
    refused(text, ["a"], "robot_description|no joint")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/home/me/panda.urdf", "give the file's content, or leave it empty and run robot_state_p"),
        ("package://franka_description/panda.urdf", "a path or a name, not XML; give the file's"),
        ("$(command 'xacro panda.urdf.xacro')", "only launch files expand"),
        ("$(find franka_description)/a.urdf", "only launch files expand"),
        ("${description}", "only launch files expand"),
        ('<robot name="a" xmlns:xacro="http://x"><xacro:arm/></robot>', "run xacro FILE > robot"),
        ('<robot name="a"><xacro:include filename="b"/></robot>', "run xacro FILE > robot"),
        ("<robot><link", "it is not valid XML"),
    ],
)
def test_what_was_given_instead_of_a_urdf_is_named(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        ArmModel(text, JOINTS)


def test_missing_and_empty_joint_names(urdf: str) -> None:
    refused(urdf, ["elbow"], r"no joint \['elbow'\].*panda_joint1")
    refused(urdf, [], "joint_names is empty")


def test_reordered_joint_names(urdf: str) -> None:
    refused(urdf, [*JOINTS[1:], JOINTS[0]], "the chain's order")


def test_joints_without_limits() -> None:
    no_limits = ("b", "continuous", "one", "two", "")
    refused(robot(["base", "one", "two"], [CHAIN[0], no_limits]), ["a", "b"], "joint 'b'")
    empty = ("b", "revolute", "one", "two", '<limit lower="0" upper="0" velocity="0" effort="0"/>')
    refused(robot(["base", "one", "two"], [CHAIN[0], empty]), ["a", "b"], "lower < upper")


def test_unknown_tcp_frame(urdf: str) -> None:
    refused(urdf, JOINTS, "no frame 'spoon'.*tcp_frame", "spoon")


def test_tcp_frame_that_the_last_joint_does_not_carry(urdf: str) -> None:
    """A TCP on another link moved with fewer joints than were commanded, and nobody noticed."""
    refused(urdf, JOINTS, "not carried by joint 'panda_joint7'.*panda_hand", "panda_link3")


def test_joints_of_two_branches() -> None:
    """Joints of two arms were taken for one chain."""
    branches = [CHAIN[0], ("b", "revolute", "base", "two", LIMIT)]
    refused(robot(["base", "one", "two"], branches), ["a", "b"], "not one chain", "two")


@pytest.mark.parametrize("rpy", ["0 1.5708 0", "3.14159265 0 0", "0.3 -0.4 0.5"])
def test_a_model_takes_gravity_from_how_the_arm_is_mounted(urdf: str, rpy: str) -> None:
    """An upright description with inertias may stand in for one of an arm on a wall."""
    root = ElementTree.fromstring(urdf)
    base = next(
        link.get("name")
        for link in root.iter("link")
        if link.get("name") not in {child.get("link") for child in root.iter("child")}
    )
    ElementTree.SubElement(root, "link", name="wall")
    joint = ElementTree.SubElement(root, "joint", name="bolts", type="fixed")
    ElementTree.SubElement(joint, "parent", link="wall")
    ElementTree.SubElement(joint, "child", link=str(base))
    ElementTree.SubElement(joint, "origin", xyz="0 0 0", rpy=rpy)
    tilted = ArmModel(ElementTree.tostring(root, encoding="unicode"), JOINTS, "panda_hand")
    upright, still = ArmModel(urdf, JOINTS, "panda_hand"), np.zeros(7)
    assert np.abs(upright.efforts(START_Q, still) - tilted.efforts(START_Q, still)).max() > 1.0
    upright.mount_as(tilted)
    np.testing.assert_allclose(
        upright.efforts(START_Q, still), tilted.efforts(START_Q, still), atol=1e-9
    )

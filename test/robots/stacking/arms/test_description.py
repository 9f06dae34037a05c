# SPDX-License-Identifier: Apache-2.0
"""A hand on other arms, and what is refused."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pinocchio as pin
import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.resources import share_path
from vera_ros.robots.stacking.arms.description import (
    base_of,
    describe_arm,
    packaged_panda,
    read_description,
    with_hand,
    without_hand,
)
from vera_ros.robots.stacking.arms.simulated_arm import PANDA, SimulatedArm
from vera_ros.robots.stacking.hands import MOUNT, PANDA_HAND, ROBOTIQ_2F_85, Hand
from vera_ros.robots.stacking.robot import arm_of
from vera_ros.robots.stacking.scene import load_model
from verification.arm_files import ARMS, TCP_FRAME, read_arm

from ....motion.descriptions import GEN3_JOINTS, UR5E_JOINTS, Description, fr3_duo, gen3, ur5e

OTHERS = [name for name in ARMS if name != "panda"]
LEFT = tuple(f"left_fr3_joint{number}" for number in range(1, 8))


def links(urdf: str) -> list[str]:
    return [str(link.get("name")) for link in ElementTree.fromstring(urdf).iter("link")]


@pytest.mark.parametrize("name", OTHERS)
def test_the_tcp_is_to_the_flange_as_on_the_panda(name: str) -> None:
    file = read_arm(name)
    poses = []
    for urdf, flange in ((packaged_panda(), MOUNT), (file.urdf, file.sim["flange"])):
        model = pin.buildModelFromXML(urdf)
        data = model.createData()
        pin.framesForwardKinematics(model, data, pin.neutral(model))
        tcp = data.oMf[model.getFrameId(TCP_FRAME)]
        poses.append(data.oMf[model.getFrameId(flange)].actInv(tcp).homogeneous)
    np.testing.assert_allclose(poses[1], poses[0], atol=1e-9)


@pytest.mark.parametrize("name", OTHERS)
def test_the_flange_of_a_packaged_arm_is_found(name: str) -> None:
    file = read_arm(name)
    found = with_hand(read_description(file.sim["arm_description"]), file.joint_names)
    assert found == file.urdf
    bare, flange = without_hand(found)
    assert flange == file.sim["flange"]
    assert next(link for link in links(found) if link not in links(bare)) == MOUNT


def test_a_gripper_of_its_own_is_left_out() -> None:
    arm = with_hand(ur5e(), UR5E_JOINTS, "tool0")
    assert arm == with_hand(ur5e(robotiq=False), UR5E_JOINTS)
    assert not [link for link in links(arm) if "robotiq" in link]


def test_joints_of_other_parts_are_held() -> None:
    arm = ElementTree.fromstring(with_hand(fr3_duo(), LEFT, "left_fr3_link8"))
    moving = {joint.get("name") for joint in arm.findall("joint") if joint.get("type") != "fixed"}
    assert moving == {*LEFT, "panda_finger_joint1", "panda_finger_joint2"}


def test_poses_are_in_the_frame_of_the_link_that_carries_the_first_joint() -> None:
    assert base_of(ur5e(), UR5E_JOINTS[0]) == "base_link_inertia"
    assert base_of(gen3(), GEN3_JOINTS[0]) == "base_link"


@pytest.mark.parametrize(
    ("urdf", "joints", "flange", "message"),
    [
        (gen3(), ["joint_8"], "", r"no joint \['joint_8'\]; it has \['joint_1'"),
        (gen3(), [], "", "joint_names is empty"),
        (gen3(), GEN3_JOINTS[::-1], "", "valid is the chain's order, .'joint_1', 'joint_2'"),
        (fr3_duo(), [LEFT[0], "right_fr3_joint2"], "", "not one chain: 'left_fr3_joint1' does"),
        (gen3(), GEN3_JOINTS, "link_3", "'link_3', which is not carried by joint 'joint_7'"),
        (gen3(), GEN3_JOINTS, "hand", r"valid is one of \['link_7', 'end_effector_link'\]"),
        (ur5e(), UR5E_JOINTS, "gripper_tcp", "'robotiq_85_left_knuckle_joint'.*beside it"),
    ],
)
def test_what_does_not_fit_is_refused(
    urdf: str, joints: list[str], flange: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        with_hand(urdf, joints, flange)


def test_the_candidates_are_named_where_the_flange_is_not_clear() -> None:
    arm = Description()
    for name in ("base", "last", "left_tip", "right_tip"):
        arm.link(name)
    arm.joint("turn", "base", "last", kind="revolute", within=(-1.0, 1.0, 1.0))
    arm.joint("to_left", "last", "left_tip")
    arm.joint("to_right", "last", "right_tip")
    with pytest.raises(ConfigurationError, match=r"\['last', 'left_tip', 'right_tip'\]; set fl"):
        with_hand(arm.text(), ["turn"])


@pytest.mark.parametrize("flange", ["panda_link7", "panda_link8"])
@pytest.mark.parametrize("hand", [PANDA_HAND, ROBOTIQ_2F_85])
def test_a_panda_that_has_its_hand_gets_another_one(flange: str, hand: Hand) -> None:
    found = with_hand(packaged_panda(), PANDA.joint_names, flange, hand)
    assert links(found)[-1] == "panda_grip_site"
    assert {*hand.bodies, MOUNT} < {*links(found)}
    bare, mount = without_hand(found)
    assert mount == flange
    assert links(bare)[-1] == flange


def test_a_pandas_own_urdf_is_an_arm_like_any_other() -> None:
    parameters = {"arm_description": "panda.urdf", "flange": MOUNT}
    assert {*ROBOTIQ_2F_85.bodies} < {*links(describe_arm(parameters, ROBOTIQ_2F_85))}
    model = load_model(arm=arm_of(parameters, ROBOTIQ_2F_85))
    names = [model.joint(number).name for number in range(model.njnt)]
    assert {*PANDA.joint_names, *ROBOTIQ_2F_85.joints} < {*names}


@pytest.mark.parametrize("name", ARMS)
def test_another_hand_takes_the_place_of_the_pandas(name: str) -> None:
    file = read_arm(name)
    arm = SimulatedArm.read(
        file.sim["arm_description"],
        file.sim["flange"],
        file.joint_names,
        list(file.start_q),
        ROBOTIQ_2F_85,
    )
    with_it = links(arm.description)
    assert {*ROBOTIQ_2F_85.bodies} < {*with_it}
    assert not {*PANDA_HAND.bodies} & {*with_it}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no XML", "'{file}', which is not a URDF: syntax error"),
        (
            "<robot xmlns:xacro='http://ros.org/wiki/xacro'><xacro:include/></robot>",
            "written in xacro; run xacro FILE",
        ),
        (
            "<robot><link name='a'><visual><geometry><mesh filename='package://my_arm/a.stl'/>"
            "</geometry></visual></link></robot>",
            "names the mesh 'package://my_arm/a.stl', which is not there",
        ),
    ],
)
def test_files_that_cannot_be_used_are_refused(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "arm.urdf"
    file.write_text(content)
    with pytest.raises(ConfigurationError) as refusal:
        read_description(str(file))
    assert message.format(file=file) in str(refusal.value)


def test_a_description_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'arm_description' is 'ur55.*has .*ur5e\.urdf"):
        read_description("ur55.urdf")
    assert share_path("description", "urdf", "ur5e.urdf").is_file()

# SPDX-License-Identifier: Apache-2.0
"""The second arm of a description is where its joints are, not at zero."""

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given, settings

from vera_ros.motion.collision.model import CollisionModel

from ..chunks import Vector, vectors
from ..descriptions import FR3_RANGES, UR5E_JOINTS, Description, add_franka, box, fr3_duo, ur5e
from ..urdfs import LIMIT

READY_Q = np.array([0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785])
LEFT, RIGHT = (
    tuple(f"{side}_fr3_joint{number}" for number in range(1, 8)) for side in ("left", "right")
)


def model(urdf: str, joints: tuple[str, ...] = LEFT, **changes: object) -> CollisionModel:
    settings = {"self_distance_m": 0.01, "table_z_m": None, "table_distance_m": 0.0}
    return CollisionModel(urdf, joints, **(settings | changes))  # type: ignore[arg-type]


def on_a_torso() -> str:
    """Both arms on a torso that turns, beside a cabinet on the floor."""
    turned = fr3_duo().replace(
        "<joint name='mount_joint' type='fixed'>", "<joint name='torso' type='revolute'>"
    )
    turned = turned.replace(
        "<child link='mount_link'/><axis xyz='0 0 1'/>",
        f"<child link='mount_link'/><axis xyz='0 0 1'/>{LIMIT}",
    )
    cabinet = Description()
    cabinet.link("cabinet", box((0.2, 0.2, 0.5), (0.8, 0.3, 0.2)))
    cabinet.joint("cabinet_joint", "base", "cabinet")
    return turned.replace("</robot>", cabinet.text().split(">", 1)[1])


@pytest.fixture(scope="module")
def duo() -> CollisionModel:
    return model(fr3_duo(), start_q=READY_Q)


@pytest.fixture(scope="module")
def torso_duo() -> CollisionModel:
    return model(on_a_torso(), start_q=READY_Q)


def placements(urdf: str, positions: dict[str, float], tip: str) -> dict[str, pin.SE3]:
    """Where each link of the whole robot is, as the tip of the arm has it."""
    full = pin.buildModelFromXML(urdf)
    q, data = pin.neutral(full), full.createData()
    for name, position in positions.items():
        q[full.joints[full.getJointId(name)].idx_q] = position
    pin.framesForwardKinematics(full, data, q)
    hand = data.oMf[full.getFrameId(tip)]
    return {str(f.name): hand.actInv(at) for f, at in zip(full.frames, data.oMf, strict=True)}


@settings(max_examples=5)
@given(own=vectors(-0.5, 0.5, 7), other=vectors(-0.5, 0.5, 7), torso=vectors(-1.0, 1.0, 1))
@pytest.mark.parametrize("with_torso", [False, True])
def test_every_shape_is_where_the_whole_robots_kinematics_have_it(
    duo: CollisionModel,
    torso_duo: CollisionModel,
    with_torso: bool,
    own: Vector,
    other: Vector,
    torso: Vector,
) -> None:
    urdf, checked = (on_a_torso(), torso_duo) if with_torso else (fr3_duo(), duo)
    positions = dict(zip(RIGHT, READY_Q + other, strict=True)) | {"right_fr3_finger_joint1": 0.01}
    if with_torso:
        positions["torso"] = float(torso[0])
    assert set(positions) == set(checked.other_joints)
    checked.place_others(positions)
    positions["right_fr3_finger_joint2"] = 0.01  # mimics the first
    q = READY_Q + own
    whole = placements(urdf, positions | dict(zip(LEFT, q, strict=True)), "left_fr3_link7")
    geometry = checked._geometry
    data = geometry.model.createData()
    pin.framesForwardKinematics(geometry.model, data, q)
    tip = data.oMf[geometry.model.getFrameId("left_fr3_link7")].copy()
    neutral = placements(urdf, {}, "left_fr3_link7")
    zero = pin.neutral(geometry.model)
    pin.framesForwardKinematics(geometry.model, data, zero)
    checked.place_others({})
    at_zero = data.oMf[geometry.model.getFrameId("left_fr3_link7")]
    local = {
        i: neutral[link].actInv(at_zero.actInv(geometry.shapes.geometryObjects[i].placement))
        for i, link in enumerate(geometry.links)
        if i in geometry.others.shapes
    }
    checked.place_others(positions)
    for i, in_link in local.items():
        placed = tip.actInv(geometry.shapes.geometryObjects[i].placement)
        expected = whole[geometry.links[i]] * in_link
        np.testing.assert_allclose(placed.homogeneous, expected.homogeneous, atol=1e-9)
    checked.place_others({})


def test_a_second_arm_in_the_way_is_found_and_at_zero_it_was_not(duo: CollisionModel) -> None:
    """It was held upright, so that the arms went through each other."""
    inwards = READY_Q + np.array([-1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    duo.place_others({})
    assert duo.clearance(inwards).margin_m > 0
    mirrored = READY_Q + np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    duo.place_others(dict(zip(RIGHT, mirrored, strict=True)))
    found = duo.clearance(inwards)
    duo.place_others({})
    assert found.margin_m < 0
    assert found.links[0].startswith("left")
    assert found.links[1].startswith("right")


def test_pairs_of_two_arms_are_left_out_only_if_no_posture_of_either_parts_them(
    duo: CollisionModel,
) -> None:
    both = [pair for pair in duo.left_out if {link.split("_")[0] for link in pair} != {"left"}]
    assert set(both) <= {("left_fr3_link1_sc", "right_fr3_link1_sc")}  # beside each other


def test_the_start_posture_is_not_held_against_an_arm_whose_posture_is_unknown() -> None:
    made = Description()
    made.link("base")
    for side, y in (("left", 0.1), ("right", -0.1)):
        add_franka(made, f"{side}_fr3_", FR3_RANGES, grown_m=0.0)
        made.joint(f"{side}_base_joint", "base", f"{side}_fr3_link0", (0, y, 0))
    close = model(made.text(), start_q=READY_Q)
    assert any("right" in links[1] for links in map(close._links, close._pairs))
    close.check_posture(READY_Q, "start_posture")


@pytest.mark.parametrize("robotiq", [True, False])
def test_an_arm_alone_has_no_other_joints(robotiq: bool) -> None:
    """Its gripper's joints are its own."""
    alone = model(ur5e(robotiq=robotiq), UR5E_JOINTS)
    assert alone.other_joints == ()
    before = alone.clearance(np.ones(6))
    alone.place_others({"elbow_joint": 1.0, "robotiq_85_left_knuckle_joint": 0.5})
    assert alone.clearance(np.ones(6)) == before


def test_the_packaged_arm_has_no_other_joints(urdf: str) -> None:
    joints = tuple(f"panda_joint{number}" for number in range(1, 8))
    assert model(urdf, joints).other_joints == ()

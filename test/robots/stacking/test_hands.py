# SPDX-License-Identifier: Apache-2.0
"""A hand in the scene is the hand of its URDF, and holds a cube, on each arm."""

from functools import cache
from typing import Any

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.robots.registry import find_robot
from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.arms.description import packaged_panda
from vera_ros.robots.stacking.arms.simulated_arm import SimulatedArm
from vera_ros.robots.stacking.hands import PANDA_HAND, ROBOTIQ_2F_85, Hand
from vera_ros.robots.stacking.robot import arm_of
from vera_ros.robots.stacking.world import World
from verification.arm_files import ARMS, read_arm

HANDS = [PANDA_HAND, ROBOTIQ_2F_85]
PADS = {
    PANDA_HAND: ("panda_leftfinger", "panda_rightfinger"),
    ROBOTIQ_2F_85: ("robotiq_85_left_finger_tip_link", "robotiq_85_right_finger_tip_link"),
}


def named(hand: Hand) -> str:
    return hand.bodies[0]


@cache
def world_of(name: str, hand: Hand) -> World:
    return World(0, arm_of(read_arm(name).sim, hand))


def step(world: World, finger: float, duration_s: float) -> None:
    q = world.arm().q
    for _ in range(round(duration_s / world.step_s)):
        world.step(q, np.zeros(len(q)), finger)


def test_each_embodiment_has_its_own() -> None:
    for embodiment, hand in (("mimicgen", PANDA_HAND), ("droid", ROBOTIQ_2F_85)):
        simulator = find_robot(embodiment).simulator
        robot: Any = simulator.make(0)
        assert robot.world.robot.hand == hand
        assert simulator.describe({}) == packaged_panda(hand)


@pytest.mark.parametrize("name", ARMS)
@settings(max_examples=10, deadline=None)
@given(angle_rad=st.floats(0.0, 0.8))
def test_the_2f_85_moves_as_its_urdf_says(name: str, angle_rad: float) -> None:
    world = world_of(name, ROBOTIQ_2F_85)
    world.reset(0)
    step(world, angle_rad, 1.0)
    model = pin.buildModelFromXML(world.robot.description)
    data, q = model.createData(), pin.neutral(model)
    measured = world.model.jnt_qposadr
    positions = world.snapshot()
    for joint in range(1, model.njoints):
        at = measured[world.model.joint(model.names[joint]).id]
        place = slice(model.idx_qs[joint], model.idx_qs[joint] + model.nqs[joint])
        angle = positions[at]
        q[place] = [np.cos(angle), np.sin(angle)] if model.nqs[joint] == 2 else angle
    pin.framesForwardKinematics(model, data, q)
    base = data.oMf[model.getFrameId(world.robot.base)]
    for link in (*PADS[ROBOTIQ_2F_85], scene.GRIP_SITE):
        expected = base.actInv(data.oMf[model.getFrameId(link)]).translation
        found = world.pose(link, world.robot.base).position
        np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(world.fingers().q, angle_rad, atol=0.01)
    # The other joints follow the driven one.
    followers = [joint for joint in model.names if joint.startswith("robotiq")]
    shares = [abs(positions[measured[world.model.joint(joint).id]]) for joint in followers]
    np.testing.assert_allclose(shares, angle_rad, atol=0.02)


@pytest.mark.parametrize("hand", HANDS, ids=named)
def test_a_closing_hand_holds_a_cube_between_its_pads(hand: Hand) -> None:
    world = world_of("panda", hand)
    world.reset(0)
    step(world, hand.opened, 1.0)
    site = world.pose(scene.GRIP_SITE)
    closing_axis = pin.Quaternion(site.quaternion).matrix()[:, 0]
    yaw_rad = float(np.arctan2(closing_axis[1], closing_axis[0]))
    q, still = world.arm().q, np.zeros(7)
    for _ in range(round(0.6 / world.step_s)):
        if not all(world.in_contact(scene.RED_CUBE, (pad,)) for pad in PADS[hand]):
            world.place_cube(scene.RED_CUBE, site.position, yaw_rad)
        world.step(q, still, hand.closed)
    step(world, hand.closed, 1.0)
    assert all(world.in_contact(scene.RED_CUBE, (pad,)) for pad in PADS[hand])
    held = world.pose(scene.RED_CUBE).position
    np.testing.assert_allclose(held, site.position, atol=4e-3)
    step(world, hand.opened, 0.6)
    assert not world.in_contact(scene.RED_CUBE, hand.bodies)
    assert world.pose(scene.RED_CUBE).position[2] < held[2] - 0.05


def test_only_the_driven_joints_are_published() -> None:
    robot: Any = find_robot("droid").simulator.make(0)
    names, values = robot.joint_states()
    assert names == [*SimulatedArm().joint_names, "robotiq_85_left_knuckle_joint"]
    assert values.shape == (3, 8)

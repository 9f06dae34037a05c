# SPDX-License-Identifier: Apache-2.0
"""Puts another arm in the Panda's place in the stacking scene, from its URDF; and another hand.

The arm's base stands where the Panda's does, and position servos drive its joints: critically
damped at 30 rad/s for the joints' inertias, as the Panda's are.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from vera_ros.errors import ConfigurationError
from vera_ros.resources import share_path
from vera_ros.robots.stacking import frames
from vera_ros.robots.stacking.arms.description import without_hand
from vera_ros.robots.stacking.arms.meshes import mesh_path
from vera_ros.robots.stacking.arms.simulated_arm import SimulatedArm
from vera_ros.robots.stacking.arms.urdf_tree import UrdfTree
from vera_ros.robots.stacking.hands import PANDA_HAND, Hand
from vera_ros.sim.gl import mujoco

_ARM, _OF_HAND = "arm/", "hand/"  # prefixes while the parts are joined
_READABLE = (".stl", ".obj", ".msh")  # meshes
_COMPILER = {
    "fusestatic": "false",
    "discardvisual": "false",
    "strippath": "false",
    "balanceinertia": "true",
}
_SERVO_RAD_S = 30.0
_DAMPING = "0.1"  # Nm s/rad, whatever a description states: the servos damp
# Rotors and gears weigh as if the strongest effort accelerated them by so much.
_ROTOR_RAD_S2 = 20.0
_ROTOR_KG_M2 = 1.0  # where a description states no effort


def replace_hand(scene: Any, hand: Hand) -> None:
    """Put another hand in the place of the Panda's.

    Args:
        scene: the stacking scene, a `mujoco.MjSpec`.
        hand: the other hand.
    """
    old = scene.body(PANDA_HAND.bodies[0])
    flange = old.parent
    scene.delete(old)
    _mount_hand(scene, flange, PANDA_HAND.mount_z_m, hand)
    _drop_prefixes(scene)


def replace_panda(scene: Any, arm: SimulatedArm) -> None:
    """Put the arm in the Panda's place.

    Args:
        scene: the stacking scene, a `mujoco.MjSpec`.
        arm: an arm with a URDF.

    Raises:
        ConfigurationError: MuJoCo cannot simulate what the URDF describes.
    """
    place = scene.body(frames.BASE).pos.copy()
    scene.delete(scene.body(frames.BASE))
    urdf, flange = without_hand(arm.urdf)
    try:
        robot = mujoco.MjSpec.from_string(_for_mujoco(urdf, arm.joint_names))
        _set_up(robot)
        position, quaternion = _root_under(robot, arm.base)
    except ValueError as error:
        raise ConfigurationError(
            f"MuJoCo cannot simulate arm_description: {error}; correct the URDF"
        ) from error
    _check_names(scene, robot)
    frame = scene.worldbody.add_frame(pos=place + position, quat=quaternion)
    scene.attach(robot, prefix=_ARM, frame=frame)
    _mount_hand(scene, scene.body(f"{_ARM}{flange}"), 0.0, arm.hand)
    _drop_prefixes(scene)
    _drive(scene, arm)


def _mount_hand(scene: Any, link: Any, flange_z_m: float, hand: Hand) -> None:
    """Attach a hand to the link of a flange, which is so far along the link's z."""
    model = mujoco.MjSpec.from_file(str(share_path("description", "mjcf", hand.mjcf)))
    model.meshdir = scene.meshdir
    mount = link.add_frame(pos=(0.0, 0.0, flange_z_m - hand.mount_z_m))
    mount.attach_body(model.body(hand.bodies[0]), _OF_HAND, "")


def _for_mujoco(urdf: str, joint_names: Sequence[str]) -> str:
    """Return the URDF as MuJoCo reads it: with its options, and with meshes that it can read."""
    root = ElementTree.fromstring(urdf)
    _check_inertias(UrdfTree(root), joint_names)
    for element in root.findall("mujoco"):
        root.remove(element)
    ElementTree.SubElement(ElementTree.SubElement(root, "mujoco"), "compiler", _COMPILER)
    for joint in root.findall("joint"):
        for name in ("dynamics", "mimic"):
            for element in joint.findall(name):
                joint.remove(element)
        if joint.get("name") in joint_names:
            ElementTree.SubElement(joint, "dynamics", damping=_DAMPING)
    for link in root.findall("link"):
        for shape in [*link.findall("visual"), *link.findall("collision")]:
            mesh = shape.find("geometry/mesh")
            if mesh is not None:
                mesh.set("filename", str(mesh_path(mesh)))
                if mesh_path(mesh).suffix.lower() not in _READABLE:
                    link.remove(shape)
        if link.find("visual") is None:
            for shape in link.findall("collision"):
                seen = deepcopy(shape)
                seen.tag = "visual"
                link.append(seen)
    return ElementTree.tostring(root, encoding="unicode")


def _check_inertias(tree: UrdfTree, joint_names: Sequence[str]) -> None:
    heavy = {
        link.get("name") for link in tree.root.findall("link") if link.find("inertial") is not None
    }
    without = []
    for name in joint_names:
        moved = tree.ends(name)[1]
        if heavy.isdisjoint((moved, *tree.carried(moved, ["fixed"]))):
            without.append(name)
    if without:
        raise ConfigurationError(
            f"arm_description has no inertias for the links that {without} carry; give each link "
            "an <inertial> with mass and inertia"
        )


def _set_up(robot: Any) -> None:
    """Let the robot's shapes collide with the scene alone, and its servos carry it."""
    for geom in robot.geoms:
        geom.mass = 0.0  # the links have theirs
        if geom.group == 0:
            geom.contype, geom.conaffinity = 2, 1
    for body in robot.bodies:
        body.gravcomp = 1.0
    for joint in robot.joints:
        joint.actgravcomp = True


def _root_under(robot: Any, base: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the root is in the frame of the base: position [m] and quaternion, w first."""
    model = robot.compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    body = data.body(base)
    quaternion, position = np.empty(4), np.empty(3)
    mujoco.mju_negPose(position, quaternion, body.xpos, body.xquat)
    return position, quaternion


def _check_names(scene: Any, robot: Any) -> None:
    there = {each.name for each in (*scene.bodies[1:], *scene.joints)}
    taken = there & {each.name for each in (*robot.bodies, *robot.joints)}
    if taken:
        raise ConfigurationError(
            f"arm_description has {sorted(taken)}, as things in the simulated scene are called; "
            "rename them in the URDF"
        )


def _drop_prefixes(scene: Any) -> None:
    for each in (*scene.bodies, *scene.joints, *scene.sites, *scene.actuators):
        each.name = _plain(each.name)
    for actuator in scene.actuators:
        actuator.target = _plain(actuator.target)
    for equality in scene.equalities:
        equality.name1, equality.name2 = _plain(equality.name1), _plain(equality.name2)


def _plain(name: str) -> str:
    return name.removeprefix(_ARM).removeprefix(_OF_HAND)


def _drive(scene: Any, arm: SimulatedArm) -> None:
    """Add a position servo for each joint of the arm."""
    inertias = _inertias(scene.compile(), arm)
    for name, inertia in zip(arm.joint_names, inertias, strict=True):
        joint = scene.joint(name)
        effort = float(joint.actfrcrange[1])
        joint.armature = effort / _ROTOR_RAD_S2 if effort > 0.0 else _ROTOR_KG_M2
        stiffness = _SERVO_RAD_S**2 * (inertia + joint.armature)
        damping = 2.0 * _SERVO_RAD_S * (inertia + joint.armature)
        scene.add_actuator(
            name=name,
            target=name,
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
            biastype=mujoco.mjtBias.mjBIAS_AFFINE,
            gainprm=[stiffness, *[0.0] * 9],
            biasprm=[0.0, -stiffness, -damping, *[0.0] * 7],
        )


def _inertias(model: Any, arm: SimulatedArm) -> list[float]:
    """Return the inertia about each joint in the start posture, without the rotors [kg m^2]."""
    data = mujoco.MjData(model)
    joints = [model.joint(name) for name in arm.joint_names]
    for joint, position in zip(joints, arm.start_posture, strict=True):
        data.qpos[joint.qposadr[0]] = position
    mujoco.mj_forward(model, data)
    inertias = []
    for joint in joints:
        about, product = np.zeros(model.nv), np.empty(model.nv)
        about[joint.dofadr[0]] = 1.0
        mujoco.mj_mulM(model, data, product, about)
        inertias.append(float(product[joint.dofadr[0]]))
    return inertias

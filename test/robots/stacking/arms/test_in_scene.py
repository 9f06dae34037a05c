# SPDX-License-Identifier: Apache-2.0
"""Another arm in the scene is the arm of its URDF, in the Panda's place and with its hand."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.robots.registry import find_robot
from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.arms.description import read_description, with_hand
from vera_ros.robots.stacking.arms.simulated_arm import PANDA, SimulatedArm
from vera_ros.robots.stacking.hands import PANDA_HAND
from vera_ros.robots.stacking.world import World
from vera_ros.sim.gl import mujoco
from verification.arm_files import ARMS, read_arm

from ....motion.descriptions import UR5E_JOINTS, Description, box, ur5e

OTHERS = [name for name in ARMS if name != "panda"]
PANDA_START = World(0).pose(scene.GRIP_SITE, scene.BASE)
HAND = ("panda_hand", "panda_leftfinger", "panda_rightfinger")


@cache
def arm_of(name: str) -> SimulatedArm:
    sim = read_arm(name).sim
    return SimulatedArm.read(
        sim["arm_description"], sim["flange"], sim["joint_names"], sim["start_posture"]
    )


@cache
def world_of(name: str) -> World:
    return World(0, arm_of(name))


def shares(count: int) -> st.SearchStrategy[Vector]:
    return st.tuples(*[st.floats(0.0, 1.0)] * count).map(np.array)


@pytest.mark.parametrize("name", OTHERS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_kinematics_and_gravity_agree_with_the_urdf(name: str, data: Any) -> None:
    world, file = world_of(name), read_arm(name)
    kinematics = file.model
    share = data.draw(shares(kinematics.n))
    q = kinematics.lower + share * (kinematics.upper - kinematics.lower)
    state = mujoco.MjData(world.model)
    for joint, angle in zip(file.joint_names, q, strict=True):
        state.qpos[world.model.joint(joint).qposadr[0]] = angle
    mujoco.mj_forward(world.model, state)
    base, tcp = state.body(kinematics.base_frame), state.site(scene.GRIP_SITE)
    pose = kinematics.tcp_pose(q)
    np.testing.assert_allclose(tcp.xpos - base.xpos, pose.translation, atol=1e-6)
    np.testing.assert_allclose(tcp.xmat.reshape(3, 3), pose.rotation, atol=1e-6)
    carried = [world.model.joint(joint).dofadr[0] for joint in file.joint_names]
    # The hand's masses are the training environment's, the URDF's the manufacturer's.
    np.testing.assert_allclose(
        state.qfrc_gravcomp[carried], kinematics.efforts(q, np.zeros(len(q))), atol=5.0
    )


@pytest.mark.parametrize("name", OTHERS)
def test_it_stands_and_starts_where_the_panda_does(name: str) -> None:
    world = World(0, arm_of(name))
    base = world.pose(arm_of(name).base)
    np.testing.assert_allclose(base.position, (-0.56, 0.0, 0.912), atol=1e-9)
    np.testing.assert_allclose(np.abs(base.quaternion), (0.0, 0.0, 0.0, 1.0), atol=1e-9)
    start = world.pose(scene.GRIP_SITE, arm_of(name).base)
    np.testing.assert_allclose(start.position, PANDA_START.position, atol=0.04)
    assert abs(start.quaternion @ PANDA_START.quaternion) > 0.995


@pytest.mark.parametrize("seed", range(3))
def test_cubes_are_placed_as_for_the_panda(seed: int) -> None:
    for name in OTHERS:
        world = World(seed, arm_of(name))
        for cube in scene.CUBE_HALF_SIZE_M:
            expected = World(seed).pose(cube).position
            np.testing.assert_array_equal(world.pose(cube).position, expected)


@pytest.mark.parametrize("embodiment", ["mimicgen", "droid"])
def test_cameras_see_what_they_see_of_the_panda(embodiment: str) -> None:
    cameras = find_robot(embodiment).cameras.values()
    expected = scene.load_model(cameras)
    for name in OTHERS:
        model = scene.load_model(cameras, arm=arm_of(name))
        for camera in cameras:
            one, other = expected.camera(camera.topic), model.camera(camera.topic)
            np.testing.assert_allclose(other.pos, one.pos, atol=1e-9)
            np.testing.assert_allclose(np.abs(other.quat @ one.quat), 1.0, atol=1e-9)
            assert other.fovy == one.fovy


@pytest.mark.parametrize("name", OTHERS)
def test_it_holds_still_and_follows_with_the_servos_feed_forward(name: str) -> None:
    world = World(0, arm_of(name))
    q = world.arm().q
    still = np.zeros(len(q))
    for _ in range(250):
        world.step(q, still, PANDA_HAND.start)
    np.testing.assert_allclose(world.arm().q, q, atol=1e-3)
    worst = 0.0
    for time_s in np.arange(0.0, 1.0, world.step_s):  # 0.2 rad and back, smoothly
        phase = 2 * np.pi * time_s
        swing = 0.1 * (1.0 - np.cos(phase))
        dq, ddq = 0.2 * np.pi * np.sin(phase), 0.4 * np.pi**2 * np.cos(phase)
        target = q + swing
        worst = max(worst, float(np.abs(world.arm().q - target).max()))
        world.step(target, still + dq, PANDA_HAND.start, still + ddq)
    assert worst < 0.005


@pytest.mark.parametrize("name", OTHERS)
def test_it_touches_things_and_not_itself(name: str) -> None:
    world = World(0, arm_of(name))
    shapes = world.model.geom_bodyid[world.model.geom_contype == 2]
    own = {world.model.body(int(body)).name for body in shapes}
    assert own > set(HAND)
    assert not any(world.in_contact(body, own) for body in own)
    world.place_cube(scene.RED_CUBE, world.pose("panda_hand").position)
    assert world.in_contact(scene.RED_CUBE, own)


def test_the_pandas_scene_has_nothing_of_this() -> None:
    model = scene.load_model(arm=PANDA)
    assert [model.joint(i).name for i in range(7)] == list(PANDA.joint_names)
    assert model.actuator(0).gainprm[0] == 5580.0


def refused(urdf: str, joints: tuple[str, ...] = UR5E_JOINTS) -> str:
    arm = SimulatedArm(joints, np.zeros(len(joints)), with_hand(urdf, joints))
    with pytest.raises(ConfigurationError) as refusal:
        scene.load_model(arm=arm)
    return str(refusal.value)


def test_links_without_inertia_are_refused() -> None:
    arm = Description(inertias=False)
    for name in ("base", "one", "tool0"):
        arm.link(name, mass=1.0)
    arm.joint("turn", "base", "one", kind="revolute", within=(-1.0, 1.0, 1.0))
    arm.joint("end", "one", "tool0")
    with_inertia = arm.text()
    assert "<inertial>" not in with_inertia
    light = refused(with_inertia, ("turn",))
    assert "['turn']" in light
    assert "<inertial>" in light


def test_names_of_the_scene_are_refused() -> None:
    message = refused(ur5e(robotiq=False).replace("shoulder_link", "table"))
    assert "['table']" in message
    assert "rename" in message


def write_stl(path: Path, size_m: float) -> None:
    """Write a tetrahedron whose edges along the axes have this length."""
    corners = size_m * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    facets = np.zeros(4, [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    facets["corners"] = corners[[[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(80) + np.uint32(4).tobytes() + facets.tobytes())


def test_meshes_are_seen_and_touched_and_others_left_out(tmp_path: Path) -> None:
    """Visual and collision meshes often have the same name, in two folders."""
    write_stl(tmp_path / "visual" / "link.stl", 0.1)
    write_stl(tmp_path / "collision" / "link.stl", 0.2)
    (tmp_path / "link.dae").write_text("")
    shape = "<{0}><geometry><mesh filename='{1}/link.stl'/></geometry></{0}>"
    strange = "<visual><geometry><mesh filename='link.dae'/></geometry></visual>"
    arm = Description()
    arm.link("base", strange, box((0.1, 0.1, 0.1)), mass=1.0)
    arm.link(
        "one", shape.format("visual", "visual"), shape.format("collision", "collision"), mass=1
    )
    arm.link("tool0")
    arm.joint("turn", "base", "one", kind="continuous")
    arm.joint("end", "one", "tool0", (0, 0, 0.3))
    file = tmp_path / "arm.urdf"
    file.write_text(arm.text())
    urdf = with_hand(read_description(str(file)), ["turn"])
    model = scene.load_model(arm=SimulatedArm(("turn",), np.zeros(1), urdf))
    sizes = {}
    for geom in range(model.ngeom):
        link = model.body(int(model.geom_bodyid[geom])).name
        if link in ("base", "one"):
            sizes[link, int(model.geom_group[geom])] = float(model.geom_rbound[geom])
    assert sizes["one", 0] == pytest.approx(2 * sizes["one", 1])
    assert sizes["base", 0] == pytest.approx(sizes["base", 1])  # the box, for want of the mesh

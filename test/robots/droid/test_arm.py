# SPDX-License-Identifier: Apache-2.0
"""The droid arm's actions: the flange goes where the TCP should, and the gripper's gate agrees."""

from typing import Any

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.embodiments import find_embodiment
from vera_ros.policy.gripper_gate import GateRules, GripperGate
from vera_ros.resources import share_path
from vera_ros.robots.droid.arm import ARM, QUIET_ACTIONS, TCP_IN_FLANGE
from vera_ros.robots.pinhole import Array, Pose
from vera_ros.robots.registry import find_robot
from vera_ros.robots.stacking.policy.grasps import hand_pose
from vera_ros.robots.stacking.policy.response import (
    CLOSE,
    OPEN,
    Grip,
    Leg,
    Move,
    answer,
    write_chunk,
)
from vera_ros.robots.stacking.policy.scene_config import SceneConfig, load_scene_config
from vera_ros.robots.stacking.policy.stack_policy import StackPolicy
from vera_ros.wire.protocol.server_config import ServerConfig, check_embodiment

from ..stacking.policy.studio import Studio, ToyWorld

DROID = find_embodiment("droid")
START = hand_pose(np.array([0.46, 0.0, 0.108]), np.pi / 2)
NO_ACTIONS: Array = np.empty((0, 7))


@pytest.fixture(scope="module")
def scene() -> SceneConfig:
    return load_scene_config(share_path("config", "reference_policy.yaml"))


@pytest.fixture(scope="module")
def studio(scene: SceneConfig) -> Studio:
    return Studio(ARM, scene)


def test_the_tcp_is_where_the_urdf_has_it() -> None:
    model = pin.buildModelFromXML(find_robot("droid").simulator.describe({}))
    data = model.createData()
    pin.framesForwardKinematics(model, data, pin.neutral(model))
    flange, tcp = (data.oMf[model.getFrameId(f"panda_{name}")] for name in ("link8", "grip_site"))
    expected = flange.inverse() * tcp
    np.testing.assert_allclose(TCP_IN_FLANGE.position, expected.translation, atol=1e-9)
    np.testing.assert_allclose(TCP_IN_FLANGE.rotation, expected.rotation, atol=1e-9)


@pytest.mark.parametrize("angle_rad", np.linspace(0.0, 0.8, 5))
def test_the_gap_is_that_of_the_pads_in_the_urdf(angle_rad: float) -> None:
    model = pin.buildModelFromXML(find_robot("droid").simulator.describe({}))
    data, q = model.createData(), pin.neutral(model)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        q[model.joints[model.getJointId(f"robotiq_85_{side}_knuckle_joint")].idx_q] = (
            sign * angle_rad
        )
    pin.framesForwardKinematics(model, data, q)
    left, right = (
        data.oMf[model.getFrameId(f"robotiq_85_{side}_finger_tip_joint")].translation
        for side in ("left", "right")
    )
    gap_m = np.linalg.norm(left - right) - 2 * 0.0252  # from the tips' joints to the pads
    reported_m = 0.08 * (1.0 - angle_rad / 0.8)
    assert ARM.gap_of(reported_m) == pytest.approx(gap_m, abs=1e-4)


def test_the_handshake_is_that_of_droid() -> None:
    config = find_robot("droid").make_policy().server_config()
    expected = {
        "embodiment": "droid",
        "view_keys": ["varied_1", "varied_2", "hand"],
        "image_resolution": [128, 192],
        "action_space": "se3_delta",
        "action_dim": 7,
        "action_horizon": 10,
        "control_dt": pytest.approx(1 / 15),
        "actions_already_metric": True,
        "gripper_is_raw": True,
    }
    assert {name: config[name] for name in expected} == expected
    check_embodiment(ServerConfig.from_wire(config), DROID)


offsets = st.tuples(*[st.floats(-0.3, 0.3)] * 3).map(np.array)


@given(offset=offsets, turn=st.floats(-1.5, 1.5), tilt=st.floats(-0.5, 0.5))
def test_actions_take_the_tcp_where_the_commands_do(
    scene: SceneConfig, offset: Array, turn: float, tilt: float
) -> None:
    target = hand_pose(START.position + offset, np.pi / 2 + turn)
    target = Pose(target.position, target.rotation @ hand_pose(offset, tilt).rotation)
    chunk = write_chunk([Move(target, 0.95, OPEN)], START, OPEN, 10, ARM.response, 0.7)
    actions = ARM.encode(chunk.commands, START, np.empty(0))
    reached = ARM.look_ahead(START, NO_ACTIONS, actions)
    expected = answer(START, chunk.commands[:, :6].sum(axis=0), ARM.response)
    np.testing.assert_allclose(reached.position, expected.position, atol=1e-9)
    np.testing.assert_allclose(reached.rotation, expected.rotation, atol=1e-9)


@given(offset=offsets, turn=st.floats(-1.5, 1.5))
def test_no_chunk_meets_the_rails(offset: Array, turn: float) -> None:
    target = hand_pose(START.position + offset, np.pi / 2 + turn)
    chunk = write_chunk([Move(target, 0.95, OPEN)], START, OPEN, 10, ARM.response, 0.7)
    deltas = ARM.encode(chunk.commands, START, np.empty(0))[:, :6]
    assert DROID.rails is not None
    kept, bound = DROID.rails.keep(deltas)
    assert not bound, kept - deltas


grips = st.lists(st.tuples(st.sampled_from([OPEN, CLOSE]), st.integers(12, 60)), max_size=8)


@settings(deadline=None, max_examples=30)
@given(grips=grips, chunk=st.integers(5, 20))
def test_the_gate_of_the_client_does_what_the_policy_wants(
    grips: list[tuple[float, int]], chunk: int
) -> None:
    """After the quiet actions, whatever the gripper does next, and in chunks of any length."""
    wanted = np.array([OPEN] * QUIET_ACTIONS + [each for each, n in grips for _ in range(n)])
    gate, past = GripperGate(GateRules()), np.empty(0)
    decided: list[bool] = []
    seen: list[float] = []
    for start in range(0, len(wanted), chunk):
        part = wanted[start : start + chunk]
        commands = np.column_stack([np.zeros((len(part), 6)), part])
        actions = ARM.encode(commands, START, past)
        assert np.abs(actions[:, 6]).max() <= 0.07
        decided += [*gate.decide(actions[:, 6], np.zeros(len(part)))]
        seen += [*ARM.gripper_of(actions, seen[-1] if seen else OPEN)]
        past = np.append(past, part)
    np.testing.assert_array_equal(decided, wanted == CLOSE)
    np.testing.assert_array_equal(seen, wanted)


@given(actions=st.integers(0, 200), steps=st.integers(1, 20))
def test_the_first_change_waits_until_enough_was_quiet(actions: int, steps: int) -> None:
    legs: list[Leg] = [Move(START, 0.9, OPEN), Grip(steps, CLOSE), Move(START, 0.9, CLOSE)]
    paced = [*ARM.paced(legs, OPEN, actions)]
    waits = [leg for leg in paced if leg not in legs]
    assert [leg for leg in paced if leg in legs] == legs
    assert waits == ([Grip(QUIET_ACTIONS - actions, OPEN)] if actions < QUIET_ACTIONS else [])
    assert [*ARM.paced(legs[:1], OPEN, actions)] == legs[:1]


reds = st.tuples(st.floats(0.48, 0.64), st.floats(-0.08, 0.08), st.floats(0, np.pi / 2))


@settings(deadline=None, max_examples=6)
@given(red=reds, angle=st.floats(0, 6.28), distance=st.floats(0.075, 0.12))
def test_it_stacks_the_cubes(
    studio: Studio, red: tuple[float, float, float], angle: float, distance: float
) -> None:
    x, y = red[0] + distance * np.cos(angle), red[1] + distance * np.sin(angle)
    world = ToyWorld(studio, START, studio.carried(*red), studio.support(x, y, angle))
    assert world.play(chunks=30) == "done"
    assert world.is_tower()


def spoiled(request: dict[str, Any], kind: str) -> dict[str, Any]:
    rgb, keys = request["context_rgb"], request["view_keys"]
    return {
        "blank": {**request, "context_rgb": np.zeros_like(rgb)},
        "bgr": {**request, "context_rgb": rgb[..., ::-1]},
        "swap-views": {**request, "view_keys": keys[1:] + keys[:1]},
    }[kind]


@pytest.mark.parametrize("kind", ["blank", "bgr", "swap-views"])
def test_spoiled_pictures_do_not_move_the_arm(
    studio: Studio, scene: SceneConfig, kind: str
) -> None:
    red, green = studio.carried(0.54, 0.05, 0.3), studio.support(0.60, -0.04, 1.0)
    answer = StackPolicy(ARM, scene).infer(spoiled(studio.request(START, red, green), kind))
    assert np.abs(answer["action"]).max() < 1e-4

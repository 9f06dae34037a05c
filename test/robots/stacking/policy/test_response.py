# SPDX-License-Identifier: Apache-2.0
"""A chunk ends where its moves say, within the limits, if there is time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.robots.mimicgen.arm import ARM as MIMICGEN
from vera_ros.robots.pinhole import Array, Pose
from vera_ros.robots.stacking.policy.grasps import hand_pose, hand_yaw
from vera_ros.robots.stacking.policy.response import CLOSE, OPEN, Grip, Leg, Move, write_chunk
from vera_ros.robots.stacking.policy.scene_config import SceneConfig

RESPONSE = MIMICGEN.response
START = hand_pose(np.array([0.5, 0.0, 0.1]), np.pi / 2)
offsets = st.tuples(*[st.floats(-0.3, 0.3)] * 3).map(np.array)


def write(scene: SceneConfig, legs: list[Leg], horizon: int = 10) -> tuple[Array, Pose]:
    limit = scene.motion.rotation_limit
    chunk = write_chunk(legs, START, OPEN, horizon, RESPONSE, limit)
    return chunk.commands, chunk.end


@given(offset=offsets, turn=st.floats(-1.5, 1.5), limit=st.floats(0.2, 1.0))
def test_commands_stay_within_the_limits(
    scene: SceneConfig,
    offset: Array,
    turn: float,
    limit: float,
) -> None:
    target = hand_pose(START.position + offset, np.pi / 2 + turn)
    actions, _ = write(scene, [Move(target, limit, OPEN)])
    assert actions.shape == (10, 7)
    assert np.abs(actions[:, :3]).max() <= limit + 1e-6
    assert np.abs(actions[:, 3:6]).max() <= scene.motion.rotation_limit + 1e-6


@given(offset=offsets, turn=st.floats(-1.5, 1.5))
def test_a_move_with_time_enough_ends_at_its_target(
    scene: SceneConfig,
    offset: Array,
    turn: float,
) -> None:
    target = hand_pose(START.position + offset, np.pi / 2 + turn)
    actions, end = write(scene, [Move(target, 0.9, OPEN)], horizon=90)
    np.testing.assert_allclose(end.position, target.position, atol=6e-4)
    assert abs(hand_yaw(end) - hand_yaw(target)) < 6e-3
    moved = actions[:, :3].sum(axis=0) * 0.05 * np.array(RESPONSE.translation_gain)
    np.testing.assert_allclose(moved, end.position - START.position, atol=1e-5)


@given(offset=offsets)
def test_a_move_without_time_enough_goes_straight_towards_its_target(
    scene: SceneConfig,
    offset: Array,
) -> None:
    _, end = write(scene, [Move(Pose(START.position + offset, START.rotation), 0.9, OPEN)], 4)
    done = end.position - START.position
    assert np.linalg.norm(np.cross(done, offset)) < 1e-9
    assert 0 <= done @ offset <= offset @ offset + 1e-9


def test_legs_follow_each_other_and_the_last_gripper_command_stays(scene: SceneConfig) -> None:
    near = Pose(START.position - [0, 0, 0.01], START.rotation)
    actions, _ = write(scene, [Move(near, 0.9, OPEN), Grip(3, CLOSE)])
    first = int(np.argmax(actions[:, 6] == CLOSE))
    assert np.abs(actions[:first, :6]).sum(axis=1).min() > 0
    assert (actions[:first, 6] == OPEN).all()
    assert (actions[first:, 6] == CLOSE).all()
    assert not actions[first:, :6].any()


def test_without_legs_the_pose_is_held(scene: SceneConfig) -> None:
    actions, end = write(scene, [])
    assert not actions[:, :6].any()
    assert (actions[:, 6] == OPEN).all()
    assert end is START

# SPDX-License-Identifier: Apache-2.0
"""Every delta is the motion: targets are passed in time, nothing drifts, and it ends at rest."""

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.response.direct import DirectResponse, DirectState

from ..chunks import Vector, vectors

DT_S = 1 / 15
Q = np.zeros(7)  # the direct response knows no arm
START = pin.SE3(pin.exp3(np.array([2.0, -1.0, 0.5])), np.array([0.5, 0.1, 0.3]))
RESPONSE = DirectResponse(0.02, 0.1)
ABOUT_BASE = DirectResponse(0.02, 0.1, about_base=True)
TURN = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.2])


def deltas(most_rows: int = 12) -> st.SearchStrategy[Vector]:
    scale = np.array([0.03, 0.03, 0.03, 0.05, 0.05, 0.05])
    return st.integers(1, most_rows).flatmap(
        lambda rows: hnp.arrays(float, (rows, 6), elements=st.floats(-1.0, 1.0)).map(
            lambda values: values * scale
        )
    )


def at_rest(pose: pin.SE3 = START, before: DirectState | None = None) -> DirectState:
    return RESPONSE.at_rest(Q, pose, before)


def composed(pose: pin.SE3, chunk: Vector) -> list[pin.SE3]:
    """The pose after each delta: translation in the base frame, rotation premultiplied."""
    poses = []
    for delta in chunk:
        pose = pin.SE3(pin.exp3(delta[3:]) @ pose.rotation, pose.translation + delta[:3])
        poses.append(pose)
    return poses


def apart(one: pin.SE3, other: pin.SE3) -> float:
    """Distance and angle between two poses, summed [m + rad]."""
    turned = np.linalg.norm(pin.log3(one.rotation @ other.rotation.T))
    return float(np.linalg.norm(one.translation - other.translation) + turned)


@given(chunk=deltas(), dt_s=st.floats(0.005, 0.5))
def test_every_target_is_passed_when_its_action_is_complete(chunk: Vector, dt_s: float) -> None:
    path = RESPONSE.respond(at_rest(), chunk, dt_s)
    assert path.q is None
    np.testing.assert_allclose(path.times_s[path.step_ends], dt_s * np.arange(1, len(chunk) + 1))
    for target, row in zip(composed(START, chunk), path.step_ends, strict=True):
        assert apart(pin.SE3(path.rotation[row], path.position[row]), target) < 1e-9


@given(chunk=deltas())
def test_deltas_about_the_base_are_transforms_of_it(chunk: Vector) -> None:
    path = ABOUT_BASE.respond(at_rest(), chunk, DT_S)
    pose = START
    for delta, row in zip(chunk, path.step_ends, strict=True):
        pose = pin.SE3(pin.exp3(delta[3:]), delta[:3]) * pose
        assert apart(pin.SE3(path.rotation[row], path.position[row]), pose) < 1e-9


def test_both_ways_agree_without_rotation_and_differ_by_the_levers_arm() -> None:
    moved, turned = np.array([[0.01, 0.02, -0.01, 0, 0, 0]]), np.array([[0, 0, 0, 0, 0, 0.05]])
    ends = [way.respond(at_rest(), moved, DT_S).position[-1] for way in (RESPONSE, ABOUT_BASE)]
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-12)
    ends = [way.respond(at_rest(), turned, DT_S).position[-1] for way in (RESPONSE, ABOUT_BASE)]
    arm_m = np.linalg.norm(START.translation[:2])
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(2 * arm_m * np.sin(0.025))


@given(chunk=deltas())
def test_it_starts_and_ends_at_rest(chunk: Vector) -> None:
    path = RESPONSE.respond(at_rest(), chunk, DT_S)
    first, last = path.state_at(0.0), path.state_at(np.inf)
    assert apart(first.pose, START) < 1e-12
    assert apart(last.pose, composed(START, chunk)[-1]) < 1e-9
    for state in (first, last):
        np.testing.assert_allclose(state.motion, 0.0, atol=1e-9)
        np.testing.assert_allclose(state.acceleration, 0.0, atol=1e-7)


@given(seed=st.integers(0, 2**32 - 1))
def test_nothing_drifts_over_many_chunks(seed: int) -> None:
    """The arm never rests where it should, and yet the targets stay those of all deltas."""
    random = np.random.default_rng(seed)
    state, target = at_rest(), START
    for _ in range(50):
        chunk = random.uniform(-0.01, 0.01, (4, 6))
        target = composed(target, chunk)[-1]
        ended = RESPONSE.respond(state, chunk, DT_S).state_at(np.inf)
        off = pin.SE3(
            pin.exp3(random.uniform(-0.02, 0.02, 3)) @ ended.pose.rotation,
            ended.pose.translation + random.uniform(-0.005, 0.005, 3),
        )
        state = at_rest(off, ended)
    assert apart(state.target, target) < 1e-10


@given(shift=vectors(-0.05, 0.05, 3), turn=vectors(-0.2, 0.2, 3))
def test_a_target_far_from_the_arm_is_forgotten(shift: Vector, turn: Vector) -> None:
    ended = RESPONSE.respond(at_rest(), np.full((3, 6), 0.01), DT_S).state_at(np.inf)
    moved = pin.SE3(pin.exp3(turn) @ ended.target.rotation, ended.target.translation + shift)
    near = np.linalg.norm(shift) <= 0.02 and np.linalg.norm(turn) <= 0.1
    assert apart(at_rest(moved, ended).target, ended.target if near else moved) < 1e-9


@given(chunk=deltas(), share=st.floats(0.0, 1.0))
def test_rates_are_those_of_the_pose(chunk: Vector, share: float) -> None:
    path = RESPONSE.respond(at_rest(), chunk, DT_S)
    step = 1e-5
    time_s = step + share * (path.times_s[-1] - 2 * step)
    now, before, after = (path.state_at(time_s + late) for late in (0.0, -step, step))
    moved = after.pose.translation - before.pose.translation
    turned = pin.log3(after.pose.rotation @ before.pose.rotation.T)
    twist = np.concatenate((moved, turned)) / (2 * step)
    np.testing.assert_allclose(now.motion, twist, atol=1e-4)
    rate = (after.motion - before.motion) / (2 * step)
    np.testing.assert_allclose(now.acceleration, rate, atol=2e-3)


@given(first=deltas(8), second=deltas(8), share=st.floats(0.0, 1.0))
def test_a_chunk_that_takes_over_goes_on_in_motion(
    first: Vector, second: Vector, share: float
) -> None:
    running = RESPONSE.respond(at_rest(), first, DT_S)
    state = running.state_at(share * running.times_s[-1])
    following = RESPONSE.respond(state, second, DT_S)
    begins = following.state_at(0.0)
    assert apart(begins.pose, state.pose) < 1e-9
    np.testing.assert_allclose(begins.motion, state.motion, atol=1e-6)
    np.testing.assert_allclose(begins.acceleration, state.acceleration, atol=1e-4)
    assert apart(following.state_at(np.inf).pose, composed(state.target, second)[-1]) < 1e-9


@given(first=deltas(8), share=st.floats(0.0, 1.0))
def test_actions_that_were_not_complete_are_replaced(first: Vector, share: float) -> None:
    """What takes over at an action's end leads on from that action's target."""
    action = round(share * len(first))
    state = RESPONSE.respond(at_rest(), first, DT_S).state_at(action * DT_S)
    assert apart(state.target, [START, *composed(START, first)][action]) < 1e-12


@pytest.mark.parametrize(
    "chunk", [np.tile(TURN, (16, 1)), 16 * TURN[None], np.tile(-TURN, (20, 1))]
)
def test_half_a_turn_in_one_chunk_is_refused(chunk: Vector) -> None:
    with pytest.raises(MotionRefusedError, match=r"turns the TCP.*valid is less than 3") as refusal:
        RESPONSE.respond(at_rest(), chunk, DT_S)
    assert refusal.value.cause is Cause.INVALID_CHUNK


def test_turns_add_up_over_chunks() -> None:
    state = at_rest()
    for _ in range(5):
        ended = RESPONSE.respond(state, np.tile(TURN, (10, 1)), DT_S).state_at(np.inf)
        state = at_rest(ended.pose, ended)
    expected = pin.exp3(np.array([0.0, 0.0, 10.0])) @ START.rotation
    np.testing.assert_allclose(state.pose.rotation, expected, atol=1e-9)

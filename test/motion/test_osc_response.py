# SPDX-License-Identifier: Apache-2.0
"""The response moves as the training environment's arm does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion import osc_response
from vera_ros.motion.causes import MotionRefusedError
from vera_ros.motion.osc_model import OscModel
from vera_ros.motion.osc_response import OscPoseResponse
from vera_ros.motion.response import Response, ResponseState

from .chunks import CONTROL_DT_S, START_Q, Vector, chunks, vectors

REST = ResponseState(START_Q, np.zeros(7))
AXES = [(axis, sign) for axis in range(3) for sign in (1.0, -1.0)]


def respond(response: OscPoseResponse, deltas: Vector, state: ResponseState = REST) -> Response:
    return response.respond(state, deltas, CONTROL_DT_S)


def one_way(axis: int, size: float, rows: int = 12) -> Vector:
    deltas = np.zeros((rows, 6))
    deltas[:, axis] = size
    return deltas


def steps_along(path: Response, axis: int) -> Vector:
    """How far the TCP goes along an axis in each action."""
    ends = np.concatenate(([0], path.step_ends))
    return np.diff(path.tcp_position[ends, axis])


@given(rows=st.integers(1, 16))
def test_zero_actions_at_the_posture_move_nothing(response: OscPoseResponse, rows: int) -> None:
    path = respond(response, np.zeros((rows, 6)))
    assert np.abs(path.tcp_position - path.tcp_position[0]).max() < 1e-6
    assert np.abs(path.q - START_Q).max() < 1e-6


@given(offset=vectors(-0.1, 0.1, 7))
def test_zero_actions_elsewhere_move_the_posture_but_hardly_the_tcp(
    response: OscPoseResponse, offset: Vector
) -> None:
    path = respond(response, np.zeros((16, 6)), ResponseState(START_Q + offset, np.zeros(7)))
    assert np.abs(path.tcp_position - path.tcp_position[0]).max() < 2e-3


@pytest.mark.parametrize(("axis", "sign"), AXES)
def test_first_step_covers_a_tenth_and_later_ones_a_quarter(
    response: OscPoseResponse, axis: int, sign: float
) -> None:
    covered = steps_along(respond(response, one_way(axis, sign * 0.01)), axis) / (sign * 0.01)
    assert 0.08 < covered[0] < 0.14
    assert (covered[6:] > 0.21).all()
    assert (covered[6:] < 0.29).all()
    assert (np.diff(covered[:4]) > 0).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_opposite_commands_lead_to_nearly_opposite_motion(
    response: OscPoseResponse, axis: int
) -> None:
    there = steps_along(respond(response, one_way(axis, 0.01, rows=4)), axis)
    back = steps_along(respond(response, one_way(axis, -0.01, rows=4)), axis)
    np.testing.assert_allclose(there, -back, rtol=0.1)


def test_mirrored_commands_lead_to_mirrored_motion(response: OscPoseResponse) -> None:
    """The start posture is symmetric about the plane y = 0, and so is the arm."""
    left = respond(response, one_way(1, 0.03, rows=8)).tcp_position
    right = respond(response, one_way(1, -0.03, rows=8)).tcp_position
    count = min(len(left), len(right))
    np.testing.assert_allclose(left[:count] * [1, -1, 1], right[:count], atol=2e-3)


def turned(path: Response, index: int) -> float:
    """Angle from the first rotation."""
    relative = path.tcp_rotation[0].T @ path.tcp_rotation[index]
    return float(np.arccos(np.clip((np.trace(relative) - 1) / 2, -1, 1)))


def test_zero_rotation_keeps_or_drops_the_last_rotation_goal(osc_model: OscModel) -> None:
    deltas = np.zeros((12, 6))
    deltas[0, 5] = 0.2
    keeps = respond(OscPoseResponse(osc_model), deltas)
    drops = respond(OscPoseResponse(replace(osc_model, zero_rotation_keeps_goal=False)), deltas)
    assert turned(keeps, keeps.step_ends[-1]) == pytest.approx(0.2, abs=0.03)
    assert turned(drops, drops.step_ends[-1]) < 0.12


def test_rotation_goal_is_carried_into_the_next_chunk(response: OscPoseResponse) -> None:
    deltas = np.zeros((1, 6))
    deltas[0, 5] = 0.2
    first = respond(response, deltas)
    assert first.end.rotation_goal is not None
    state = ResponseState(START_Q, np.zeros(7), first.end.rotation_goal)
    following = respond(response, np.zeros((12, 6)), state)
    assert turned(following, following.step_ends[-1]) == pytest.approx(0.2, abs=0.03)


def test_chunks_in_a_row_are_one_motion(response: OscPoseResponse) -> None:
    """Stopping after the fourth action and going on from there is the same as not stopping."""
    deltas = np.random.default_rng(3).uniform(-0.02, 0.02, (8, 6))
    whole = respond(response, deltas)
    first = respond(response, deltas[:4])
    at = first.step_ends[-1]
    np.testing.assert_array_equal(whole.q[: at + 1], first.q[: at + 1])


@given(deltas=chunks(8))
def test_shorter_steps_change_little(response: OscPoseResponse, deltas: Vector) -> None:
    gentle = deltas * 0.3
    usual = respond(response, gentle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(osc_response, "_STEP_S", 0.002)
        fine = respond(response, gentle)
    difference = usual.tcp_position[usual.step_ends] - fine.tcp_position[fine.step_ends]
    assert np.linalg.norm(difference, axis=1).max() < 1e-3


@given(deltas=chunks())
def test_translations_and_yaw_end_nearly_at_rest(response: OscPoseResponse, deltas: Vector) -> None:
    """Roll and pitch may leave a slow drift: the wrist is nearly singular at the start posture."""
    deltas[:, 3:5] = 0.0
    path = respond(response, deltas * 0.5)
    moved = np.linalg.norm(path.tcp_position[-1] - path.tcp_position[-2])
    assert moved / path.times_s[1] < 0.03


@given(deltas=chunks())
def test_samples_belong_together(response: OscPoseResponse, deltas: Vector) -> None:
    path = respond(response, deltas)
    assert path.times_s[-1] <= len(deltas) * CONTROL_DT_S + 0.8 + 1e-9
    assert len(path.q) == len(path.times_s) == len(path.tcp_position) == len(path.tcp_rotation)
    np.testing.assert_allclose(np.diff(path.times_s), path.times_s[1])
    np.testing.assert_array_equal(path.end.q, path.q[-1])


def test_big_commands_are_held_back_by_the_torque_limits(osc_model: OscModel) -> None:
    strong = replace(osc_model, torque_limit=np.full(7, 1e6))
    deltas = one_way(0, -0.05) + one_way(4, 0.5)
    clipped = respond(OscPoseResponse(osc_model), deltas).q[4]
    free = respond(OscPoseResponse(strong), deltas).q[4]
    assert np.linalg.norm(clipped - START_Q) < 0.9 * np.linalg.norm(free - START_Q)
    small = respond(OscPoseResponse(osc_model), deltas * 0.01).q
    np.testing.assert_array_equal(small, respond(OscPoseResponse(strong), deltas * 0.01).q)


def test_singular_postures_are_refused(response: OscPoseResponse) -> None:
    """A failed factorisation was ignored, and its right-hand side taken for the solution."""
    straight = ResponseState(np.zeros(7), np.zeros(7))
    with pytest.raises(MotionRefusedError, match="singular"):
        respond(response, one_way(0, 0.05), straight)

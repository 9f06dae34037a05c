# SPDX-License-Identifier: Apache-2.0
"""Joints pass through the targets that actions set, by the reference rule, within their ranges."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vera_ros.motion.response.joint_targets import JointActions, JointTargets, JointTargetState

from ..chunks import Vector

N, DT_S, INSET = 3, 0.1, 2e-3
LOWER, UPPER = np.array([-0.5, 0.0, -1.0]), np.array([0.5, 0.3, 1.0])
TURNS = np.array([True, False, True])
GAP_M, GAP_RAD = 0.02, 0.5
ACTIONS = hnp.arrays(
    float, st.tuples(st.integers(1, 12), st.just(N)), elements=st.floats(-0.4, 0.4)
)
POSTURES = st.tuples(
    *(st.floats(low + INSET, high - INSET) for low, high in zip(LOWER, UPPER, strict=True))
).map(np.array)


def model(*, kept: float = 1.0, absolute: bool = False) -> JointTargets:
    return JointTargets(JointActions(LOWER, UPPER, TURNS, absolute), kept, GAP_M, GAP_RAD)


def reached(of: JointTargets, state: JointTargetState, actions: Vector) -> Vector:
    """Where the joints are when each action is complete."""
    response = of.respond(state, actions, DT_S)
    assert response.q is not None
    return response.q[response.step_ends]


def same(values: Vector, expected: npt.ArrayLike) -> None:
    np.testing.assert_allclose(values, np.asarray(expected), atol=1e-12)


@given(q=POSTURES, actions=ACTIONS)
def test_targets_follow_the_runners_rule(q: Vector, actions: Vector) -> None:
    """Reference = 0.8 reference + 0.2 measured; target = clip(reference + action)."""
    reference, measured, expected = q.copy(), q.copy(), []
    for action in actions:
        reference = 0.8 * reference + 0.2 * measured
        reference = np.minimum(np.maximum(reference + action, LOWER + INSET), UPPER - INSET)
        measured = reference
        expected.append(reference)
    of = model(kept=0.8)
    np.testing.assert_allclose(
        reached(of, of.at_rest(q, None, None), actions), expected, atol=1e-12
    )


@given(q=POSTURES, before=POSTURES, actions=ACTIONS)
def test_a_chunk_from_rest_begins_at_the_mixture(
    q: Vector, before: Vector, actions: Vector
) -> None:
    """A finger that presses on something rests before its target, which is not lost."""
    near = 0.999 * np.where(TURNS, GAP_RAD, GAP_M)
    before = np.clip(before, q - near, q + near)
    still = np.zeros(N)
    of = model(kept=0.8)
    state = of.at_rest(q, None, JointTargetState(before, still, still, before))
    np.testing.assert_allclose(state.target, 0.8 * before + 0.2 * q, atol=1e-12)
    expected = np.clip(0.8 * before + 0.2 * q + actions[0], LOWER + INSET, UPPER - INSET)
    np.testing.assert_allclose(reached(of, state, actions)[0], expected, atol=1e-12)


def test_a_far_target_is_forgotten() -> None:
    """A joint that slides has another bound than one that turns."""
    q, still = np.array([0.0, 0.1, 0.0]), np.zeros(N)
    before = JointTargetState(q, still, still, np.array([0.4, 0.2, 0.6]))
    np.testing.assert_allclose(model().at_rest(q, None, before).target, [0.4, 0.1, 0.0])


@given(q=POSTURES, targets=ACTIONS)
def test_absolute_actions_are_targets(q: Vector, targets: Vector) -> None:
    of = model(absolute=True)
    expected = np.clip(targets, LOWER + INSET, UPPER - INSET)
    np.testing.assert_allclose(
        reached(of, of.at_rest(q, None, None), targets), expected, atol=1e-12
    )


@given(q=POSTURES, actions=ACTIONS)
def test_no_joint_goes_beyond_its_targets(q: Vector, actions: Vector) -> None:
    of = model()
    response = of.respond(of.at_rest(q, None, None), actions, DT_S)
    assert response.q is not None
    knots = np.vstack((q, response.q[response.step_ends]))
    per = int(response.step_ends[0])
    for number in range(len(actions)):
        piece = response.q[number * per : (number + 1) * per + 1]
        low, high = np.minimum(*knots[number : number + 2]), np.maximum(*knots[number : number + 2])
        assert (piece >= low - 1e-12).all()
        assert (piece <= high + 1e-12).all()


@given(q=POSTURES, rows=st.integers(1, 20))
def test_zero_displacements_stand_still(q: Vector, rows: int) -> None:
    of = model(kept=0.8)
    response = of.respond(of.at_rest(q, None, None), np.zeros((rows, N)), DT_S)
    assert response.q is not None
    np.testing.assert_allclose(response.q, np.broadcast_to(q, response.q.shape), atol=1e-15)
    assert not response.clipped


def test_a_joint_at_the_end_of_its_range_stays_there() -> None:
    """Targets keep a distance from the ends; a joint that is nearer is not moved away."""
    of, q = model(), UPPER.copy()
    response = of.respond(of.at_rest(q, None, None), np.zeros((4, N)), DT_S)
    assert response.q is not None
    np.testing.assert_allclose(response.q, np.broadcast_to(q, response.q.shape), atol=1e-15)


def test_clipping_is_said() -> None:
    of = model()
    state = of.at_rest(np.array([0.0, 0.1, 0.0]), None, None)
    assert of.respond(state, np.tile([0.3, 0.0, 0.0], (2, 1)), DT_S).clipped
    assert not of.respond(state, np.tile([0.2, 0.0, 0.0], (2, 1)), DT_S).clipped


@given(q=POSTURES, actions=ACTIONS, share=st.floats(0.0, 1.0))
def test_a_chunk_takes_over_in_motion(q: Vector, actions: Vector, share: float) -> None:
    """Position, velocity and acceleration go on; displacements lead on from the last target."""
    of = model()
    first = of.respond(of.at_rest(q, None, None), actions, DT_S)
    state = first.state_at(share * first.times_s[-1])
    second = of.respond(state, actions, DT_S)
    begun = second.state_at(0.0)
    for name in ("q", "dq", "ddq"):
        np.testing.assert_allclose(getattr(begun, name), getattr(state, name), atol=1e-9)
    expected = np.clip(state.target + actions[0], LOWER + INSET, UPPER - INSET)
    assert second.q is not None
    np.testing.assert_allclose(second.q[second.step_ends[0]], expected, atol=1e-12)


@pytest.mark.parametrize("absolute", [False, True])
def test_plausible_values_reach_across_the_range(absolute: bool) -> None:
    largest = model(absolute=absolute).largest
    assert (largest >= UPPER - LOWER).all()
    if absolute:
        assert (largest >= np.maximum(np.abs(LOWER), np.abs(UPPER))).all()

# SPDX-License-Identifier: Apache-2.0
"""Kinematics of the index finger."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vera_ros.robots.allegro.finger import Finger
from vera_ros.robots.allegro.hand import FINGER, JOINTS, TIP
from vera_ros.robots.allegro.world import HandWorld
from vera_ros.sim.gl import mujoco

HAND_FINGER = Finger()
postures = arrays(float, 4, elements=st.floats(0, 1)).map(
    lambda share: HAND_FINGER.lower + share * (HAND_FINGER.upper - HAND_FINGER.lower)
)
bent = arrays(float, 4, elements=st.floats(0, 1)).map(
    lambda share: np.array([-0.4, 0.3, 0.3, 0.2]) + share * np.array([0.8, 0.8, 0.6, 0.6])
)


@settings(deadline=None)
@given(postures, st.floats(0, 0.05))
def test_the_derivatives_are_those_of_the_point(q: np.ndarray, beyond_m: float) -> None:
    _, jacobian = HAND_FINGER._point_and_jacobian(q, beyond_m)
    for joint in range(4):
        step = np.eye(4)[joint] * 1e-6
        slope = (
            HAND_FINGER.point(q + step, beyond_m) - HAND_FINGER.point(q - step, beyond_m)
        ) / 2e-6
        np.testing.assert_allclose(jacobian[:, joint], slope, atol=1e-6)


@settings(deadline=None)
@given(bent, st.floats(0.01, 0.05))
def test_what_a_bent_finger_touches_can_be_reached(q: np.ndarray, beyond_m: float) -> None:
    target = HAND_FINGER.point(q, beyond_m)
    found = HAND_FINGER.reach(target, beyond_m)
    assert found is not None
    np.testing.assert_allclose(HAND_FINGER.point(found, beyond_m), target, atol=3e-4)
    assert (found >= HAND_FINGER.lower).all()
    assert (found <= HAND_FINGER.upper).all()


@pytest.mark.parametrize("target", [(0.3, 0.0, 0.0), (-0.1, 0.0, 0.05), (0.1, 0.2, 0.05)])
def test_what_is_out_of_reach_is_said_to_be(target: tuple[float, float, float]) -> None:
    assert HAND_FINGER.reach(np.array(target), 0.024) is None


WORLD = HandWorld()


@settings(deadline=None)
@given(bent)
def test_the_simulated_tip_is_where_the_kinematics_say(q: np.ndarray) -> None:
    world = WORLD
    posture = np.zeros(len(JOINTS))
    posture[FINGER] = q
    world._data.qpos[:] = posture
    mujoco.mj_kinematics(world._model, world._data)
    np.testing.assert_allclose(world._data.body(TIP).xpos, HAND_FINGER.point(q), atol=1e-6)

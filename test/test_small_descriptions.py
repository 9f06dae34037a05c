# SPDX-License-Identifier: Apache-2.0
"""The descriptions of the Allegro hand and of PushT's pusher say what their makers say."""

import numpy as np
import pinocchio as pin
import pytest

from vera_ros.resources import share_path
from vera_ros.robots.pusht.geometry import PUSHER_RADIUS_PX, SIDE_PX

FINGER = ((-0.47, 0.47), (-0.196, 1.61), (-0.174, 1.709), (-0.227, 1.618))
THUMB = ((0.263, 1.396), (-0.105, 1.163), (-0.189, 1.644), (-0.162, 1.719))
PX_M = 0.001


def model_of(name: str) -> pin.Model:
    return pin.buildModelFromUrdf(str(share_path("description", "urdf", name)))


@pytest.fixture(scope="module")
def hand() -> pin.Model:
    return model_of("allegro_hand.urdf")


@pytest.fixture(scope="module")
def pusher() -> pin.Model:
    return model_of("pusht_pusher.urdf")


def test_the_hand_has_the_ranges_of_a_v4(hand: pin.Model) -> None:
    for number, (lower, upper) in enumerate((*FINGER * 3, *THUMB)):
        joint = hand.getJointId(f"joint_{number}.0")
        column = hand.joints[joint].idx_q
        assert hand.lowerPositionLimit[column] == lower
        assert hand.upperPositionLimit[column] == upper
        assert hand.velocityLimit[column] == 7.0
    assert hand.nq == 16


def test_the_hands_bodies_are_physical(hand: pin.Model) -> None:
    for inertia in list(hand.inertias)[1:]:
        assert inertia.mass > 0
        assert np.linalg.eigvalsh(inertia.inertia).min() > 0


def test_the_hands_tips_are_where_the_makers_sizes_put_them(hand: pin.Model) -> None:
    """A straight finger is 135.5 mm long; index and ring lean outwards by 5 degrees."""
    data = hand.createData()
    pin.framesForwardKinematics(hand, data, pin.neutral(hand))
    length, lean = 0.0164 + 0.054 + 0.0384 + 0.0267, np.radians(5.0)
    leaning = np.array([0.0, 0.0435 + length * np.sin(lean), length * np.cos(lean) - 0.001542])
    for tip, expected in (
        ("link_3.0_tip", leaning),
        ("link_7.0_tip", [0.0, 0.0, length + 0.0007]),
        ("link_11.0_tip", leaning * [1, -1, 1]),
    ):
        at = data.oMf[hand.getFrameId(tip)].translation
        np.testing.assert_allclose(at, expected, atol=1e-6)


def test_the_pusher_moves_in_the_picture(pusher: pin.Model) -> None:
    """Its frame is the picture's: origin in the corner, x to the right, y down."""
    np.testing.assert_allclose(pusher.lowerPositionLimit, 0.0)
    np.testing.assert_allclose(pusher.upperPositionLimit, SIDE_PX * PX_M)
    np.testing.assert_allclose(pusher.velocityLimit, 512 * PX_M)
    data, at_px = pusher.createData(), np.array([300.0, 40.0])
    pin.framesForwardKinematics(pusher, data, at_px * PX_M)
    reached = data.oMf[pusher.getFrameId("pusher")].translation
    np.testing.assert_allclose(reached / PX_M, [*at_px, 0.0], atol=1e-9)
    urdf = str(share_path("description", "urdf", "pusht_pusher.urdf"))
    shapes = pin.buildGeomFromUrdf(pusher, urdf, pin.GeometryType.COLLISION)
    assert shapes.geometryObjects[0].geometry.radius == PUSHER_RADIUS_PX * PX_M

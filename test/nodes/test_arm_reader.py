# SPDX-License-Identifier: Apache-2.0
"""What joint states tell of the arm, and which tell nothing."""

from array import array
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import JointState

from vera_ros.nodes.arm_reader import read_joints
from vera_ros.nodes.conversions import ns_to_stamp

NAMES = ("one", "two")
ALL = ["finger", "two", "one"]


def joints(**changes: Any) -> JointState:
    message = JointState(
        name=ALL,
        position=[0.04, 2.0, 1.0],
        velocity=[0.0, -0.2, 0.1],
    )
    message.header.stamp = ns_to_stamp(5_250_000_000)
    for field, value in changes.items():
        setattr(message, field, value)
    return message


def test_values_are_found_by_their_names() -> None:
    measured = read_joints(joints(), NAMES, "finger", 7.0)
    np.testing.assert_array_equal(measured.q, [1.0, 2.0])
    np.testing.assert_array_equal(measured.dq, [0.1, -0.2])
    assert (measured.finger_m, measured.stamp_s, measured.received_s) == (0.04, 5.25, 7.0)
    assert measured.speed_rad_s == 0.2
    assert read_joints(joints(), NAMES, "", 7.0).finger_m is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"velocity": array("d")}, "no velocities"),
        ({"velocity": array("d", [0.0, np.nan, 0.1])}, "nan"),
        ({"velocity": array("d", [0.0])}, "zip"),
        ({"position": array("d", [0.04, np.inf, 1.0])}, "inf"),
    ],
)
def test_values_that_are_missing_or_no_numbers_are_refused(
    changes: dict[str, Any], words: str
) -> None:
    """Without velocities, an arm in motion counted as one at rest."""
    with pytest.raises(ValueError, match=words):
        read_joints(joints(**changes), NAMES, "finger", 7.0)


@pytest.mark.parametrize("missing", ["one", "finger"])
def test_a_joint_that_is_missing_is_named(missing: str) -> None:
    names = ["other" if name == missing else name for name in ALL]
    with pytest.raises(KeyError, match=missing):
        read_joints(joints(name=names), NAMES, "finger", 7.0)

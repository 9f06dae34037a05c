# SPDX-License-Identifier: Apache-2.0
"""What the columns of chunk messages become, and which arms cannot execute them."""

from typing import Any

import numpy as np
import pytest

from vera_ros.embodiments import ActionSpace, find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.nodes.ik.setup.action_columns import ActionColumns, action_columns
from vera_ros.nodes.ik.setup.parameters import PARAMETERS
from verification.robots import ROBOTS

DT_S = 0.1
VELOCITIES = np.array([[100.0, 0.0], [0.0, 50.0], [-25.0, 25.0]])  # px/s


def arm_of(name: str) -> ArmModel:
    robot = ROBOTS[name]
    return ArmModel(robot.urdf.read_text(), robot.joints)


def columns_of(name: str, embodiment: str, **changes: Any) -> ActionColumns:
    p = {parameter.name: parameter.default for parameter in PARAMETERS} | changes
    return action_columns(p, find_embodiment(embodiment), arm_of(name))


def test_pose_deltas_pass_as_they_are() -> None:
    columns = columns_of("panda", "mimicgen")
    assert (columns.space, columns.count, columns.of_joints) == (ActionSpace.EEF_DELTA, 6, False)
    rows = np.arange(12.0).reshape(2, 6)
    np.testing.assert_array_equal(columns.actions(rows, DT_S), rows)


@pytest.mark.parametrize("space", ["joint_delta", "joint_position"])
def test_joint_actions_pass_as_they_are(space: str) -> None:
    columns = columns_of("panda", "droid", action_space=space)
    assert (columns.space.name, columns.count, columns.of_joints) == (space.upper(), 7, True)
    rows = np.arange(14.0).reshape(2, 7)
    np.testing.assert_array_equal(columns.actions(rows, DT_S), rows)


def test_a_hand_moves_its_joints() -> None:
    columns = columns_of("hand", "allegro")
    assert (columns.space, columns.count) == (ActionSpace.JOINT_DELTA, 16)
    assert columns.of_joints


def test_a_picture_velocity_displaces_the_joints_of_a_planar_robot() -> None:
    """A pixel is a millimetre, and a row lasts 0.1 s: 100 px/s are 10 mm."""
    columns = columns_of("pusher", "pusht")
    assert (columns.count, columns.of_joints) == (2, True)
    expected = [[0.010, 0.0], [0.0, 0.005], [-0.0025, 0.0025]]
    np.testing.assert_allclose(columns.actions(VELOCITIES, DT_S), expected, atol=1e-12)


def test_the_picture_may_lie_otherwise_than_the_joints() -> None:
    columns = columns_of(
        "pusher", "pusht", pixel_m=0.002, picture_x=[0.0, -1.0, 0.0], picture_y=[1.0, 0.0, 0.0]
    )
    expected = [[0.0, -0.020], [0.010, 0.0], [0.005, 0.005]]
    np.testing.assert_allclose(columns.actions(VELOCITIES, DT_S), expected, atol=1e-12)


def test_a_picture_velocity_moves_the_tcp_of_an_arm_at_constant_height() -> None:
    """Seen from above with the robot below: right is -y of the base, down is -x."""
    columns = columns_of("panda", "pusht", picture_x=[0.0, -1.0, 0.0], picture_y=[-1.0, 0.0, 0.0])
    assert (columns.count, columns.of_joints) == (2, False)
    expected = np.zeros((3, 6))
    expected[:, :2] = [[0.0, -0.010], [-0.005, 0.0], [-0.0025, 0.0025]]
    np.testing.assert_allclose(columns.actions(VELOCITIES, DT_S), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("robot", "embodiment", "changes", "words"),
    [
        ("hand", "mimicgen", {}, "not one chain.*actions are those of joints"),
        ("hand", "pusht", {}, "not one chain"),
        ("panda", "allegro", {}, "has 7 joints, and actions of allegro have 16 columns"),
        ("panda", "pusht", {"picture_x": [1.0, 1.0, 0.0]}, "'picture_x'.*perpendicular"),
        ("panda", "pusht", {"picture_y": [1.0, 0.0, 0.0]}, "'picture_y'.*perpendicular"),
        ("pusher", "pusht", {"picture_y": [0.0, 0.0, 1.0]}, "plane in which.*'pusher_x'"),
    ],
)
def test_what_the_arm_cannot_execute(
    robot: str, embodiment: str, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        columns_of(robot, embodiment, **changes)

# SPDX-License-Identifier: Apache-2.0
"""Grippers as people have them: joints that slide or turn, open above or below closed."""

import re

import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.motion.gripper.finger_joint import gripper_limits
from vera_ros.motion.limits import GripperLimits


def described(kind: str, low: float, high: float) -> str:
    limit = f"<limit lower='{low}' upper='{high}' velocity='1' effort='1'/>"
    return (
        "<robot name='hand'><link name='palm'/><link name='finger'/>"
        f"<joint name='drive' type='{kind}'><parent link='palm'/><child link='finger'/>"
        f"<axis xyz='0 1 0'/>{'' if kind == 'continuous' else limit}</joint>"
        "<ros2_control name='hand' type='system'><joint name='drive'/></ros2_control></robot>"
    )


def limits_of(
    urdf: str, opened: float, closed: float, speed: float = 0.1, joint: str = "drive"
) -> GripperLimits:
    return gripper_limits(urdf, joint, opened=opened, closed=closed, speed=speed, duration_s=30.0)


@pytest.mark.parametrize(
    ("kind", "travel", "opened", "closed", "unit"),
    [
        ("prismatic", (0.0, 0.04), 0.04, 0.0, "m"),  # Franka Hand
        ("prismatic", (0.0, 0.04), 0.039, 0.0, "m"),
        ("revolute", (0.0, 0.8), 0.0, 0.8, "rad"),  # Robotiq 2F-85
        ("revolute", (0.0, 0.7929), 0.0, 0.8, "rad"),
        ("prismatic", (0.0, 0.025), 0.0, 0.025, "m"),  # Robotiq Hand-E
        ("revolute", (0.0, 0.85), 0.0, 0.85, "rad"),  # xArm gripper
        ("revolute", (-0.558, 0.785), 0.785, -0.558, "rad"),  # OnRobot RG2
        ("revolute", (-0.09, 1.0), 0.96, -0.09, "rad"),  # Kinova Gen3 lite
        ("prismatic", (-0.037, 0.0), -0.037, 0.0, "m"),  # the other of two mirrored fingers
        ("continuous", (0.0, 0.0), 0.2, 1.3, "rad"),
    ],
)
def test_a_gripper_is_set_up_as_its_description_has_it(
    kind: str, travel: tuple[float, float], opened: float, closed: float, unit: str
) -> None:
    limits = limits_of(described(kind, *travel), opened, closed)
    assert (limits.end_m(close=False), limits.end_m(close=True)) == (opened, closed)
    assert limits.lower_m < limits.upper_m
    assert limits.unit == unit


@pytest.mark.parametrize(
    ("opened", "closed", "unit"), [(0.04, 0.0, "m"), (0.0, 0.8, "rad"), (0.0, 0.05, "m")]
)
def test_a_joint_that_is_not_described_is_known_by_its_positions(
    opened: float, closed: float, unit: str
) -> None:
    limits = limits_of(described("prismatic", 0.0, 0.01), opened, closed, joint="other")
    assert limits.unit == unit
    assert limits.end_m(close=True) == closed


@pytest.mark.parametrize(
    ("urdf", "opened", "closed", "speed", "words"),
    [
        (described("prismatic", 0.0, 0.04), 0.04, 0.04, 0.1, "two positions of 'drive'"),
        (described("prismatic", 0.0, 0.04), 0.08, 0.0, 0.1, "0 to 0.04 m, the range of 'drive'"),
        (described("prismatic", 0.0, 0.04), 0.04, -0.01, 0.1, "gripper_closed_m -0.01"),
        (described("revolute", 0.0, 0.8), 0.0, 2.5, 0.1, "0 to 0.8 rad"),
        (described("prismatic", 0.0, 85.0), 0.0, 0.85, 0.1, "slides: valid is -0.2 to 0.2 m"),
        (described("prismatic", 0.0, 0.04), 0.04, 0.0, 5.0, "up to 0.5 m/s"),
        (described("revolute", 0.0, 0.8), 0.0, 0.8, 50.0, "up to 10 rad/s"),
        (described("revolute", 0.0, 0.8), float("nan"), 0.8, 1.0, "gripper_open_m is nan"),
    ],
)
def test_positions_that_cannot_be_are_refused(
    urdf: str, opened: float, closed: float, speed: float, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        limits_of(urdf, opened, closed, speed)

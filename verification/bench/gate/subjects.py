# SPDX-License-Identifier: Apache-2.0
"""The arms for which random chunks are drawn."""

from dataclasses import dataclass

import numpy as np

from verification.rig import ACTION_SCALE, START_Q, Vector
from verification.robots import Robot, make_joint_rig


@dataclass(frozen=True)
class Subject:
    """An arm, and what its chunks look like.

    Attributes:
        start_q: a posture in the middle of its work. Shape (n,), [rad or m].
        lower, upper: its joint ranges. Shape (n,), [rad or m].
        scale: the largest ordinary value of each column of an action. Shape (C,).
        singular: singular postures of an arm whose TCP is moved. Shape (n,) each.
        often_at_limits: joints that begin at an end of their range more often than others.
        room: share of a radian or metre by which postures differ.
    """

    start_q: Vector
    lower: Vector
    upper: Vector
    scale: Vector
    singular: tuple[Vector, ...]
    often_at_limits: tuple[int, ...] = ()
    room: float = 1.0

    @property
    def n(self) -> int:
        """Number of joints."""
        return len(self.start_q)

    @property
    def columns(self) -> int:
        """Number of columns of an action."""
        return len(self.scale)


PANDA = Subject(
    START_Q,
    np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973]),
    np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973]),
    ACTION_SCALE,
    (
        np.zeros(7),
        np.array([0.0, 0.0, 0.0, -0.0698, 0.0, 0.0, 0.0]),
        np.array([0.0, 0.6, 0.0, -0.09, 0.0, 0.7, 0.785]),  # elbow straight
        np.array([0.3, 0.2, 0.1, -2.0, 0.0, 0.0, 0.0]),  # wrist axes aligned
        np.array([0.0, -0.8, 0.0, -2.8, 0.0, 2.0, 0.0]),  # wrist above the shoulder
    ),
    often_at_limits=(3, 4, 5, 6, 6),
)


def subject_of(robot: Robot) -> Subject:
    """Return a robot that actions of joints move."""
    arm = make_joint_rig(robot).arm
    narrowest = float((arm.upper - arm.lower).min())
    start = robot.start_q
    return Subject(start, arm.lower, arm.upper, robot.step, (start,), room=min(1.0, narrowest))

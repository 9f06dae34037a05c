# SPDX-License-Identifier: Apache-2.0
"""The judge of trajectories, what it holds them to, and a ROS domain for a module's tests."""

import os
from collections.abc import Iterator

import pytest

from vera_ros.bringup import isolation
from vera_ros.bringup.middleware import on_loopback
from vera_ros.motion.kinematics.arm_model import ArmModel
from verification.judge.bounds import TrajectoryBounds
from verification.judge.checker import Checker
from verification.rig import ARM_JOINTS, BASE_FRAME, TCP_FRAME, URDF, make_limits


@pytest.fixture(scope="session")
def checker() -> Checker:
    return Checker(URDF.read_text(), ARM_JOINTS, BASE_FRAME, TCP_FRAME)


@pytest.fixture(scope="session")
def bounds() -> TrajectoryBounds:
    return TrajectoryBounds.of(make_limits(ArmModel(URDF.read_text(), ARM_JOINTS, TCP_FRAME)))


@pytest.fixture(scope="module")
def own_ros_domain() -> Iterator[int]:
    """A ROS_DOMAIN_ID that nobody else uses, set for this process and below."""
    with isolation.own_domain() as domain, pytest.MonkeyPatch.context() as environment:
        environment.setenv("ROS_DOMAIN_ID", str(domain))
        for variable, value in on_loopback(os.environ).items():
            environment.setenv(variable, value)
        yield domain

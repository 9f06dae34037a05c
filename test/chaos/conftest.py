# SPDX-License-Identifier: Apache-2.0
"""The judge of trajectories, and what it holds them to."""

import pytest

from bench.bounds import Bounds
from bench.checker import Checker
from bench.rig import ARM_JOINTS, BASE_FRAME, TCP_FRAME, URDF, make_limits
from vera_ros.motion.arm_model import ArmModel


@pytest.fixture(scope="session")
def checker() -> Checker:
    return Checker(URDF.read_text(), ARM_JOINTS, BASE_FRAME, TCP_FRAME)


@pytest.fixture(scope="session")
def bounds() -> Bounds:
    return Bounds.of(make_limits(ArmModel(URDF.read_text(), ARM_JOINTS, TCP_FRAME)))

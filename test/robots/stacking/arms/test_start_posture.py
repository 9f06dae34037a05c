# SPDX-License-Identifier: Apache-2.0
"""Episodes start where the Panda's do; of another posture, one that does is named."""

import re
from dataclasses import replace

import numpy as np
import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.robots.stacking.arms.simulated_arm import SimulatedArm
from vera_ros.robots.stacking.arms.start_posture import check_start
from verification.arm_files import ARMS, read_arm

OTHERS = [name for name in ARMS if name != "panda"]


def arm_of(name: str) -> SimulatedArm:
    sim = read_arm(name).sim
    return SimulatedArm.read(
        sim["arm_description"], sim["flange"], sim["joint_names"], sim["start_posture"]
    )


@pytest.mark.parametrize("name", OTHERS)
def test_the_posture_that_is_named_instead_is_accepted(name: str) -> None:
    arm = arm_of(name)
    check_start(arm)
    elsewhere = replace(arm, start_posture=0.5 * arm.start_posture)
    with pytest.raises(ConfigurationError, match="away from where episodes start") as refusal:
        check_start(elsewhere)
    named = re.search(r"set start_posture to \[(.*)\]", str(refusal.value))
    assert named is not None
    check_start(replace(arm, start_posture=np.array(named[1].split(","), dtype=float)))


def test_an_arm_that_is_too_small_is_refused() -> None:
    arm = arm_of("ur5e")
    shorter = arm.urdf.replace('"-0.425 0 0"', '"-0.1 0 0"').replace('"-0.3922 0', '"-0.1 0')
    with pytest.raises(ConfigurationError, match="too small for this scene"):
        check_start(replace(arm, urdf=shorter))

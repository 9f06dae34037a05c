# SPDX-License-Identifier: Apache-2.0
"""What pending actions lead to."""

import numpy as np
import pytest

from vera_ros.robots.pinhole import Pose
from vera_ros.robots.stacking.policy.response import CLOSE, OPEN
from vera_ros.robots.stacking.policy.scene_config import SceneConfig
from vera_ros.robots.stacking.policy.stacking import Sighting


@pytest.fixture
def sighting(scene: SceneConfig, start_tcp: Pose) -> Sighting:
    return Sighting(start_tcp, 0.03, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("past", "pending", "gap_m"),
    [
        ([CLOSE] * 8, [CLOSE] * 3, 0.03),  # closed long ago: what is measured counts
        ([CLOSE] * 2, [CLOSE] * 8, 0.04),  # still closing: with luck around the cube
        ([OPEN] * 9, [OPEN, CLOSE], 0.04),
        ([CLOSE] * 9, [OPEN] * 4, 0.065),  # will be open
        ([CLOSE] * 9, [OPEN] * 2, 0.03),  # not yet
        ([CLOSE, OPEN, OPEN], [OPEN, OPEN], 0.065),
        ([CLOSE] * 8, [], 0.03),
    ],
)
def test_the_gripper_is_foreseen_as_far_as_it_can_be(
    scene: SceneConfig,
    sighting: Sighting,
    past: list[float],
    pending: list[float],
    gap_m: float,
) -> None:
    ahead = sighting.ahead(sighting.tcp, np.array(past), np.array(pending), scene)
    assert ahead.gap_m == pytest.approx(gap_m)

# SPDX-License-Identifier: Apache-2.0
"""The robots under faults are those that ik_node moves."""

import numpy as np
import pytest
import yaml

from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.resources import share_path
from vera_ros.robots.registry import find_robot
from verification.arm_files import ARMS
from verification.chaos.monitor.subject import read_subject
from verification.chaos.wiring import EMBODIMENTS, images

ROBOTS = [("allegro", ""), *(("mimicgen", arm) for arm in ARMS)]


@pytest.mark.parametrize(("embodiment", "arm"), ROBOTS)
def test_its_parts_fit_together(embodiment: str, arm: str) -> None:
    subject = read_subject(embodiment, arm)
    tip = "" if len(subject.tips) > 1 else subject.tips[0]
    model = ArmModel(subject.urdf, subject.joints, tip)
    assert len(subject.limits.lower) == model.n
    assert model.base_frame == subject.base
    assert np.all(subject.limits.lower < subject.limits.upper)
    assert bool(subject.finger) == (embodiment != "allegro")


def test_a_hand_has_the_bounds_of_its_parameter_file() -> None:
    path = share_path("config", find_robot("allegro").config)
    ik = yaml.safe_load(path.read_text())["/**/ik_node"]["ros__parameters"]
    subject = read_subject("allegro", "")
    assert list(subject.joints) == ik["joint_names"]
    assert subject.tracking_rad == ik["tracking_tolerance"]
    np.testing.assert_array_equal(subject.limits.workspace_upper, ik["workspace_upper"])


@pytest.mark.parametrize("embodiment", EMBODIMENTS)
def test_every_view_has_its_pictures(embodiment: str) -> None:
    assert len(images(embodiment)) == len(find_robot(embodiment).cameras)

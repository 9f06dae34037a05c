# SPDX-License-Identifier: Apache-2.0
import importlib.util

import pytest

from vera_ros.doctor.distributions import MODULES, distribution_of, how_to_install


def test_modules_of_other_names_are_there_under_these() -> None:
    assert all(importlib.util.find_spec(module) for module in MODULES.values())
    assert distribution_of("yaml") == "PyYAML"
    assert distribution_of("psutil") == "psutil"


@pytest.mark.parametrize(
    ("distribution", "distro", "command"),
    [
        ("PyYAML", "", "python3 -m pip install 'PyYAML>=1,<2'"),
        ("PyYAML", "jazzy", "sudo apt-get install python3-yaml"),
        ("pin", "jazzy", "sudo apt-get install ros-$ROS_DISTRO-pinocchio"),
        ("mujoco", "jazzy", "python3 -m pip install 'mujoco>=1,<2'"),
    ],
)
def test_apt_has_what_a_ros_installation_is_compiled_against(
    distribution: str, distro: str, command: str
) -> None:
    assert how_to_install(distribution, distro, ">=1,<2") == command

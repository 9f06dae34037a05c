# SPDX-License-Identifier: Apache-2.0
import importlib.util
import sys
import sysconfig
from pathlib import Path

import pytest

from vera_ros.doctor.facts.distributions import MODULES, distribution_of, how_to_install


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
    distribution: str, distro: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", "/in/a/virtual/environment")
    assert how_to_install(distribution, distro, ">=1,<2") == command


def test_pip_gets_an_environment_where_the_system_forbids_it_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ubuntu 24.04 and Debian 12 mark their Python so."""
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert how_to_install("mujoco", "jazzy").startswith("python3 -m pip install")
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    assert how_to_install("mujoco", "jazzy") == (
        "python3 -m venv --system-site-packages ~/vera_ros_venv && "
        ". ~/vera_ros_venv/bin/activate && python3 -m pip install 'mujoco'"
    )
    assert how_to_install("PyYAML", "jazzy") == "sudo apt-get install python3-yaml"

# SPDX-License-Identifier: Apache-2.0
"""How Python libraries are installed; this must work where none of them is."""

import sys
import sysconfig
from pathlib import Path

# What is imported, where it has another name than what is installed.
MODULES = {"opencv-python-headless": "cv2", "pin": "pinocchio", "PyYAML": "yaml"}

# With a ROS installation these come from apt: what is compiled must fit the same NumPy.
_APT = {
    "msgpack": "python3-msgpack",
    "numba": "python3-numba",
    "numpy": "python3-numpy",
    "opencv-python-headless": "python3-opencv",
    "packaging": "python3-packaging",
    "pin": "ros-$ROS_DISTRO-pinocchio",
    "psutil": "python3-psutil",
    "PyYAML": "python3-yaml",
    "scipy": "python3-scipy",
}


def distribution_of(module: str) -> str:
    """What is to be installed for a module to be there."""
    return next((name for name, imported in MODULES.items() if imported == module), module)


def how_to_install(distribution: str, distro: str, versions: str = "") -> str:
    """The command.

    Args:
        distribution: its name on PyPI.
        distro: of the ROS installation; empty: none.
        versions: which are valid, like `>=14,<18`; empty: any.
    """
    if distro and distribution in _APT:
        return f"sudo apt-get install {_APT[distribution]}"
    return f"{_enter_environment()}python3 -m pip install '{distribution}{versions}'"


def _enter_environment() -> str:
    """What comes before pip where it may not install into the system's Python, as on Ubuntu."""
    marker = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    if sys.prefix != sys.base_prefix or not marker.is_file():
        return ""
    folder = "~/vera_ros_venv"
    return f"python3 -m venv --system-site-packages {folder} && . {folder}/bin/activate && "

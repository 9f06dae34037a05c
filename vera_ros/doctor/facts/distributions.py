# SPDX-License-Identifier: Apache-2.0
"""Commands that install Python libraries; standard library only, as none may be installed yet."""

import sys
import sysconfig
from pathlib import Path

# Imported module of each distribution, where their names differ.
MODULES = {
    "opencv-python-headless": "cv2",
    "Pillow": "PIL",
    "pin": "pinocchio",
    "PyYAML": "yaml",
}

# With a ROS installation these come from apt: all compiled libraries must fit apt's NumPy.
_APT = {
    "msgpack": "python3-msgpack",
    "numba": "python3-numba",
    "numpy": "python3-numpy",
    "opencv-python-headless": "python3-opencv",
    "packaging": "python3-packaging",
    "Pillow": "python3-pil",
    "pin": "ros-$ROS_DISTRO-pinocchio",
    "psutil": "python3-psutil",
    "PyYAML": "python3-yaml",
    "scipy": "python3-scipy",
}


def distribution_of(module: str) -> str:
    """Return the distribution that provides a module."""
    return next((name for name, imported in MODULES.items() if imported == module), module)


def how_to_install(distribution: str, distro: str, versions: str = "") -> str:
    """Return the command that installs a distribution.

    Args:
        distribution: its name on PyPI.
        distro: name of the ROS distribution; empty: no ROS installation.
        versions: valid versions, like `>=14,<18`; empty: any.
    """
    if distro and distribution in _APT:
        return f"sudo apt-get install {_APT[distribution]}"
    return f"{_enter_environment()}python3 -m pip install '{distribution}{versions}'"


def _enter_environment() -> str:
    """Return the commands before pip where the system's Python is not pip's, as on Ubuntu."""
    marker = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    if sys.prefix != sys.base_prefix or not marker.is_file():
        return ""
    folder = "~/vera_ros_venv"
    return f"python3 -m venv --system-site-packages {folder} && . {folder}/bin/activate && "

# SPDX-License-Identifier: Apache-2.0
"""Imports ROS and the interfaces, and reports their versions and definitions."""

import importlib.metadata
from pathlib import Path
from typing import Any

from vera_ros.doctor.probes.wire import Tell, run

_KINDS = ("msg", "srv", "action")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def probe(_: dict[str, Any], tell: Tell) -> None:
    """Report rclpy's version, the RMW, and the text of every definition of the interfaces."""
    import rclpy
    from ament_index_python.packages import get_package_share_directory
    from rclpy.utilities import get_rmw_implementation_identifier

    tell("rclpy", _version(rclpy.__name__))
    tell("rmw", get_rmw_implementation_identifier())
    try:
        import vera_ros_interfaces.action
        import vera_ros_interfaces.msg
        import vera_ros_interfaces.srv  # noqa: F401
    except ImportError as error:
        tell("interfaces_error", str(error))
        return
    share = Path(get_package_share_directory("vera_ros_interfaces"))
    tell(
        "interfaces",
        {
            f"{kind}/{file.name}": file.read_text()
            for kind in _KINDS
            for file in sorted((share / kind).glob(f"*.{kind}"))
        },
    )


if __name__ == "__main__":
    run(probe)

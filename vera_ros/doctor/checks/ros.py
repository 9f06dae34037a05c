# SPDX-License-Identifier: Apache-2.0
"""Checks of Python, ROS, its middleware and the interfaces package."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.tools import ToolError, ToolTimeoutError, probe
from vera_ros.doctor.finding import Finding, NotCheckedError, failure, ok, warning
from vera_ros.resources import share_path
from vera_ros.ros_rules import LARGEST_DOMAIN

_TESTED_RMW = "rmw_fastrtps_cpp"
_TESTED_DISTROS = ("jazzy", "kilted")
_LARGEST_SAFE_DOMAIN = 101
_RANGES = ("LOCALHOST", "SUBNET", "OFF", "SYSTEM_DEFAULT")

_GET_ROS = (
    "source /opt/ros/jazzy/setup.bash where ROS 2 is installed; else scripts/demo installs it"
)
_BUILD_INTERFACES = (
    "colcon build && source install/setup.bash; without a ROS installation: scripts/demo"
)


def check(context: Context) -> list[Finding]:
    """Check Python, rclpy and the interfaces."""
    findings = [judge_python(sys.version_info[:3], sys.executable)]
    try:
        facts = probe("environment", context.deadline, {})
    except ToolTimeoutError:
        raise
    except (ToolError, NotCheckedError) as error:
        return [*findings, failure("ROS 2", f"rclpy cannot be used: {error}", _GET_ROS)]
    return [
        *findings,
        judge_distro(os.environ.get("ROS_DISTRO", ""), facts["rclpy"]),
        judge_rmw(facts["rmw"]),
        judge_interfaces(
            facts.get("interfaces"), facts.get("interfaces_error", ""), source_interfaces()
        ),
    ]


def check_discovery(context: Context) -> list[Finding]:
    """Check that ROS programs can discover each other."""
    return [judge_domain(os.environ), judge_range(os.environ, context.options.robot)]


def judge_python(version: tuple[int, ...], executable: str) -> Finding:
    """Check that Python is new enough."""
    shown = ".".join(map(str, version))
    if version < (3, 10):
        return failure(
            "Python", f"{shown} ({executable}); vera_ros needs 3.10", "use a newer Python 3"
        )
    return ok("Python", f"{shown} ({executable})")


def judge_distro(distro: str, rclpy: str) -> Finding:
    """Check that the ROS distribution is one that vera_ros is tested with.

    Args:
        distro: name of the sourced distribution; empty: none.
        rclpy: version of rclpy.
    """
    if distro and distro not in _TESTED_DISTROS:
        return warning(
            "ROS 2",
            f"{distro}; vera_ros is tested with {' and '.join(_TESTED_DISTROS)}",
            "source /opt/ros/jazzy/setup.bash",
        )
    return ok("ROS 2", f"{distro or 'from PyPI, no ROS installation'}, rclpy {rclpy}")


def judge_rmw(rmw: str) -> Finding:
    """Check that the middleware is the one that vera_ros is tested with."""
    if rmw != _TESTED_RMW:
        return warning(
            "middleware",
            f"{rmw}; vera_ros is tested with {_TESTED_RMW}",
            f"export RMW_IMPLEMENTATION={_TESTED_RMW}",
        )
    return ok("middleware", rmw)


def judge_domain(environ: Mapping[str, str]) -> Finding:
    """Check that the ROS domain is valid and has ports of its own."""
    text = environ.get("ROS_DOMAIN_ID", "")
    mend = f"export ROS_DOMAIN_ID=<0 to {_LARGEST_SAFE_DOMAIN}>, the same on all machines"
    if not text:
        return ok("domain", "0, ROS_DOMAIN_ID is not set")
    if not text.isdecimal() or int(text) > LARGEST_DOMAIN:
        return failure("domain", f"ROS_DOMAIN_ID is '{text}'; valid is 0 to {LARGEST_DOMAIN}", mend)
    if int(text) > _LARGEST_SAFE_DOMAIN:
        return warning(
            "domain",
            f"ROS_DOMAIN_ID is {text}; above {_LARGEST_SAFE_DOMAIN} its ports overlap with Linux's "
            "ephemeral ports",
            mend,
        )
    return ok("domain", f"ROS_DOMAIN_ID is {text}")


def judge_range(environ: Mapping[str, str], robot: str) -> Finding:
    """Check that discovery is valid and reaches other machines where a real robot may need it."""
    name, variable = "discovery", "ROS_AUTOMATIC_DISCOVERY_RANGE"
    reach = environ.get(variable, "")
    if environ.get("ROS_LOCALHOST_ONLY") == "1":
        variable, reach = "ROS_LOCALHOST_ONLY", "LOCALHOST"
    if not reach:
        return ok(name, f"the subnet, {variable} is not set")
    if reach not in _RANGES:
        return failure(
            name, f"{variable} is '{reach}'; valid is {' | '.join(_RANGES)}", f"unset {variable}"
        )
    if reach == "OFF":
        return failure(name, f"{variable} is OFF: no node discovers another", f"unset {variable}")
    if reach == "LOCALHOST" and robot == "real":
        return warning(
            name,
            f"this machine only, by {variable}: a robot or camera on another one is not discovered",
            f"unset {variable} if robot or cameras are on other machines",
        )
    return ok(name, f"{reach}, by {variable}")


def judge_interfaces(
    built: Mapping[str, str] | None, error: str, source: Mapping[str, str]
) -> Finding:
    """Check that the interfaces are built, and from the present sources.

    Args:
        built: text of each definition in the built package, by file name; None: not built.
        error: why the package cannot be imported.
        source: text of each definition in the checkout, by file name; empty: no checkout.
    """
    if built is None:
        return failure("interfaces", f"not built: {error}", _BUILD_INTERFACES)
    changed = sorted(
        name
        for name, text in source.items()
        if name not in built or _without_comments(built[name]) != _without_comments(text)
    )
    if changed:
        return failure(
            "interfaces",
            f"vera_ros_interfaces was built from other sources: {', '.join(changed)}",
            _BUILD_INTERFACES,
        )
    return ok("interfaces", f"vera_ros_interfaces, {len(built)} definitions")


def _without_comments(definition: str) -> list[str]:
    lines = (line.split("#")[0].rstrip() for line in definition.splitlines())
    return [line for line in lines if line]


def source_interfaces() -> dict[str, str]:
    """Return the text of each definition in the checkout, by file name; empty: no checkout."""
    root = Path(share_path("package.xml")).parent / "vera_ros_interfaces"
    return {
        f"{kind}/{file.name}": file.read_text()
        for kind in ("msg", "srv", "action")
        for file in sorted((root / kind).glob(f"*.{kind}"))
    }

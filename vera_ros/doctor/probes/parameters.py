# SPDX-License-Identifier: Apache-2.0
"""Reads a parameter file as the nodes would."""

import os
import re
import sys
from collections.abc import Callable
from typing import Any

from vera_ros.doctor.probes.wire import Tell, run

# Nodes of these names must not be seen by the graph that may be running.
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "OFF"

import rclpy

from vera_ros.errors import VeraRosError
from vera_ros.nodes import ik_parameters, policy_parameters, server_parameters
from vera_ros.nodes.parameters import Parameter, declare_parameters

_SOURCE = re.compile(r", at \S+\.c:\d+")  # where in rcl, which helps nobody here

_DECLARED = {
    "policy_node": policy_parameters.PARAMETERS,
    "ik_node": ik_parameters.PARAMETERS,
    "server_node": server_parameters.PARAMETERS,
}


def _read(name: str, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """The node's parameters, or `error`: why it would not start."""
    node = rclpy.create_node(name, start_parameter_services=False, enable_rosout=False)
    try:
        return declare_parameters(node, parameters)
    except VeraRosError as error:
        return {"error": f"{name}: {error}"}
    finally:
        node.destroy_node()


def look(asked: dict[str, Any], tell: Tell) -> Callable[[], None] | None:
    """Tell each node's parameters, or `error`."""
    space = ["-r", f"__ns:={asked['namespace']}"]
    arguments = ["--ros-args", *space, "--params-file", asked["config"]]
    try:
        rclpy.init(args=[sys.argv[0], *arguments])
    except RuntimeError as error:  # rclpy's RCLError
        why = _SOURCE.sub("", str(error))
        tell("error", f"'{asked['config']}' cannot be read: {why}")
        return None
    for name, parameters in _DECLARED.items():
        tell(name, _read(name, parameters))
    return lambda: rclpy.shutdown()


if __name__ == "__main__":
    run(look)

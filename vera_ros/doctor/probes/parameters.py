# SPDX-License-Identifier: Apache-2.0
"""Reads a parameter file as the nodes do."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vera_ros.doctor.probes.wire import Tell, run

# Nodes of these names must not be discovered by a graph that is running.
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "OFF"

import rclpy

from vera_ros.errors import VeraRosError
from vera_ros.nodes.common.parameters import Parameter, declare_parameters, rcl_message
from vera_ros.nodes.declared import NAMES
from vera_ros.nodes.ik import parameters as ik_parameters
from vera_ros.nodes.policy import parameters as policy_parameters
from vera_ros.nodes.server import parameters as server_parameters
from vera_ros.parameter_files import check_blocks, read_blocks

_DECLARED = {
    "policy_node": policy_parameters.PARAMETERS,
    "ik_node": ik_parameters.PARAMETERS,
    "server_node": server_parameters.PARAMETERS,
}


def _read(name: str, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """Return the node's parameters, or as `error` why it would not start."""
    node = rclpy.create_node(name, start_parameter_services=False, enable_rosout=False)
    try:
        return declare_parameters(node, parameters)
    except VeraRosError as error:
        return {"error": f"{name}: {error}"}
    finally:
        node.destroy_node()


def probe(asked: dict[str, Any], tell: Tell) -> Callable[[], None] | None:
    """Report each node's parameters and, as `foreign`, the blocks for other nodes; or `error`."""
    space = ["-r", f"__ns:={asked['namespace']}"]
    arguments = ["--ros-args", *space, "--params-file", asked["config"]]
    try:
        blocks = read_blocks(Path(asked["config"]))
        tell("foreign", check_blocks(blocks, asked["namespace"], NAMES))
        rclpy.init(args=[sys.argv[0], *arguments])
    except VeraRosError as error:
        tell("error", str(error))
        return None
    except RuntimeError as error:  # rclpy's RCLError
        tell("error", f"'{asked['config']}' cannot be read: {rcl_message(error)}")
        return None
    for name, parameters in _DECLARED.items():
        tell(name, _read(name, parameters))
    return lambda: rclpy.shutdown()


if __name__ == "__main__":
    run(probe)

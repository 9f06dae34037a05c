# SPDX-License-Identifier: Apache-2.0
"""Reads a parameter file as policy_node and ik_node would."""

import os
import sys
from typing import Any

from vera_ros.doctor.probes.wire import Teller, question

# Two nodes of these names must not be seen by the graph that may be running.
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "OFF"

import rclpy

from vera_ros.errors import VeraRosError
from vera_ros.nodes import ik_parameters, policy_parameters
from vera_ros.nodes.parameters import Parameter, declare_parameters

_DECLARED = {
    "policy_node": policy_parameters.PARAMETERS,
    "ik_node": ik_parameters.PARAMETERS,
}


def _read(name: str, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """The node's parameters, or `error`: why it would not start."""
    node = rclpy.create_node(name, start_parameter_services=False, enable_rosout=False)
    try:
        return declare_parameters(node, parameters)
    except VeraRosError as error:
        return {"error": f"{name}: {error}"}


def main() -> None:
    """Entry point."""
    teller, asked = Teller(), question()
    space = ["-r", f"__ns:={asked['namespace'] or '/'}"]
    arguments = ["--ros-args", *space, "--params-file", asked["config"]]
    try:
        rclpy.init(args=[sys.argv[0], *arguments])
    except RuntimeError as error:  # rclpy's RCLError
        teller.tell("error", f"the parameter file cannot be read: {error}")
        return
    for name, parameters in _DECLARED.items():
        teller.tell(name, _read(name, parameters))
    os._exit(0)  # the middleware's own end may take long, and nothing is left to do


if __name__ == "__main__":
    main()

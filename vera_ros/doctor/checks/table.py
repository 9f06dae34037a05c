# SPDX-License-Identifier: Apache-2.0
"""The table of all checks, in the order of the page."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.finding import Finding

CheckFunction = Callable[[Context], Sequence[Finding]]


@dataclass(frozen=True)
class Check:
    """One check of the machine.

    Attributes:
        area: heading of its findings.
        name: of its finding where it does not answer or cannot be made.
        function: `module:function` in this package; imported when it runs, since its libraries may
            not be installed.
        by_hand: command that checks the same, for when it does not answer.
    """

    area: str
    name: str
    function: str
    by_hand: str

    def load(self) -> CheckFunction:
        """Import the function.

        Raises:
            ImportError: a library that it needs is not installed.
        """
        module, function = self.function.split(":")
        loaded: CheckFunction = getattr(
            importlib.import_module(f"{__package__}.{module}"), function
        )
        return loaded


_PYTHON = "Python and ROS"
_CONFIGURATION = "Configuration"
_MIDDLEWARE = "Middleware"
_ROBOT = "Robot"
_SERVER = "Policy server"
_VERA = "VERA on this machine"

CHECKS = (
    Check(_PYTHON, "ROS 2", "ros:check", "python3 -c 'import rclpy'"),
    Check(_PYTHON, "libraries", "libraries:check", "python3 -m pip check"),
    Check(
        _PYTHON, "compiled motion", "robot.arm:check_compiled", "ros2 run vera_ros compile_motion"
    ),
    Check(_PYTHON, "rendering", "rendering:check", "python3 -m vera_ros.doctor.probes.rendering"),
    Check(_CONFIGURATION, "parameter file", "configuration:check", "see the file"),
    Check(_CONFIGURATION, "robot description", "robot.arm:check", "check_urdf FILE"),
    Check(_MIDDLEWARE, "discovery", "ros:check_discovery", "ros2 node list"),
    Check(_MIDDLEWARE, "Fast DDS", "transport:check", "df /dev/shm; sysctl net.core.rmem_max"),
    Check(_MIDDLEWARE, "security", "security:check", "env | grep ROS_SECURITY"),
    Check(_ROBOT, "nodes", "robot.controllers:check_nodes", "ros2 node list"),
    Check(_ROBOT, "views", "robot.views:check", "ros2 topic list"),
    Check(_ROBOT, "joint states", "robot.joint_states:check", "ros2 topic hz joint_states"),
    Check(_ROBOT, "efforts", "robot.efforts:check", "ros2 topic echo --once joint_states"),
    Check(_ROBOT, "controllers", "robot.controllers:check", "ros2 control list_controllers"),
    Check(_SERVER, "policy server", "policy_server:check", "see the server's log"),
    Check(_VERA, "server settings", "server_settings:check", "see the file and VERA_* variables"),
    Check(_VERA, "GPU", "gpu:check", "nvidia-smi"),
    Check(_VERA, "Docker", "docker:check", "docker info"),
    Check(_VERA, "container", "docker:check_container", "docker image ls"),
    Check(_VERA, "VERA", "vera:check", "python3 -m vera.server.start_vera_server --help"),
    Check(_VERA, "checkpoints", "checkpoints:check", "ls the folders"),
)

GRAPH_CHECKS = tuple(check for check in CHECKS if check.area == _ROBOT)

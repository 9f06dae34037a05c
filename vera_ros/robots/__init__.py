# SPDX-License-Identifier: Apache-2.0
"""The embodiments in simulation: a package for each, of its name, and rooms that several share.

A package has in its `__init__` a constant ROBOT, and is found by the name of its embodiment. None
imports another's, and all of them import libraries of their own late: whoever wants to know the
cameras or the prompt of one embodiment needs neither MuJoCo nor SciPy.
"""

from importlib import import_module
from importlib.util import find_spec

from vera_ros.embodiments import EMBODIMENTS, find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.robots.robot import Robot

__all__ = ["Robot", "find_robot", "robot_names", "simulated_names"]


def robot_names() -> tuple[str, ...]:
    """Return the embodiments that have a reference policy, in the order of their table."""
    return tuple(name for name in EMBODIMENTS if find_spec(f"{__name__}.{name}") is not None)


def simulated_names() -> tuple[str, ...]:
    """Return the embodiments that also have a scene for sim_node."""
    return tuple(name for name in robot_names() if find_robot(name).cameras)


def find_robot(name: str) -> Robot:
    """Return the robot of an embodiment.

    Raises:
        ConfigurationError: there is no such embodiment, or no such robot.
    """
    find_embodiment(name)
    if name not in robot_names():
        raise ConfigurationError(
            f"embodiment '{name}' has neither a scene nor a reference policy; those that have are "
            f"{', '.join(robot_names())}"
        )
    robot: Robot = import_module(f"{__name__}.{name}").ROBOT
    return robot

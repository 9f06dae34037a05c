# SPDX-License-Identifier: Apache-2.0
"""Which embodiments have a package here; each is imported only when it is asked for.

Whoever wants to know the cameras or the prompt of a robot needs neither MuJoCo nor SciPy, nor what
another robot's policy needs.
"""

from importlib import import_module
from importlib.util import find_spec

from vera_ros.embodiments import EMBODIMENTS, find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.robots.robot import Robot
from vera_ros.wire.hosted_policy import HostedPolicy

_PACKAGE = __name__.rpartition(".")[0]

# The embodiments that have a reference policy, in the order of their table.
WITH_REFERENCE_POLICY = tuple(
    name for name in EMBODIMENTS if find_spec(f"{_PACKAGE}.{name}") is not None
)


def find_robot(embodiment: str) -> Robot:
    """Return the robot of an embodiment.

    Raises:
        ConfigurationError: there is no such embodiment, or it has no package here.
    """
    find_embodiment(embodiment)
    if embodiment not in WITH_REFERENCE_POLICY:
        raise ConfigurationError(
            f"embodiment '{embodiment}' has no reference policy; those that have one are "
            f"{', '.join(WITH_REFERENCE_POLICY)}"
        )
    robot: Robot = import_module(f"{_PACKAGE}.{embodiment}").ROBOT
    return robot


def make_reference_policy(embodiment: str, *, looks_ahead: bool = True) -> HostedPolicy:
    """Return a new reference policy of an embodiment.

    Args:
        embodiment: VERA's name of the robot kind.
        looks_ahead: plan from where the pending actions of a request lead.

    Raises:
        ConfigurationError: there is no such embodiment, or it has no reference policy.
        MissingDependencyError: a library that it needs is not installed.
    """
    return find_robot(embodiment).make_policy(looks_ahead=looks_ahead)


# The embodiments that also have a scene for sim_node.
SIMULATED = tuple(name for name in WITH_REFERENCE_POLICY if find_robot(name).config)

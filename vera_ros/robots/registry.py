# SPDX-License-Identifier: Apache-2.0
"""Which robot kinds have a reference policy, and where: imported only when one is made."""

from importlib import import_module

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.wire.hosted_policy import HostedPolicy

# Module and class, by embodiment; libraries that one needs are not needed for the others.
_REFERENCE_POLICIES = {
    "mimicgen": ("vera_ros.server.reference.stack_policy", "StackPolicy"),
    "pusht": ("vera_ros.robots.pusht.push_policy", "PushPolicy"),
}
WITH_REFERENCE_POLICY = tuple(_REFERENCE_POLICIES)


def make_reference_policy(embodiment: str, *, looks_ahead: bool = True) -> HostedPolicy:
    """Return a new reference policy of an embodiment.

    Args:
        embodiment: VERA's name of the robot kind.
        looks_ahead: plan from where the pending actions of a request lead.

    Raises:
        ConfigurationError: there is no such embodiment, or it has no reference policy.
        MissingDependencyError: a library that it needs is not installed.
    """
    find_embodiment(embodiment)
    if embodiment not in _REFERENCE_POLICIES:
        raise ConfigurationError(
            f"embodiment '{embodiment}' has no reference policy; those that have one are "
            f"{', '.join(WITH_REFERENCE_POLICY)}"
        )
    module, name = _REFERENCE_POLICIES[embodiment]
    policy: HostedPolicy = getattr(import_module(module), name)(looks_ahead=looks_ahead)
    return policy

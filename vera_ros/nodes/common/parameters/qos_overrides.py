# SPDX-License-Identifier: Apache-2.0
"""QoS of single topics by parameters, as `qos_overrides./topic.subscription.reliability`.

rclpy declares the policies of a topic once, with the values of its first subscription, and gives
them to all later ones. So only those are declared that were given: the others stay changeable, as
image_reliability needs it.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rclpy.qos import QoSPolicyKind
from rclpy.qos_overriding_options import QoSOverridingOptions

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.parameters.declarations import Parameter
from vera_ros.parameter_files import read_blocks
from vera_ros.ros_command_line import ros_arguments

SUBSCRIPTION, PUBLISHER = "subscription", "publisher"

_PREFIX = "qos_overrides."
_NAME = re.compile(r"qos_overrides\.(/[^.]+)\.((?:subscription|publisher)(?:_\w+)?)\.(\w+)")
_EXAMPLE = "qos_overrides./camera/image_raw.subscription.reliability"
_DEEPEST = 100
_POLICIES = ("history", "depth", "reliability")
_OTHERS = (  # of other packages' nodes, which may share a block with ours
    *("avoid_ros_namespace_conventions", "deadline", "durability", "lifespan", "liveliness"),
    "liveliness_lease_duration",
)


def override_parameters(node: Any) -> tuple[Parameter, ...]:
    """Return the QoS overrides that an rclpy node is given, of any topic, to check their values.

    Raises:
        ConfigurationError: a name is not that of an override.
    """
    return tuple(
        _parameter(name, policy) for name, _, _, policy in _given(node) if policy in _POLICIES
    )


def overrides(node: Any, topic: str, end: str) -> dict[str, Any]:
    """Return the QoS policies that parameters give to a topic, and their values.

    Args:
        node: the rclpy node.
        topic: the topic's name, before remapping.
        end: SUBSCRIPTION or PUBLISHER.

    Raises:
        ConfigurationError: a policy or its value is not valid here.
    """
    full_name, values = node.resolve_topic_name(topic), {}
    for name, of, kind, policy in _given(node):
        if (of, kind) == (full_name, end):
            if policy not in _POLICIES:
                raise ConfigurationError(
                    f"parameter '{name}' cannot be used: valid policies are {', '.join(_POLICIES)}"
                )
            values[policy] = _parameter(name, policy, end).read(
                node._parameter_overrides[name].value
            )
    return values


def overriding(node: Any, topic: str, end: str) -> QoSOverridingOptions:
    """Return the option of create_subscription or create_publisher; arguments as `overrides`."""
    return QoSOverridingOptions([QoSPolicyKind[p.upper()] for p in overrides(node, topic, end)])


def unread_overrides(node: Any, arguments: Sequence[str]) -> Iterator[str]:
    """Yield a warning for each override that no topic of a configured node has read.

    Those in blocks for several nodes, like `/**`, may be another node's.

    Args:
        node: the rclpy node.
        arguments: the command line.
    """
    files = [read_blocks(Path(path)) for path in ros_arguments(arguments, "--params-file")]
    shared = {
        name
        for file in files
        for block in file
        if block.pattern.endswith("*")
        for name in block.entries
    }
    for name, topic, end, _ in _given(node):
        if name not in shared and not node.has_parameter(name):
            ends = node.subscriptions if end.startswith(SUBSCRIPTION) else node.publishers
            near = difflib.get_close_matches(topic, {each.topic_name for each in ends}, 3, 0.5)
            yield (
                f"'{name}' changes nothing: {node.get_name()} has no {end} of '{topic}' whose QoS "
                f"parameters may change{'; nearest are ' * bool(near)}{', '.join(near)}; write the "
                "topic's full name, after remapping (docs/how_to/own_cameras.md)"
            )


def _given(node: Any) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, topic, end (with its id, if any) and policy of each override that is given."""
    for name in node._parameter_overrides:
        if name.startswith(_PREFIX):
            match = _NAME.fullmatch(name)
            if match is None:
                raise ConfigurationError(
                    f"parameter '{name}' is not valid; write it like {_EXAMPLE}, with the topic's "
                    "full name"
                )
            topic, end, policy = match.groups()
            valid = (*_POLICIES, *_OTHERS)
            if policy not in valid:
                near = difflib.get_close_matches(policy, valid, 1) or _POLICIES
                raise ConfigurationError(
                    f"parameter '{name}' is not valid: '{policy}' is no QoS policy; write "
                    f"{' or '.join(near)}"
                )
            yield name, topic, end, policy


def _parameter(name: str, policy: str, end: str = SUBSCRIPTION) -> Parameter:
    """Return a policy as a parameter; what publishes commands must neither lose one nor wait."""
    if policy == "depth":
        return Parameter(name, 10, "messages that are kept", minimum=1, maximum=_DEEPEST)
    if end == PUBLISHER:
        if policy == "history":
            why = "a full queue must not delay a stop"
            return Parameter(name, "keep_last", why, choices=("keep_last",))
        return Parameter(name, "reliable", "a stop must not be lost", choices=("reliable",))
    if policy == "history":
        why = "what is old must not delay what is new"
        return Parameter(name, "keep_last", why, choices=("keep_last",))
    return Parameter(name, "reliable", "delivery", choices=("reliable", "best_effort"))

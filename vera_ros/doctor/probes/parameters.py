# SPDX-License-Identifier: Apache-2.0
"""Reads parameter files as the nodes do: with their own code."""

import os
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any

from vera_ros.doctor.probes.wire import Tell, run

# Nodes of these names must not be discovered by a graph that is running.
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "OFF"
os.environ["ROS_SECURITY_ENABLE"] = "false"  # whoever runs this has not the keys of those nodes

import rclpy

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import VeraRosError
from vera_ros.nodes.common.node_process import initialise
from vera_ros.nodes.common.parameters.declarations import AUTOSTART, Parameter, declare_parameters
from vera_ros.nodes.common.parameters.given_parameters import check_given
from vera_ros.nodes.common.parameters.qos_overrides import override_parameters
from vera_ros.nodes.declared import PARAMETERS
from vera_ros.nodes.policy.server_side import session_options
from vera_ros.nodes.policy.views.view_topics import check_view_topics
from vera_ros.nodes.sim.parameters import check_lockstep
from vera_ros.parameter_files import name_sources


def _check_policy(values: dict[str, Any], given: Collection[str]) -> None:
    embodiment = find_embodiment(values["embodiment"]).with_views(values["control_view_keys"])
    check_view_topics(embodiment, values["view_topics"], given="view_topics" in given)
    session_options(values, embodiment)


# What nodes check beyond single values when they are configured.
_RULES: dict[str, Callable[[dict[str, Any], Collection[str]], object]] = {
    "policy_node": _check_policy,
    "sim_node": lambda values, _: check_lockstep(values),
}


def _read(
    name: str, parameters: Sequence[Parameter], arguments: Sequence[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the node's parameters, and a line for each block that is for other nodes."""
    node = rclpy.create_node(name, start_parameter_services=False, enable_rosout=False)
    try:
        foreign = check_given(node, (*parameters, *override_parameters(node)), arguments)
        given = [*node._parameter_overrides]
        values = declare_parameters(node, parameters)
        if name in _RULES:
            _RULES[name](values, given)
        return values, foreign
    finally:
        node.destroy_node()


def probe(asked: dict[str, Any], tell: Tell) -> Callable[[], None] | None:
    """Report each node's parameters and, as `foreign`, the blocks for other nodes; or `error`."""
    arguments = [sys.argv[0], "--ros-args", "-r", f"__ns:={asked['namespace']}"]
    for path in asked["files"]:
        arguments += ["--params-file", path]
    try:
        initialise(arguments, os.environ)
    except VeraRosError as error:
        tell("error", str(error))
        return None
    errors = []
    for name, parameters in PARAMETERS.items():
        try:
            values, foreign = _read(name, (*parameters, AUTOSTART), arguments)
        except VeraRosError as error:
            errors.append(name_sources(str(error), arguments))
        else:
            tell(name, {each.name: values[each.name] for each in parameters})
            tell("foreign", foreign)  # the same for each
    if errors:
        # Of a parameter of several nodes, which describe it each in its own words, one is enough.
        tell("error", "; ".join({error.partition(" (")[0]: error for error in errors}.values()))
    return lambda: rclpy.shutdown()


if __name__ == "__main__":
    run(probe)

# SPDX-License-Identifier: Apache-2.0
"""What each enclave of a graph may use, with all names as the graph has them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import rclpy

from vera_ros.bringup.enclaves import STATE_PUBLISHER, enclave_of
from vera_ros.bringup.graph import NodeSpec, command
from vera_ros.bringup.interfaces import Interfaces, interfaces
from vera_ros.nodes.common.node_process import initialise
from vera_ros.nodes.common.parameters.declarations import AUTOSTART, declare_parameters
from vera_ros.nodes.common.parameters.given_parameters import check_given
from vera_ros.nodes.declared import PARAMETERS
from vera_ros.security.roles import roles


@dataclass(frozen=True)
class Grant:
    """What the programs in an enclave may use.

    Attributes:
        enclave: its name, such as `/vera_ros/left/ik_node`.
        name: of the node.
        namespace: of the node; absolute.
        names: all absolute; `*` in those of roles stands for anything.
    """

    enclave: str
    name: str
    namespace: str
    names: Interfaces


def grants(specs: Iterable[NodeSpec], namespace: str) -> tuple[Grant, ...]:
    """Return what the nodes of a graph may use, and what its roles may.

    Creates an rclpy node of each name in turn, to have its names resolved: call this where no other
    node is in reach (ROS_AUTOMATIC_DISCOVERY_RANGE).

    Args:
        specs: the nodes of the graph.
        namespace: its namespace; empty: none.

    Raises:
        ConfigurationError: a node would refuse its parameters or its names.
    """
    prefix = f"/{namespace.strip('/')}".rstrip("/")
    nodes = {spec.name: names_in_graph(spec, namespace) for spec in specs}
    others = roles(reduce(or_, nodes.values()), prefix)
    if "sim_node" not in nodes:
        del others[STATE_PUBLISHER]  # the robot has its own
    names = nodes | others
    return tuple(
        Grant(enclave_of(namespace, name), name, prefix or "/", each)
        for name, each in names.items()
    )


def names_in_graph(spec: NodeSpec, namespace: str) -> Interfaces:
    """Return what a node uses, by its parameters, its namespace and its remappings.

    Raises:
        ConfigurationError: the node would refuse its parameters or its names.
    """
    with TemporaryDirectory(prefix="vera_ros-policy-") as folder:
        arguments = command(spec, namespace, Path(folder))[2:]  # from the module's name on
        initialise(arguments, os.environ)
        try:
            node = rclpy.create_node(spec.name, start_parameter_services=False, enable_rosout=False)
            try:
                return _resolve(node, _declared(node, spec, arguments))
            finally:
                node.destroy_node()
        finally:
            rclpy.shutdown()


def _declared(node: Any, spec: NodeSpec, arguments: list[str]) -> Interfaces:
    parameters = (*PARAMETERS[spec.executable], AUTOSTART)
    check_given(node, parameters, arguments)
    values = declare_parameters(node, parameters)
    return interfaces(
        spec.executable, {**values, "use_sim_time": node.get_parameter("use_sim_time").value}
    )


def _resolve(node: Any, names: Interfaces) -> Interfaces:
    """Return the names as rcl resolves them for this node."""

    def topics(names: Iterable[str]) -> frozenset[str]:
        return frozenset(node.resolve_topic_name(name) for name in names)

    def services(names: Iterable[str]) -> frozenset[str]:
        return frozenset(node.resolve_service_name(name) for name in names)

    return Interfaces(
        topics(names.publishes),
        topics(names.subscribes),
        services(names.serves),
        services(names.calls),
        # rcl does not remap the names of actions; GoalSender does so itself.
        frozenset(node.resolve_service_name(name, only_expand=True) for name in names.executes),
        services(names.requests),
        topics(names.operated),
    )

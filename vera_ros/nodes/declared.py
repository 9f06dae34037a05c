# SPDX-License-Identifier: Apache-2.0
"""Every node's parameters, by the node's name."""

from vera_ros.nodes import (
    ik_parameters,
    judge_parameters,
    policy_parameters,
    reference_parameters,
    server_parameters,
    sim_parameters,
)
from vera_ros.nodes.parameters import AUTOSTART

PARAMETERS = {
    "policy_node": policy_parameters.PARAMETERS,
    "ik_node": ik_parameters.PARAMETERS,
    "sim_node": sim_parameters.PARAMETERS,
    "judge_node": judge_parameters.PARAMETERS,
    "reference_server": reference_parameters.PARAMETERS,
    "server_node": server_parameters.PARAMETERS,
}

NAMES = {
    node: frozenset(parameter.name for parameter in (*parameters, AUTOSTART))
    for node, parameters in PARAMETERS.items()
}

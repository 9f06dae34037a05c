# SPDX-License-Identifier: Apache-2.0
"""Every node's parameters, by the node's name."""

from vera_ros.nodes.common.parameters.declarations import AUTOSTART
from vera_ros.nodes.ik.setup import parameters as ik_parameters
from vera_ros.nodes.judge import parameters as judge_parameters
from vera_ros.nodes.policy import parameters as policy_parameters
from vera_ros.nodes.server import parameters as server_parameters
from vera_ros.nodes.server import reference_parameters
from vera_ros.nodes.sim import parameters as sim_parameters

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

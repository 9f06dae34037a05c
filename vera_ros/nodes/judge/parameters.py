# SPDX-License-Identifier: Apache-2.0
"""The parameters of judge_node."""

from vera_ros.nodes.common.parameters.declarations import Parameter

PARAMETERS = (
    Parameter("hold_s", 0.3, "how long success must last", "s", 0.0, 60.0),
    Parameter("lockstep", False, "publish a verdict, true or false, when policy_node awaits it"),
)

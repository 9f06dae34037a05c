# SPDX-License-Identifier: Apache-2.0
"""The chosen parameter file: whether its nodes take it, and what is odd about it."""

from vera_ros.doctor.configuration import Configuration
from vera_ros.doctor.context import Context
from vera_ros.doctor.finding import Finding, failure, ok, warning
from vera_ros.errors import ConfigurationError

NAME = "parameter file"


def check(context: Context) -> list[Finding]:
    """Read the file, and say what it says."""
    try:
        return [judge(context.read_configuration())]
    except ConfigurationError as error:
        where = context.options.config or "the packaged parameter file"
        return [failure(NAME, str(error), f"correct {where}; config/real_panda.yaml is an example")]


def judge(configuration: Configuration) -> Finding:
    """What was read."""
    policy, ik = configuration.policy, configuration.ik
    if policy["arm_joints"] != ik["joint_names"]:
        return warning(
            NAME,
            f"{configuration.path}: policy_node reports the joints {policy['arm_joints']} to the "
            f"server, and ik_node moves {ik['joint_names']}",
            "make arm_joints and joint_names the same",
        )
    if configuration.foreign:
        return warning(
            NAME,
            "; ".join(configuration.foreign),
            "nothing, where they are meant for other nodes; else correct their keys",
        )
    tip = ik["tcp_frame"] or "the URDF's tip"
    return ok(NAME, f"{configuration.path} ({configuration.embodiment.name}, moves {tip})")

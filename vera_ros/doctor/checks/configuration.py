# SPDX-License-Identifier: Apache-2.0
"""Check of the selected parameter file: its nodes accept it, and its entries agree."""

from vera_ros.doctor.facts.configuration import Configuration
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.finding import Finding, failure, ok, warning
from vera_ros.errors import ConfigurationError

NAME = "parameter file"


def check(context: Context) -> list[Finding]:
    """Read and judge the parameter file."""
    try:
        return [judge(context.read_configuration())]
    except ConfigurationError as error:
        options = context.options
        given = [file for file in (options.config, options.params_file) if file]
        where = " or ".join(given) or "the packaged parameter file"
        return [failure(NAME, str(error), f"correct {where}; config/real_panda.yaml is an example")]


def judge(configuration: Configuration) -> Finding:
    """Check that both nodes name the same joints, and that no block is for other nodes."""
    policy, ik = configuration.policy, configuration.ik
    if policy["arm_joints"] != ik["joint_names"]:
        return warning(
            NAME,
            f"{configuration.files}: policy_node reports the joints {policy['arm_joints']} to the "
            f"server, and ik_node moves {ik['joint_names']}",
            "make arm_joints and joint_names the same",
        )
    if configuration.foreign:
        return warning(
            NAME,
            "; ".join(configuration.foreign),
            "correct the keys of these blocks; leave them if they are meant for other nodes",
        )
    tip = ik["tcp_frame"] or "the URDF's tip"
    return ok(NAME, f"{configuration.files} ({configuration.embodiment.name}, moves {tip})")

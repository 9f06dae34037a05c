# SPDX-License-Identifier: Apache-2.0
"""The parameters of policy_node that say when the gripper closes and opens."""

from dataclasses import fields
from typing import Any

from vera_ros.embodiments import GRIPPER_GATES, Embodiment
from vera_ros.nodes.common.parameters.declarations import Parameter
from vera_ros.policy.gripper_gate import GateRules, GripperGate

GRIPPER = (
    Parameter(
        "gripper_gate",
        "embodiment",
        "what closes and opens the gripper: a raw value above 0.5 (threshold); an outlier of the "
        "raw values, for policies that predict the gripper's change per action (adaptive); or what "
        "the embodiment's checkpoints need, which is adaptive for droid, else threshold",
        choices=("embodiment", *GRIPPER_GATES),
    ),
    Parameter(
        "gripper_close_z",
        2.0,
        "standard score of the raw value above which an adaptive gate closes",
        "",
        0.1,
        20.0,
    ),
    Parameter(
        "gripper_open_z",
        2.0,
        "standard score below minus which an adaptive gate opens",
        "",
        0.1,
        20.0,
    ),
    Parameter(
        "gripper_open_actions",
        1,
        "consecutive actions below minus gripper_open_z that open a closed gripper; more of them "
        "keep a flicker from dropping what is held",
        "",
        1,
        100,
    ),
    Parameter(
        "gripper_arrival_m",
        0.0,
        "an adaptive gate closes once actions descend by less than this, without the server's "
        "motion_plan_scale; 0: at once",
        "m",
        0.0,
        0.1,
    ),
    Parameter(
        "gripper_ascent_m",
        0.003,
        "an adaptive gate that waits to close (gripper_arrival_m) forgets it when an action rises "
        "by more than this",
        "m",
        0.0,
        0.1,
    ),
)


def make_gripper_gate(node: Any, embodiment: Embodiment) -> GripperGate | None:
    """Return the gripper's gate; None: a fixed threshold.

    Args:
        node: the rclpy node, with its `parameters`.
        embodiment: the robot kind that it drives.
    """
    p = node.parameters
    kind = p["gripper_gate"]
    if (embodiment.gripper_gate if kind == "embodiment" else kind) != "adaptive":
        return None

    def plan_scale() -> float:
        return float(node.get_parameter("motion_plan_scale").value) or embodiment.plan_scale

    return GripperGate(
        GateRules(**{each.name: p[each.name] for each in fields(GateRules)}), plan_scale
    )

# SPDX-License-Identifier: Apache-2.0
"""The parameters of ik_node on the gripper."""

from vera_ros.nodes.common.parameters.declarations import Parameter

OUTPUTS = ("topic", "action")

GRIPPER = (
    Parameter(
        "gripper_output",
        "topic",
        "how the gripper is commanded: finger trajectories on a topic or GripperCommand actions",
        choices=OUTPUTS,
    ),
    Parameter("gripper_joint", "panda_finger_joint1", "the finger that is commanded; empty: none"),
    Parameter("gripper_open_m", 0.04, "its position when open; in rad if it turns", "m", -3.2, 3.2),
    Parameter(
        "gripper_closed_m",
        0.0,
        "its position when the gripper is closed; in rad if it turns",
        "m",
        -3.2,
        3.2,
    ),
    Parameter("gripper_speed", 0.1, "its speed; in rad/s if it turns", "m/s", 0.001, 10.0),
    Parameter(
        "grasp_force_n", 20.0, "maximum grasp force, if gripper_output is action", "N", 0.0, 140.0
    ),
    Parameter(
        "gripper_debounce_steps",
        2,
        "number of actions that a change of the gripper's command must last to count; 1: always",
        "",
        1,
        100,
    ),
)

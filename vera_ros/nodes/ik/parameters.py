# SPDX-License-Identifier: Apache-2.0
"""The parameters of ik_node."""

from vera_ros.embodiments import EMBODIMENTS
from vera_ros.nodes.common.parameters import Parameter

OUTPUTS = ("topic", "action")

_EFFORT_LIMITS = [60.0, 60.0, 60.0, 60.0, 15.0, 15.0, 15.0]
_START_POSTURE = [0.0, 0.19634954, 0.0, -2.61799388, 0.0, 2.94159265, 0.78539816]

PARAMETERS = (
    Parameter(
        "embodiment",
        "mimicgen",
        "whose chunks are accepted",
        choices=tuple(name for name, kind in EMBODIMENTS.items() if kind.drivable),
    ),
    Parameter(
        "robot_description", "", "the URDF; empty: taken from the latched topic robot_description"
    ),
    Parameter(
        "joint_names", [f"panda_joint{i}" for i in range(1, 8)], "the arm's joints, base to tip"
    ),
    Parameter(
        "tcp_frame",
        "",
        "the end-effector frame, between the finger tips (droid: the flange); empty: the one tip "
        "of the model",
    ),
    Parameter(
        "response_model",
        "",
        "how the policy's own environment answers its actions, a file in config/ or a path; empty: "
        "the embodiment's",
    ),
    Parameter(
        "limits",
        "panda_limits.yaml",
        "of which arm, and its velocity, acceleration and jerk, of joints and TCP: a file in "
        "config/ or a path; joint ranges and velocities are also the URDF's, which must be of that "
        "arm",
    ),
    Parameter("position_margin", 0.02, "kept from each joint's limits", "rad", 0.0, 0.5),
    Parameter(
        "speed_scale",
        1.0,
        "chunks and move_to_start are played at this share of their speed",
        "",
        0.01,
        1.0,
    ),
    Parameter("tcp_speed_limit", 1.7, "translation of the TCP", "m/s", 0.01, 3.0),
    Parameter("tcp_turn_limit", 2.5, "rotation of the TCP", "rad/s", 0.01, 10.0),
    Parameter(
        "workspace_lower",
        [0.2, -0.5, -0.13],
        "corner of the box of TCP and fingers (closed and open), base frame",
        "m",
        -5,
        5,
        (),
        3,
    ),
    Parameter(
        "workspace_upper", [0.85, 0.5, 0.8], "opposite corner of that box", "m", -5, 5, (), 3
    ),
    Parameter(
        "singularity_slow",
        70.0,
        "condition number of the Jacobian from which on a motion further in is slowed",
        "",
        1.0,
        1e6,
    ),
    Parameter(
        "singularity_stop",
        140.0,
        "condition number that no motion goes beyond; the way out is always free",
        "",
        1.0,
        1e6,
    ),
    Parameter(
        "collision_check", True, "refuse motion that brings the arm too near to itself or the table"
    ),
    Parameter(
        "collision_description",
        "",
        "another URDF of the arm, a file in description/urdf/ or a path, whose collision geometry "
        "counts; empty: that of robot_description",
    ),
    Parameter("self_distance_m", 0.01, "links come no closer to each other", "m", 0.0, 0.1),
    Parameter(
        "table_check",
        False,
        "there is a table that arm and fingers keep away from; needs collision_check. Off by "
        "default, since only you know its height: the workspace box alone keeps the fingers off it "
        "then",
    ),
    Parameter("table_z_m", 0.0, "height of the table in the base frame", "m", -2.0, 2.0),
    Parameter("table_distance_m", 0.002, "what moves comes no closer to it", "m", 0.0, 0.2),
    Parameter("longest_trajectory_s", 30.0, "no trajectory is longer", "s", 1.0, 120.0),
    Parameter(
        "start_tolerance",
        0.05,
        "of a trajectory's start to the measured positions",
        "rad",
        0.001,
        0.5,
    ),
    Parameter(
        "tracking_tolerance",
        0.1,
        "a joint further than this from its plan stops the arm",
        "rad",
        0.01,
        2.0,
    ),
    Parameter(
        "tracking_delay_s", 0.15, "how late the controller may play a trajectory", "s", 0.0, 1.0
    ),
    Parameter(
        "effort_limits",
        _EFFORT_LIMITS,
        "a joint that pushes harder has touched something, and the arm stops",
        "Nm",
        0.1,
        1000.0,
    ),
    Parameter(
        "effort_model",
        "rigid_body",
        "what of the measured efforts is no contact: gravity and Coriolis forces by the URDF's "
        "inertias (rigid_body), or nothing (none)",
        choices=("rigid_body", "none"),
    ),
    Parameter("effort_time_s", 0.1, "how long an effort must be above its limit", "s", 0.0, 2.0),
    Parameter(
        "robot_state_topic",
        "",
        "where the robot tells its mode (robot_mode, as in franka_msgs/FrankaRobotState), without "
        "which nothing moves then; empty: nowhere",
    ),
    Parameter("rest_speed", 0.05, "a joint slower than this is at rest", "rad/s", 0.001, 0.5),
    Parameter("rest_timeout_s", 1.0, "for the arm to rest after a plan's end", "s", 0.05, 10.0),
    Parameter(
        "joint_state_timeout_s", 0.5, "older joint states are no ground to move on", "s", 0.02, 5.0
    ),
    Parameter(
        "arm_output",
        "topic",
        "how trajectories reach the arm's controller: on a topic or by its action",
        choices=OUTPUTS,
    ),
    Parameter(
        "gripper_output",
        "topic",
        "how the gripper is commanded: finger trajectories on a topic or GripperCommand actions",
        choices=OUTPUTS,
    ),
    Parameter("gripper_joint", "panda_finger_joint1", "the finger that is commanded; empty: none"),
    Parameter("gripper_open_m", 0.04, "finger position when open", "m", 0.0, 0.2),
    Parameter(
        "gripper_closed_m",
        0.0,
        "finger position when closed: half the grasp width",
        "m",
        0.0,
        0.2,
    ),
    Parameter("gripper_speed", 0.1, "of one finger", "m/s", 0.001, 0.5),
    Parameter(
        "grasp_force_n", 20.0, "at most, of a grasp, where the output is an action", "N", 0.0, 140.0
    ),
    Parameter(
        "gripper_debounce_steps",
        2,
        "a change of the gripper's command counts if it lasts for so many actions; 1: always",
        "",
        1,
        100,
    ),
    Parameter(
        "start_posture",
        _START_POSTURE,
        "where move_to_start goes, one value per joint",
        "rad",
        -7,
        7,
    ),
    Parameter(
        "start_speed",
        0.15,
        "share of the rate limits that move_to_start uses, times speed_scale",
        "",
        0.01,
        0.5,
    ),
    Parameter(
        "start_lead_s",
        0.025,
        "time until a motion from rest begins, for it to arrive",
        "s",
        0.0,
        0.5,
    ),
    Parameter(
        "hand_over_lead_s",
        0.05,
        "time until a chunk takes over from the one that plays, where it names none",
        "s",
        0.0,
        1.0,
    ),
    Parameter(
        "trajectory_stamp",
        "start",
        "of what is sent: start, the time that it counts from by the controller's clock; zero, "
        "which a controller takes for the time of arrival, is refused: each stop would jump",
        choices=("start", "zero"),
    ),
    Parameter(
        "stop_lead_s",
        0.0125,
        "time until what is sent may leave the running plan, for it to arrive; it grows with the "
        "lateness that is measured, up to 0.15 s",
        "s",
        0.0125,
        0.15,
    ),
    Parameter(
        "clock_difference_s",
        0.1,
        "by which the controller's clock may differ from this machine's, delay of its joint states "
        "included; beyond it, or where it cannot be told so exactly, motion is refused",
        "s",
        0.03,
        1.0,
    ),
    Parameter(
        "approval",
        False,
        "a chunk is shown on planned_path, and played once someone calls approve",
        live=True,
    ),
    Parameter("dry_run", False, "plan and show everything, and send nothing"),
    Parameter(
        "hold_file",
        "",
        "there while the arm is held, so that a hold outlasts the process; empty: vera_ros/hold/"
        "<full name of the node, with dots> in ROS_HOME, else in ~/.ros",
    ),
    Parameter(
        "frozen_time_s",
        0.3,
        "joint states that stay the same for so long while the plan moves stop the arm",
        "s",
        0.05,
        5.0,
    ),
    Parameter(
        "frozen_angle", 0.01, "how far the plan must have moved a joint for that", "rad", 1e-4, 1.0
    ),
    Parameter(
        "planning_timeout_s", 1.0, "a chunk that takes longer to plan is refused", "s", 0.01, 30.0
    ),
    Parameter(
        "chunk_max_age_s",
        900.0,
        "of what a chunk was planned from; an older chunk is refused",
        "s",
        0.1,
        7200.0,
    ),
    Parameter(
        "chunk_max_delay_s",
        0.5,
        "between a chunk's being sent and being planned; one that comes later is refused, and the "
        "clocks of the two machines must agree",
        "s",
        0.02,
        60.0,
    ),
    Parameter(
        "clock_jump_s", 0.05, "a ROS clock that goes back by more stops the arm", "s", 0.001, 5.0
    ),
    Parameter("arm_status_rate_hz", 5.0, "how often arm_status is repeated", "Hz", 1.0, 50.0),
    Parameter(
        "monitor_rate_hz",
        50.0,
        "how often playback is checked and tcp_pose published",
        "Hz",
        10.0,
        200.0,
    ),
)

# SPDX-License-Identifier: Apache-2.0
"""The parameters of ik_node."""

from vera_ros.nodes.common.parameters.declarations import Parameter
from vera_ros.nodes.ik.setup.action_parameters import ACTIONS
from vera_ros.nodes.ik.setup.description import check_sha256
from vera_ros.nodes.ik.setup.gripper_parameters import GRIPPER, OUTPUTS
from vera_ros.ros_rules import check_full_name, check_optional_topic

_EFFORT_LIMITS = [60.0, 60.0, 60.0, 60.0, 15.0, 15.0, 15.0]
_START_POSTURE = [0.0, 0.19634954, 0.0, -2.61799388, 0.0, 2.94159265, 0.78539816]

PARAMETERS = (
    *ACTIONS,
    Parameter(
        "robot_description",
        "",
        "the URDF; empty: taken from the latched topic robot_description when the node is "
        "configured; another one is then refused",
    ),
    Parameter(
        "robot_description_sha256",
        "",
        "SHA-256 of the only URDF that is used, as the node logs that of its topic; empty: any",
        form=check_sha256,
    ),
    Parameter(
        "allowed_publishers",
        [""],
        "nodes that may command the controllers or report on the robot (robot_description, "
        "robot_fault, robot_state_topic) as well, by full name such as MoveIt's "
        "/moveit_simple_controller_manager; others stop all motion",
        form=check_full_name,
    ),
    Parameter(
        "joint_names",
        [f"panda_joint{i}" for i in range(1, 8)],
        "the arm's joints, base to tip; of a hand, all joints in the order of the actions",
    ),
    Parameter(
        "tcp_frame",
        "",
        "the end-effector frame, between the finger tips (droid: the flange); empty: the one tip "
        "of the model, or every tip of a hand",
    ),
    Parameter(
        "limits",
        "panda_limits.yaml",
        "which arm it is, and the velocity, acceleration and jerk limits of its joints and TCP: a "
        "file in config/ or a path; the URDF must be of that arm, and its joint ranges and "
        "velocities hold as well (continuous joints have the file's ranges)",
    ),
    Parameter(
        "position_margin",
        0.02,
        "margin to each joint's limits; in m for a joint that slides, as all angles here",
        "rad",
        0.0,
        0.5,
    ),
    Parameter(
        "speed_scale",
        1.0,
        "chunks and move_to_start are played at this share of their speed",
        "",
        0.01,
        1.0,
    ),
    Parameter("tcp_speed_limit", 1.7, "maximum speed of the TCP", "m/s", 0.01, 3.0),
    Parameter("tcp_turn_limit", 2.5, "maximum turn rate of the TCP", "rad/s", 0.01, 30.0),
    Parameter(
        "workspace_lower",
        [0.2, -0.5, -0.13],
        "corner of the box that TCP and fingers (closed and open) stay in, base frame",
        "m",
        -5,
        5,
        (),
        3,
    ),
    Parameter("workspace_upper", [0.85, 0.5, 0.8], "opposite corner of the box", "m", -5, 5, (), 3),
    Parameter(
        "singularity_slow",
        70.0,
        "condition number of the Jacobian above which motion towards the singularity is slowed",
        "",
        1.0,
        1e6,
    ),
    Parameter(
        "singularity_stop",
        140.0,
        "condition number that no motion exceeds; motion away from the singularity is always free",
        "",
        1.0,
        1e6,
    ),
    Parameter(
        "collision_check", True, "refuse motion that brings the arm too close to itself or a table"
    ),
    Parameter(
        "collision_description",
        "",
        "another URDF of the arm, a file in description/urdf/ or a path, for its collision "
        "geometry, and its inertias where robot_description has none; empty: robot_description",
    ),
    Parameter("self_distance_m", 0.01, "minimum distance between links", "m", 0.0, 0.1),
    Parameter(
        "table_check",
        False,
        "keep arm and fingers away from a table; needs collision_check. Off by default, since only "
        "you know its height: then the workspace box alone keeps the fingers off it",
    ),
    Parameter("table_z_m", 0.0, "height of the table in the base frame", "m", -2.0, 2.0),
    Parameter("table_distance_m", 0.002, "minimum distance to the table", "m", 0.0, 0.2),
    Parameter("longest_trajectory_s", 30.0, "maximum duration of a trajectory", "s", 1.0, 120.0),
    Parameter(
        "start_tolerance",
        0.05,
        "maximum distance of a trajectory's start from the measured positions",
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
        "tracking_delay_s", 0.15, "maximum delay of the controller's playback", "s", 0.0, 1.0
    ),
    Parameter(
        "effort_limits",
        _EFFORT_LIMITS,
        "a joint whose effort differs by more from what its motion explains has touched something, "
        "and the arm stops",
        "Nm",
        0.1,
        1000.0,
    ),
    Parameter(
        "effort_model",
        "rigid_body",
        "what of the measured efforts is not contact: gravity and Coriolis forces by the URDF's "
        "inertias (rigid_body), or nothing (none)",
        choices=("rigid_body", "none"),
    ),
    Parameter("effort_time_s", 0.1, "how long an effort must be above its limit", "s", 0.0, 2.0),
    Parameter(
        "robot_state_topic",
        "",
        "topic of the robot's mode (robot_mode, as in franka_msgs/FrankaRobotState), without which "
        "nothing moves; empty: none",
        form=check_optional_topic,
    ),
    Parameter("rest_speed", 0.05, "a joint slower than this is at rest", "rad/s", 0.001, 0.5),
    Parameter("rest_timeout_s", 1.0, "time for the arm to rest after a plan", "s", 0.05, 10.0),
    Parameter(
        "joint_state_timeout_s", 0.5, "maximum age of joint states for motion", "s", 0.02, 5.0
    ),
    Parameter(
        "arm_output",
        "topic",
        "how trajectories reach the arm's controller: on a topic or by its action",
        choices=OUTPUTS,
    ),
    *GRIPPER,
    Parameter(
        "start_posture",
        _START_POSTURE,
        "target of move_to_start, one value per joint",
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
        "time between sending a motion from rest and its start",
        "s",
        0.0,
        0.5,
    ),
    Parameter(
        "hand_over_lead_s",
        0.05,
        "time until a chunk takes over from the one that plays, if it names none",
        "s",
        0.0,
        1.0,
    ),
    Parameter(
        "trajectory_stamp",
        "start",
        "stamp of trajectories: start, the time of their start on the controller's clock; zero, "
        "which a controller takes as the time of arrival, is refused: each stop would jump",
        choices=("start", "zero"),
    ),
    Parameter(
        "stop_lead_s",
        0.0125,
        "time between sending a trajectory and its departure from the running plan; grows with the "
        "measured lateness, up to 0.15 s",
        "s",
        0.0125,
        0.15,
    ),
    Parameter(
        "clock_difference_s",
        0.1,
        "maximum difference of the controller's clock from this machine's, delay of its joint "
        "states included; motion is refused beyond it, or if it is not known so exactly",
        "s",
        0.03,
        1.0,
    ),
    Parameter(
        "approval",
        False,
        "show a chunk on planned_path, and play it once approve is called",
        live=True,
        live_value=True,
    ),
    Parameter("dry_run", False, "plan and show everything, and send nothing"),
    Parameter(
        "hold_file",
        "",
        "a file while the arm is held, so that a hold survives restarts; empty: vera_ros/hold/"
        "<full name of the node, with dots> in ROS_HOME, else in ~/.ros",
    ),
    Parameter(
        "frozen_time_s",
        0.3,
        "time of unchanged joint states, while the plan moves, that stops the arm",
        "s",
        0.05,
        5.0,
    ),
    Parameter(
        "frozen_angle", 0.01, "planned motion of a joint needed for that stop", "rad", 1e-4, 1.0
    ),
    Parameter(
        "planning_timeout_s", 1.0, "a chunk that takes longer to plan is refused", "s", 0.01, 30.0
    ),
    Parameter(
        "chunk_max_age_s",
        900.0,
        "maximum age of the frame that a chunk was planned from; an older chunk is refused",
        "s",
        0.1,
        7200.0,
    ),
    Parameter(
        "chunk_max_delay_s",
        0.5,
        "maximum time from a chunk's sending to its planning; a later one is refused, and the "
        "clocks of the two machines must agree",
        "s",
        0.02,
        60.0,
    ),
    Parameter(
        "clock_jump_s", 0.05, "backward jump of ROS time that stops the arm", "s", 0.001, 5.0
    ),
    Parameter("arm_status_rate_hz", 5.0, "rate at which arm_status is repeated", "Hz", 1.0, 50.0),
    Parameter(
        "monitor_rate_hz",
        50.0,
        "rate at which playback is checked and tcp_pose published",
        "Hz",
        10.0,
        200.0,
    ),
)

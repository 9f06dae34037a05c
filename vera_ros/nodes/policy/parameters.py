# SPDX-License-Identifier: Apache-2.0
"""The parameters of policy_node."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from vera_ros.embodiments import EMBODIMENTS
from vera_ros.nodes.common.parameters.declarations import Parameter
from vera_ros.nodes.policy.gripper_parameters import GRIPPER
from vera_ros.policy.goal import EpisodeTimeouts
from vera_ros.policy.pacing.overlap import OverlapRules
from vera_ros.ros_rules import check_topic
from vera_ros.wire.connection.access import ACCESS_FILES
from vera_ros.wire.connection.address import EXAMPLE, WEB, split_url

# Settings of the server, by their names in its protocol; a default leaves the server's own.
TUNABLE = (
    Parameter(
        "motion_plan_scale",
        0.0,
        "the server's factor on planned motion; 0: the server's own",
        minimum=0.0,
        maximum=30.0,
        live=True,
    ),
    Parameter(
        "n_action_steps",
        0,
        "actions per chunk; 0: the server's own",
        minimum=0,
        maximum=256,
        live=True,
    ),
    Parameter(
        "sample_steps",
        0,
        "denoising steps of the planner; 0: the server's own",
        minimum=0,
        maximum=1000,
        live=True,
    ),
    Parameter(
        "lang_guidance",
        -1.0,
        "guidance weight of the prompt; -1: the server's own",
        minimum=-1.0,
        maximum=100.0,
        live=True,
    ),
    Parameter(
        "hist_guidance",
        -1.0,
        "guidance weight of the previous frames; -1: the server's own",
        minimum=-1.0,
        maximum=100.0,
        live=True,
    ),
    Parameter(
        "control_view_keys",
        [""],
        "views that the server computes actions from, by their names; empty: its own choice",
        live=True,
    ),
)

PARAMETERS = (
    Parameter(
        "embodiment",
        "mimicgen",
        "the embodiment that the server must serve",
        choices=tuple(name for name, kind in EMBODIMENTS.items() if kind.drivable),
    ),
    Parameter("server_url", EXAMPLE, "address of the policy server", form=split_url),
    *(Parameter(name, "", meaning) for name, meaning in ACCESS_FILES.items()),
    Parameter(
        "view_topics",
        ["agentview/image_raw", "robot0_eye_in_hand/image_raw"],
        "image topics of the embodiment's views, in their order",
        form=check_topic,
    ),
    Parameter(
        "image_transport",
        "raw",
        "raw: the topics themselves; compressed: each topic's /compressed",
        choices=("raw", "compressed"),
    ),
    Parameter(
        "image_reliability",
        "auto",
        "QoS reliability of the views; auto: reliable if every publisher of the topic offers it",
        choices=("auto", "best_effort", "reliable"),
    ),
    Parameter(
        "bad_picture_share",
        0.5,
        "share of a view's last 20 pictures that may be bad; above it, the episode ends",
        "",
        0.0,
        1.0,
    ),
    Parameter("crop", False, "crop wide views to the policy's aspect ratio instead of squashing"),
    Parameter("frame_buffer_size", 30, "pictures kept per view, more in lockstep", "", 2, 300),
    Parameter("view_max_age_s", 0.25, "maximum age of a view in a frame", "s", 0.01, 5.0),
    Parameter("view_max_skew_s", 0.06, "maximum skew between views of a frame", "s", 0.0, 2.0),
    Parameter("view_max_delay_s", 0.1, "maximum delay of a picture's arrival", "s", 0.0, 2.0),
    Parameter("view_timeout_s", 3.0, "time without a frame that ends the episode", "s", 0.1, 60.0),
    Parameter(
        "view_stall_s",
        1.0,
        "age of a view that stops the arm while a chunk plays",
        "s",
        0.1,
        60.0,
    ),
    Parameter(
        "warmup_frames", 1, "frames of the resting arm before the first inference", "", 1, 64
    ),
    Parameter("default_time_limit_s", 120.0, "time limit of goals without one", "s", 1.0, 7200.0),
    Parameter(
        "connect_timeout_s",
        30.0,
        "time-out of all attempts to connect to a server, which may still start or be busy",
        "s",
        0.1,
        600.0,
    ),
    Parameter(
        "handshake_timeout_s",
        10.0,
        "time-out of one attempt to connect, and of the reset after it",
        "s",
        0.1,
        600.0,
    ),
    Parameter(
        "on_connection_lost",
        "abort",
        "end the episode, or restart it on the server: new session, empty window, the same goal",
        choices=("abort", "restart"),
    ),
    Parameter(
        "max_restarts",
        3,
        "consecutive restarts without a chunk in between, after which the episode ends anyway",
        "",
        0,
        1000,
    ),
    Parameter("infer_timeout_s", 600.0, "time-out of an inference", "s", 0.1, 3600.0),
    Parameter(
        "server_slow_s", 60.0, "duration of an inference that raises a warning", "s", 0.01, 3600.0
    ),
    Parameter("ping_interval_s", 60.0, "time between keepalive pings", "s", 1.0, 600.0),
    Parameter(
        "ping_timeout_s",
        600.0,
        "time-out of a ping, which a busy server does not answer: at least infer_timeout_s",
        "s",
        1.0,
        3600.0,
    ),
    Parameter(
        "adaptive_gains",
        "server",
        "on, off: have the server adapt its gains to what the arm's limits left of its actions, "
        "for all of its clients; server: leave that as it is",
        choices=("server", "on", "off"),
    ),
    Parameter("observe", True, "show the server what was played, for its live viewer"),
    Parameter(
        "viewer_url",
        "",
        "the live viewer's address; empty: from the server's command line",
        form=lambda what, url: url and split_url(what, url, WEB),
    ),
    Parameter("accept_timeout_s", 2.0, "time-out of the arm's answer to a chunk", "s", 0.1, 60.0),
    Parameter(
        "arm_timeout_s",
        2.0,
        "silence of arm_status after which the arm side counts as gone, and the episode ends",
        "s",
        0.5,
        60.0,
    ),
    Parameter(
        "arm_start_timeout_s",
        60.0,
        "time for an ik_node that has not been active yet: its first start may compile",
        "s",
        0.1,
        600.0,
    ),
    Parameter(
        "async_ask_at_steps",
        3,
        "in asynchronous mode, actions left to play when the next chunk is requested; more if the "
        "server's latency requires it",
        "",
        1,
        100,
    ),
    Parameter(
        "async_lead_s",
        0.1,
        "in asynchronous mode, time from the server's answer to the first motion that it changes",
        "s",
        0.02,
        1.0,
    ),
    Parameter(
        "async_old_share",
        0.3,
        "in asynchronous mode, weight of the earlier chunk in actions that two chunks command",
        "",
        0.0,
        1.0,
    ),
    Parameter(
        "async_most_steps",
        40,
        "in asynchronous mode, actions in the longest chunk that is requested when inference takes "
        "longer than a chunk lasts",
        "",
        1,
        400,
    ),
    *GRIPPER,
    Parameter("settle_timeout_s", 5.0, "time for the arm to rest after a plan", "s", 0.1, 60.0),
    Parameter(
        "clock_jump_s", 0.05, "backward jump of ROS time that ends the episode", "s", 0.001, 5.0
    ),
    Parameter(
        "lockstep",
        False,
        "let simulated time pass while a chunk plays, but not during inference; needs sim_node "
        "with lockstep",
    ),
    Parameter(
        "await_verdict",
        False,
        "in lockstep, wait after each chunk for a verdict on task_success, true or false, at most "
        "settle_timeout_s",
    ),
    Parameter("advance_timeout_s", 30.0, "time-out of advance_time, in lockstep", "s", 0.1, 600.0),
    Parameter("body_max_age_s", 0.3, "maximum age of joint states and TCP pose", "s", 0.02, 5.0),
    Parameter("arm_joints", [f"panda_joint{i}" for i in range(1, 8)], "joints sent as q_robot"),
    Parameter(
        "finger_joints",
        ["panda_finger_joint1", "panda_finger_joint2"],
        "joints sent as gripper_qpos: two fingers, the second's sign inverted, one joint for both, "
        "or none",
        optional=True,
    ),
    Parameter(
        "gripper_open_m",
        0.04,
        "position of finger_joints when open, which is sent as 0.04 m; in rad if they turn",
        "m",
        -3.2,
        3.2,
    ),
    Parameter(
        "gripper_closed_m",
        0.0,
        "position of finger_joints when closed, which is sent as 0 m; in rad if they turn",
        "m",
        -3.2,
        3.2,
    ),
    Parameter("tick_rate_hz", 50.0, "rate of an episode's time checks", "Hz", 20.0, 500.0),
    Parameter("status_rate_hz", 10.0, "rate of policy_status in an episode", "Hz", 1.0, 50.0),
    *TUNABLE,
)


def episode_timeouts(parameters: Mapping[str, Any]) -> EpisodeTimeouts:
    """Return an episode's time-outs, and whether it restarts when the server is lost."""
    values = {
        each.name: parameters[each.name]
        for each in fields(EpisodeTimeouts)
        if each.name != "restart"
    }
    for name in ("connect_timeout_s", "infer_timeout_s"):
        values[name] += 1.0  # the client's own time-outs come first
    return EpisodeTimeouts(**values, restart=parameters["on_connection_lost"] == "restart")


def overlap_rules(parameters: Mapping[str, Any]) -> OverlapRules:
    """Return how chunks overlap in asynchronous mode."""
    return OverlapRules(
        ask_at_steps=parameters["async_ask_at_steps"],
        lead_s=parameters["async_lead_s"],
        old_share=parameters["async_old_share"],
        most_steps=parameters["async_most_steps"],
    )

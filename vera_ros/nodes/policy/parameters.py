# SPDX-License-Identifier: Apache-2.0
"""The parameters of policy_node."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from vera_ros.embodiments import EMBODIMENTS
from vera_ros.nodes.common.parameters import Parameter
from vera_ros.policy.goal import EpisodeTimeouts
from vera_ros.policy.pacing.overlap import OverlapRules

# Settings of the server, under the names of the wire; the default leaves it what it has.
TUNABLE = (
    Parameter(
        "motion_plan_scale",
        0.0,
        "the server's factor on planned motion; 0: as the server has it",
        minimum=0.0,
        maximum=10.0,
        live=True,
    ),
    Parameter(
        "n_action_steps",
        0,
        "actions per chunk; 0: as the server has it",
        minimum=0,
        maximum=256,
        live=True,
    ),
    Parameter(
        "sample_steps",
        0,
        "denoising steps of the planner; 0: as the server has it",
        minimum=0,
        maximum=1000,
        live=True,
    ),
    Parameter(
        "lang_guidance",
        -1.0,
        "how much the planner heeds the prompt; -1: as the server has it",
        minimum=-1.0,
        maximum=100.0,
        live=True,
    ),
    Parameter(
        "hist_guidance",
        -1.0,
        "how much the planner heeds the frames before; -1: as the server has it",
        minimum=-1.0,
        maximum=100.0,
        live=True,
    ),
)

PARAMETERS = (
    Parameter(
        "embodiment",
        "mimicgen",
        "the robot kind that the server must serve",
        choices=tuple(name for name, kind in EMBODIMENTS.items() if kind.drivable),
    ),
    Parameter("server_url", "ws://127.0.0.1:8800", "where the policy server listens"),
    Parameter(
        "view_topics",
        ["agentview/image_raw", "robot0_eye_in_hand/image_raw"],
        "image topics of the embodiment's views, in their order",
    ),
    Parameter(
        "image_transport",
        "raw",
        "compressed subscribes to each topic's /compressed",
        choices=("raw", "compressed"),
    ),
    Parameter(
        "image_reliability",
        "best_effort",
        "QoS reliability of the views",
        choices=("best_effort", "reliable"),
    ),
    Parameter("crop", False, "crop wide views to the policy's aspect ratio instead of squashing"),
    Parameter("frame_buffer_size", 30, "pictures kept per view, more in lockstep", "", 2, 300),
    Parameter("view_max_age_s", 0.25, "of a view, when a frame is put together", "s", 0.01, 5.0),
    Parameter("view_max_skew_s", 0.06, "between the views of a frame", "s", 0.0, 2.0),
    Parameter("view_max_delay_s", 0.1, "from a picture's stamp to its arrival", "s", 0.0, 2.0),
    Parameter("view_timeout_s", 3.0, "without a fresh frame, the episode ends", "s", 0.1, 60.0),
    Parameter(
        "view_stall_s",
        1.0,
        "a view older than this while a chunk plays stops the arm",
        "s",
        0.1,
        60.0,
    ),
    Parameter(
        "warmup_frames", 1, "frames of the standing arm before the first inference", "", 1, 64
    ),
    Parameter("default_time_limit_s", 120.0, "of a goal that names none", "s", 1.0, 7200.0),
    Parameter(
        "connect_timeout_s",
        30.0,
        "for a server that is not there yet or is busy, all attempts together",
        "s",
        0.1,
        600.0,
    ),
    Parameter(
        "handshake_timeout_s",
        10.0,
        "for one attempt to connect, and for the reset after it",
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
        "restarts in a row without a chunk in between, after which the episode ends all the same",
        "",
        0,
        1000,
    ),
    Parameter("infer_timeout_s", 600.0, "for an inference", "s", 0.1, 3600.0),
    Parameter(
        "server_slow_s", 60.0, "an inference that takes longer is a warning", "s", 0.01, 3600.0
    ),
    Parameter("ping_interval_s", 60.0, "between keepalive pings", "s", 1.0, 600.0),
    Parameter(
        "ping_timeout_s",
        600.0,
        "for the answer to a ping, which a busy server does not give: at least infer_timeout_s",
        "s",
        1.0,
        3600.0,
    ),
    Parameter("observe", True, "show the server what was played, for its live viewer"),
    Parameter("viewer_url", "", "of the server's live viewer; empty: as the server was started"),
    Parameter("accept_timeout_s", 2.0, "for the arm side's answer to a chunk", "s", 0.1, 60.0),
    Parameter(
        "arm_timeout_s",
        2.0,
        "an arm side that says nothing on arm_status for longer is gone, and the episode ends",
        "s",
        0.5,
        60.0,
    ),
    Parameter(
        "async_ask_at_steps",
        3,
        "in asynchronous mode the next chunk is asked for when so few actions are left to play, or "
        "sooner, as the server's latency demands",
        "",
        1,
        100,
    ),
    Parameter(
        "async_lead_s",
        0.1,
        "in asynchronous mode, from the server's answer to the first motion that it can change",
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
        "in asynchronous mode, the longest chunk asked for when the server takes longer than its "
        "own chunks last",
        "",
        1,
        400,
    ),
    Parameter("settle_timeout_s", 5.0, "for the arm to rest after its plan's end", "s", 0.1, 60.0),
    Parameter(
        "clock_jump_s", 0.05, "a ROS clock that goes back by more ends the episode", "s", 0.001, 5.0
    ),
    Parameter(
        "lockstep",
        False,
        "let simulated time pass while a chunk plays, and not while the server thinks; needs "
        "sim_node with lockstep",
    ),
    Parameter(
        "await_verdict",
        False,
        "in lockstep, wait after each chunk, at most settle_timeout_s, until task_success says "
        "true or false",
    ),
    Parameter("advance_timeout_s", 30.0, "for time to pass, in lockstep", "s", 0.1, 600.0),
    Parameter("body_max_age_s", 0.3, "of joint states and TCP pose", "s", 0.02, 5.0),
    Parameter(
        "arm_joints", [f"panda_joint{i}" for i in range(1, 8)], "reported to the server as q_robot"
    ),
    Parameter(
        "finger_joints",
        ["panda_finger_joint1", "panda_finger_joint2"],
        "reported as gripper_qpos, the second with its sign turned",
        length=2,
    ),
    Parameter("tick_rate_hz", 50.0, "how often an episode looks at the time", "Hz", 20.0, 500.0),
    Parameter("status_rate_hz", 10.0, "of policy_status while an episode runs", "Hz", 1.0, 50.0),
    *TUNABLE,
)


def episode_timeouts(parameters: Mapping[str, Any]) -> EpisodeTimeouts:
    """How long an episode waits for what, and what it does when its server is lost."""
    values = {
        each.name: parameters[each.name]
        for each in fields(EpisodeTimeouts)
        if each.name != "restart"
    }
    for name in ("connect_timeout_s", "infer_timeout_s"):
        values[name] += 1.0  # the client's own time-outs come first
    return EpisodeTimeouts(**values, restart=parameters["on_connection_lost"] == "restart")


def overlap_rules(parameters: Mapping[str, Any]) -> OverlapRules:
    """How chunks follow on each other in asynchronous mode."""
    return OverlapRules(
        ask_at_steps=parameters["async_ask_at_steps"],
        lead_s=parameters["async_lead_s"],
        old_share=parameters["async_old_share"],
        most_steps=parameters["async_most_steps"],
    )

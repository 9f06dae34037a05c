# SPDX-License-Identifier: Apache-2.0
"""Nodes as processes: how they end, and what they say when they cannot start."""

import os
import signal
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from std_msgs.msg import String

from vera_ros.nodes.common.conversions import LATCHED
from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus

from .stage import PATIENT_IK, PATIENT_POLICY, ScriptedPolicy, Stage, actions, urdf

if TYPE_CHECKING:
    from test.ros_helpers import Processes
else:
    from ros_helpers import Processes

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture
def processes(ros_domain: int, tmp_path: Path) -> Iterator[Processes]:
    with Processes(tmp_path) as made:
        yield made


def start(processes: Processes, node: str, **parameters: object) -> None:
    settings = [f"{name}:={value}" for name, value in parameters.items()]
    arguments = [word for setting in settings for word in ("-p", setting)]
    command = [sys.executable, "-m", f"vera_ros.nodes.{node}", "--ros-args", *arguments]
    processes.start(node, command)


def ended(processes: Processes, node: str) -> int:
    return processes._running[node].wait(60.0)


@pytest.mark.parametrize(
    ("node", "parameters", "words"),
    [
        ("ik_node", {"tcp_speed_limit": 30.0}, ("tcp_speed_limit", "30.0", "0.01 … 3 m/s")),
        ("ik_node", {"robot_description": "nonsense"}, ("nonsense", "URDF")),
        ("policy_node", {"view_topics": "[one]"}, ("view_topics", "for each")),
        (
            "policy_node",
            {"view_topics": "['a b', c]"},
            ("'view_topics' is 'a b'", "letters, digits"),
        ),
        ("sim_node", {"image_size": 7}, ("image_size", "16 … 640 px")),
        ("reference_server", {"delay_s": "soon"}, ("delay_s", "'soon'", "valid is a number")),
        ("server_node", {"server_mode": "docker", "ckpt_root": "/no"}, ("'/no'", "no such folder")),
        ("reference_server", {"host": "203.0.113.7"}, ("203.0.113.7", "cannot listen")),
    ],
)
def test_a_node_that_cannot_start_says_why_and_ends(
    processes: Processes, node: str, parameters: dict[str, object], words: tuple[str, ...]
) -> None:
    start(processes, node, **parameters)
    assert ended(processes, node) == 1
    for word in words:
        assert word in processes.log(node)


LEFT = ("--ros-args", "-r", "__ns:=/left")


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        ("/**/judge_node: {ros__parameters: {hold_x: 1.0}}", LEFT, ("'hold_x'", "hold_s")),
        ("/**/judge_nod: {ros__parameters: {hold_s: 1.0}}", LEFT, ("/**/judge_node",)),
        ("/right/judge_node: {ros__parameters: {hold_s: 1.0}}", LEFT, ("/left/judge_node",)),
        ("judge_node: {ros__parameters: {hold_s: 1.0}}", LEFT, ("namespace '/left'",)),
        ("/*/judge_node: {ros__parameters: {hold_s: 1.0}}", ("--ros-args",), ("namespace '/'",)),
        ("/**: {ros__parameters: {speed_scal: 0.5}}", LEFT, ("'speed_scal'", "speed_scale")),
        ("/**/judge_node: {ros__parameters: {view_topics: [a]}}", LEFT, ("of policy_node",)),
        ("/**/judge_node: {ros__parameters: {remappings: ['a:=b']}}", LEFT, ("block '/**'",)),
        ("/**/judge_node: {hold_s: 1.0}", LEFT, ("outside of ros__parameters",)),
        ("/**/judge_node: {ros__parameter: {hold_s: 1.0}}", LEFT, ("write ros__parameters",)),
        ("/**/judge_node: {ros__parameters: {hold_s: 1.0, hold_s: 2.0}}", LEFT, ("again",)),
        ("/**/judge_node: {ros__parameters: {hold_s: [1, 2.0]}}", LEFT, ("[1, 2.0]", "a number")),
        ("", (*LEFT, "-p", "hold_x:=1.0"), ("'hold_x'", "'/left/judge_node'", "hold_s")),
        ("", (*LEFT, "-p", "view_topics:=[a]"), ("'view_topics'", "of policy_node")),
        ("", (*LEFT, "-p", "remappings:=[a]"), ("'remappings'",)),
        ("", (*LEFT, "-p", "judge_nod:hold_s:=1.0"), ("'judge_nod'", "'/left/judge_node'")),
        ("", (*LEFT, "-p", "hold_s:=1.0", "-p", "hold_s:=2.0"), ("hold_s is given 2 times",)),
        ("", (*LEFT, "-p", "hold_s"), ("-p hold_s is no parameter", "-p name:=value")),
        ("", (*LEFT, "-p", "use_sim_time:=soon"), ("use_sim_time", "wrong type")),
        ("", ("-p", "hold_s:=1.0"), ("-p hold_s:=1.0", "--ros-args")),
        ("", ("--ros-args", "-r", "__ns:=/my-arm"), ("'/my-arm'", "letters, digits and _")),
        ("", ("--ros-args", "--params-file", "no.yaml"), ("no parameter file 'no.yaml'",)),
    ],
)
def test_a_node_that_is_given_what_it_does_not_read_says_so_in_one_line_and_ends(
    processes: Processes,
    tmp_path: Path,
    text: str,
    arguments: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    command = [sys.executable, "-m", "vera_ros.nodes.judge_node", *arguments]
    if text:
        file = tmp_path / "robot.yaml"
        file.write_text(text)
        command += ["--params-file", str(file)]
        words += (str(file),)
    processes.start("judge_node", command)
    assert ended(processes, "judge_node") == 1
    log = processes.log("judge_node")
    (line,) = (line for line in log.splitlines() if line.startswith("error: "))
    for word in words:
        assert word in line
    assert "Traceback" not in log
    assert "active" not in log


@pytest.mark.parametrize(
    ("node", "variable", "value", "words"),
    [
        ("sim_node", "MUJOCO_GL", "vulkan", ("MUJOCO_GL=vulkan", "egl, osmesa", "unset MUJOCO_GL")),
        ("judge_node", "ROS_DOMAIN_ID", "300", ("ROS_DOMAIN_ID is '300'", "0 to 232")),
        ("judge_node", "ROS_DOMAIN_ID", "lab", ("ROS_DOMAIN_ID is 'lab'", "0 to 232")),
        ("judge_node", "ROS_LOG_DIR", "/proc/logs", ("/proc/logs",)),
        ("server_node", "VERA_SERVER_HOST", "ws://gpu", ("VERA_SERVER_HOST", "neither scheme")),
        ("server_node", "VERA_SERVER_PORT", "88000", ("VERA_SERVER_PORT", "65535")),
    ],
)
def test_a_wrong_variable_of_the_environment_is_named_in_one_message(
    ros_domain: int, tmp_path: Path, node: str, variable: str, value: str, words: tuple[str, ...]
) -> None:
    with Processes(tmp_path, {**os.environ, variable: value}) as processes:
        start(processes, node)
        assert ended(processes, node) == 1
        log = processes.log(node)
    for word in words:
        assert word in log
    assert "Traceback" not in log


def test_a_check_beyond_one_value_names_the_line_of_the_file(
    processes: Processes, tmp_path: Path
) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text("/**/server_node:\n  ros__parameters:\n    gpu: all\n    server_mode: docker\n")
    command = [sys.executable, "-m", "vera_ros.nodes.server_node", "--ros-args"]
    processes.start("server_node", [*command, "--params-file", str(file)])
    assert ended(processes, "server_node") == 1
    assert f"(gpu: '{file}' line 3)" in processes.log("server_node")


def test_a_node_reads_a_file_that_is_shared_with_others(
    processes: Processes, tmp_path: Path
) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text(
        "/**: {ros__parameters: {speed_scale: 0.5, remappings: ['a:=b'], use_sim_time: false}}\n"
        "/**/ik_node: {ros__parameters: {tcp_frame: x}}\n"
        "/**/judge_node: {ros__parameters: {hold_s: 1.0}}\n"
        "/camera/driver: {ros__parameters: {port: 80}}\n"
    )
    command = [sys.executable, "-m", "vera_ros.nodes.judge_node", "--ros-args"]
    processes.start("judge_node", [*command, "--params-file", str(file)])
    while "active" not in processes.log("judge_node"):
        processes.check()
    assert processes.end(signal.SIGINT) == {"judge_node": 0}
    assert "line 4: the block '/camera/driver' is for no node of vera_ros" in (
        processes.log("judge_node")
    )


@pytest.mark.parametrize("number", SIGNALS)
def test_a_node_that_waits_for_the_robots_description_ends_in_order(
    processes: Processes, number: signal.Signals
) -> None:
    start(processes, "ik_node")
    while "waiting for robot_description" not in processes.log("ik_node"):
        processes.check()
    assert processes.end(number) == {"ik_node": 0}
    assert "Traceback" not in processes.log("ik_node")


@pytest.mark.parametrize("number", SIGNALS)
def test_nodes_that_end_while_the_arm_moves(
    processes: Processes, stage: Stage, number: signal.Signals
) -> None:
    """The goal gets its result and the arm its stop before the processes are gone."""
    stage.serve(ScriptedPolicy(actions(rows=60, down=0.05)))
    description = stage.node.create_publisher(String, "robot_description", LATCHED)
    description.publish(String(data=urdf()))
    start(processes, "policy_node", server_url=f"ws://127.0.0.1:{stage.port}", **PATIENT_POLICY)
    start(processes, "ik_node", **PATIENT_IK)
    stage.wait_until(lambda: stage.node.count_publishers("tcp_pose"), "ik_node")
    stage.wait_until(lambda: stage.status, "policy_node")
    handle = stage.goal()
    stage.wait_until(
        lambda: any(m.state == ChunkProgress.PLAYING for m in stage.progress), "a step"
    )
    for process in processes._running.values():
        process.send_signal(number)
    result = stage.result(handle)
    stage.wait_until(lambda: len(stage.arm_trajectories) >= 2, "the stop")
    stage.wait_until(stage.rests, "the arm to rest")
    assert not np.any(stage.arm_trajectories[-1].points[-1].velocities)
    assert processes.end(number) == {"policy_node": 0, "ik_node": 0}
    logs = processes.log("policy_node") + processes.log("ik_node")
    assert "Traceback" not in logs
    # Whichever node is faster.
    assert result.cause in (PolicyStatus.DEACTIVATED, PolicyStatus.ARM_ABORTED), logs


def test_a_callback_that_raises_stops_the_node_in_order(processes: Processes) -> None:
    """An arm was left to its plan when its node died of a surprise."""
    program = """
        from vera_ros.nodes.common.lifecycle_node import VeraNode
        from vera_ros.nodes.common.node_process import run_node

        class Node(VeraNode):
            def __init__(self):
                super().__init__("surprised", ())

            def start(self):
                self.create_timer(0.01, lambda: 1 / 0)

            def stop(self):
                print("the arm was stopped", flush=True)

            def teardown(self):
                print("everything was given back", flush=True)

        raise SystemExit(run_node(Node))
    """
    processes.start("surprised", [sys.executable, "-c", textwrap.dedent(program)])
    assert ended(processes, "surprised") == 1
    for words in ("ZeroDivisionError", "the arm was stopped", "everything was given back"):
        assert words in processes.log("surprised")

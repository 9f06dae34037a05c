# SPDX-License-Identifier: Apache-2.0
"""The configuration files: nothing in them is misspelt, and the nodes get what they say."""

from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml

from vera_ros.bringup.graph import command, nodes
from vera_ros.bringup.graph_options import (
    ROBOTS,
    SERVERS,
    GraphOptions,
    default_config,
    packaged_arms,
)
from vera_ros.nodes.declared import PARAMETERS
from vera_ros.resources import share_path
from vera_ros.robots.registry import SIMULATED, find_robot


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(share_path("config", name).read_text())
    return content


CONFIGS = [*(default_config("sim", name) for name in SIMULATED), default_config("real")]


@pytest.mark.parametrize("name", CONFIGS)
def test_every_parameter_is_one_of_the_node_and_valid(name: str) -> None:
    content = load(name)
    content.pop("/**", None)
    assert content
    for pattern, below in content.items():
        declared = {p.name: p for p in PARAMETERS[pattern.removeprefix("/**/")]}
        for parameter, value in below["ros__parameters"].items():
            declared[parameter].check(value)
            assert type(value) is type(declared[parameter].default), parameter


@pytest.mark.parametrize("name", packaged_arms())
def test_every_parameter_of_an_arm_is_one_of_a_node_and_valid(name: str) -> None:
    for pattern, below in load(f"arms/{name}.yaml").items():
        node = pattern.removeprefix("/**").removeprefix("/")
        for parameter, value in below["ros__parameters"].items():
            of = [PARAMETERS[node]] if node else PARAMETERS.values()
            declared = [p for parameters in of for p in parameters if p.name == parameter]
            assert declared, parameter
            for each in declared:
                each.check(value)
                assert type(value) is type(each.default), parameter


def test_an_arms_names_are_the_same_for_every_node() -> None:
    for name in packaged_arms():
        content = load(f"arms/{name}.yaml")
        joints = content["/**"]["ros__parameters"]["joint_names"]
        assert content["/**/policy_node"]["ros__parameters"]["arm_joints"] == joints


@pytest.mark.parametrize("robot", ROBOTS)
@pytest.mark.parametrize("server", SERVERS)
def test_every_parameter_that_the_graph_gives_is_declared(robot: str, server: str) -> None:
    factor = 2.0 if robot == "sim" else 1.0
    for spec in nodes(GraphOptions(robot=robot, server=server, realtime_factor=factor)):
        declared = {p.name for p in PARAMETERS[spec.name]} | {"use_sim_time"}
        assert set(spec.parameters) <= declared


@pytest.mark.parametrize("namespace", ["", "left", "/cell/left"])
def test_files_reach_a_node_in_any_namespace_and_its_own_parameters_win(
    tmp_path: Path, ros_domain: int, namespace: str
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "/**: {ros__parameters: {server_url: of all, remappings: ['hold:=/renamed']}}\n"
        "/**/policy_node: {ros__parameters: {server_url: of the file, embodiment: of the file}}\n"
    )
    options = GraphOptions(server="attach", server_url="ws://127.0.0.1:1", config=config)
    spec = next(spec for spec in nodes(options) if spec.name == "policy_node")
    arguments = command(spec, namespace, tmp_path)[3:]

    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = rclpy.create_node("x", context=context, cli_args=arguments)
        assert node.declare_parameter("server_url", "").value == "ws://127.0.0.1:1"
        assert node.declare_parameter("embodiment", "").value == "of the file"
        assert node.resolve_topic_name("hold") == "/renamed"
        assert node.get_fully_qualified_name() == f"/{namespace}/policy_node".replace("//", "/")
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


def test_rviz_shows_the_topics_of_the_graph() -> None:
    manager = load("vera_ros.rviz")["Visualization Manager"]
    assert manager["Global Options"]["Fixed Frame"] == "panda_link0"
    shown = {}
    for display in manager["Displays"]:
        kind = display["Class"].removeprefix("rviz_default_plugins/")
        topic = display.get("Topic") or display.get("Description Topic")
        if topic:
            shown[topic["Value"]] = (kind, topic["Reliability Policy"], topic["Durability Policy"])
    views = {f"{camera}/image_raw" for camera in find_robot("mimicgen").view_topics.values()}
    latched, live = ("Reliable", "Transient Local"), ("Reliable", "Volatile")
    assert shown == {
        "robot_description": ("RobotModel", *latched),
        "planned_path": ("Path", *latched),
        "executed_path": ("Path", *live),
        "status_marker": ("Marker", *latched),
    } | dict.fromkeys(views, ("Image", "Best Effort", "Volatile"))

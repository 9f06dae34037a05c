# SPDX-License-Identifier: Apache-2.0
"""VERA_SERVER_MODE and its kin decide which server there is, and where."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from vera_ros.bringup import graph_environment
from vera_ros.bringup.graph import nodes
from vera_ros.bringup.graph_environment import with_environment
from vera_ros.bringup.graph_options import GraphOptions
from vera_ros.errors import ConfigurationError
from vera_ros.nodes.policy.parameters import TUNABLE


def test_the_environment_wins_over_server_and_address() -> None:
    options = GraphOptions(server="reference", server_url="ws://127.0.0.1:9000")
    changed, lines = with_environment(
        options, {"VERA_SERVER_MODE": "docker", "VERA_SERVER_PORT": "9001", "VERA_IMAGE": "mine"}
    )
    assert (changed.server, changed.url) == ("docker", "ws://127.0.0.1:9001")
    assert [line.split()[2] for line in lines] == ["VERA_SERVER_MODE", "VERA_SERVER_PORT"]
    specs = {spec.name: spec for spec in nodes(changed)}
    assert specs["policy_node"].parameters["server_url"] == "ws://127.0.0.1:9001"


def test_without_variables_nothing_changes() -> None:
    for options in (
        GraphOptions(),
        GraphOptions(server="attach"),
        GraphOptions(server="attach", server_url="wss://gpu"),
    ):
        assert with_environment(options, {"PATH": "/bin"}) == (options, ())


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"VERA_SERVER_HOST": "0.0.0.0"}, "ws://127.0.0.1:9000"),
        ({"VERA_SERVER_HOST": "::1", "VERA_SERVER_PORT": "9001"}, "ws://[::1]:9001"),
        ({"VERA_SERVER_PORT": "-1"}, "ws://127.0.0.1:8800"),
        ({"VERA_SERVER_PORT": "-1", "VERA_EMBODIMENT": "droid"}, "ws://127.0.0.1:8804"),
        ({"VERA_SERVER_PORT": ""}, "ws://127.0.0.1:9000"),
    ],
)
def test_the_address_is_where_a_client_finds_the_server(
    variables: dict[str, str], url: str
) -> None:
    options = GraphOptions(server="docker", server_url="ws://127.0.0.1:9000")
    assert with_environment(options, variables)[0].url == url


@pytest.mark.parametrize("server", ["attach", "docker", "subprocess"])
def test_what_the_server_is_tuned_with_goes_through_policy_node(server: str) -> None:
    options = GraphOptions(
        server=server, parameters={"policy_node": {"sample_steps": 9, "observe": False}}
    )
    variables = {"VERA_MOTION_PLAN_SCALE": "0.8", "VERA_SAMPLE_STEPS": "4"}
    changed, lines = with_environment(options, variables)
    (policy,) = (spec for spec in nodes(changed) if spec.name == "policy_node")
    own = {"motion_plan_scale": 0.8, "sample_steps": 4, "observe": False}
    assert {name: policy.parameters[name] for name in own} == own
    assert [line.split()[2] for line in lines] == list(variables)


def test_tuning_of_0_leaves_the_server_what_it_has() -> None:
    variables = {"VERA_MOTION_PLAN_SCALE": "0", "VERA_SAMPLE_STEPS": ""}
    assert with_environment(GraphOptions(), variables) == (GraphOptions(), ())


def test_the_ranges_are_those_of_policy_node() -> None:
    most = {parameter.name: parameter.maximum for parameter in TUNABLE}
    assert most["motion_plan_scale"] == graph_environment._MOST_SCALE
    assert most["sample_steps"] == graph_environment._MOST_STEPS


@pytest.mark.parametrize(
    ("variable", "value", "valid"),
    [
        ("VERA_SERVER_MODE", "cloud", "reference | attach | docker | subprocess"),
        ("VERA_SERVER_HOST", "ws://gpu", "a host name"),
        ("VERA_SERVER_HOST", "gpu ", "a host name"),
        ("VERA_SERVER_HOST", "1.2.3", "a host name"),
        ("VERA_SERVER_PORT", "8800 ", "1 … 65535"),
        ("VERA_SERVER_PORT", "0", "1 … 65535"),
        ("VERA_SERVER_PORT", "²", "1 … 65535"),
        ("VERA_SERVER_PORT", "many", "1 … 65535"),
        ("VERA_MOTION_PLAN_SCALE", "much", "0 … 30"),
        ("VERA_MOTION_PLAN_SCALE", "nan", "0 … 30"),
        ("VERA_MOTION_PLAN_SCALE", "-1", "0 … 30"),
        ("VERA_MOTION_PLAN_SCALE", "31", "0 … 30"),
        ("VERA_SAMPLE_STEPS", "2.5", "0 … 1000"),
        ("VERA_SAMPLE_STEPS", "1001", "0 … 1000"),
    ],
)
def test_a_variable_that_is_not_valid_is_named(variable: str, value: str, valid: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        with_environment(GraphOptions(), {variable: value})
    said = str(refused.value)
    assert said.startswith(f"environment variable {variable} is '{value}'")
    assert f"valid is {valid}" in said


@pytest.mark.parametrize("domain", ["233", "-1", "lab"])
def test_a_domain_that_ros_does_not_have_is_named(domain: str) -> None:
    with pytest.raises(ConfigurationError, match=f"ROS_DOMAIN_ID is '{domain}'; valid is 0 to 232"):
        with_environment(GraphOptions(), {"ROS_DOMAIN_ID": domain})


def test_the_launch_files_need_no_library_that_apt_lacks() -> None:
    """`ros2` runs in the system's Python, in a virtual environment too; pydantic is old there."""
    launch = Path(__file__).parents[2] / "vera_ros" / "bringup" / "launch_description.py"
    modules = [
        node.module
        for node in ast.walk(ast.parse(launch.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vera_ros")
    ]
    assert "vera_ros.bringup.graph_environment" in modules
    missing = ("mujoco", "numba", "pydantic", "websockets")
    script = f"import sys; sys.modules.update(dict.fromkeys({missing!r}))\n"
    script += "\n".join(f"import {module}" for module in modules)
    script += """
from vera_ros.bringup.graph import nodes
from vera_ros.bringup.graph_options import GraphOptions
assert nodes(GraphOptions(embodiment="droid"))
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr

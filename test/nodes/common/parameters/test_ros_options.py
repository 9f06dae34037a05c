# SPDX-License-Identifier: Apache-2.0
"""Wrong ROS arguments are named with what to write."""

import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.node_process import initialise
from vera_ros.nodes.common.parameters.ros_options import check_options
from vera_ros.resources import share_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-r", "joint_states=/panda/joint_states"], "like joint_states:=/panda/joint_states"),
        (["-r", "joint_states:/x"], "like joint_states:=/x"),
        (["--remap", "joint_states->/x"], "like joint_states:=/x"),
        (["-r", "ik_node:a=b"], "like ik_node:a:=b"),
        (["-r", "__ns=/left"], "like __ns:=/left"),
        (["-r", "a := b"], "like a:="),
        (["-r", "joint_states"], "write -r name:=topic"),
        (["-r", "joint_states:=/panda/joint-states"], "'/panda/joint-states'; valid are letters"),
        (["-r", "hand-camera:=b"], "the old name is 'hand-camera'"),
        (["-r", "a:=2nd"], "the new name is '2nd'"),
        (["-p", "speed_scale=0.5"], "like speed_scale:=0.5"),
        (["-p", "speed_scale: 0.5"], "like speed_scale:=0.5"),
        (["--param", "speed_scale"], "write -p name:=value"),
        (["--params-file=a.yaml"], "write --params-file a.yaml, with a space"),
        (["--param-file", "a.yaml"], "write --params-file "),
        (["--parameters-file", "a.yaml"], "write --params-file "),
        (["--log-levle", "info"], "write --log-level "),
        (["--xyz"], "write one of --enclave"),
        (["-r", "a:=b", "c:=d"], "write -r c:=d to remap"),
    ],
)
def test_a_wrong_argument_is_named(arguments: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        initialise(["node", "--ros-args", *arguments], {})
    assert words in str(error.value)
    assert "lexeme" not in str(error.value)


URDF = share_path("description", "urdf", "panda.urdf").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-p", f"robot_description:={URDF}"], "give robot_description in a parameter file"),
        (["-p", f"robot_description={URDF}"], "like robot_description:="),
        (["-r", f"a:=b{URDF}"], "'b<?xml"),
        ([URDF.replace("\n", " ")], "is no ROS argument"),
        (["--log-level", "info", "--", URDF], "are not read"),
    ],
)
def test_a_description_is_not_shown_whole(arguments: list[str], words: str) -> None:
    """An inline URDF filled the terminal with 700 lines."""
    with pytest.raises(ConfigurationError) as error:
        initialise(["node", "--ros-args", *arguments], {})
    assert words in str(error.value)
    assert len(str(error.value)) < 700
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ["-p", "url:=ws://gpu:1", "-r", "ik_node:a:=/b"],
        ["-r", "__ns:=/left", "-r", "rostopic://a:=~/b", "--log-level", "info"],
        ["--params-file", "a=b.yaml", "-e", "/x", "--disable-rosout-logs"],
        ["--", "--any=thing", "a=b"],
        ["--log-level", "loud"],  # rclpy's own words are clear
    ],
)
def test_nothing_else_is_refused(arguments: list[str]) -> None:
    check_options(["node", "-r", "a=b", "--ros-args", *arguments])

# SPDX-License-Identifier: Apache-2.0
"""Parameter files, read by the real probe as the nodes would read them."""

import re
from pathlib import Path
from typing import Any

import pytest

from vera_ros.doctor.checks.configuration import judge
from vera_ros.doctor.facts.configuration import Configuration, check, read
from vera_ros.doctor.facts.tools import Deadline
from vera_ros.doctor.finding import Verdict
from vera_ros.doctor.options import Options
from vera_ros.errors import ConfigurationError

from ..example_facts import configuration

PATIENCE_S = 120.0

TWO_ARMS = """\
/**:
  ros__parameters:
    remappings:
      - joint_states:=/joint_states
/**/policy_node:
  ros__parameters: {image_transport: compressed}
/left/policy_node:
  ros__parameters: {view_timeout_s: 7.0}
/right/policy_node:
  ros__parameters: {view_timeout_s: 9.0}
"""


def read_file(text: str, folder: Path, **options: str) -> Configuration:
    file = folder / "robot.yaml"
    file.write_text(text)
    return read(Options(config=str(file), **options), Deadline(PATIENCE_S))  # type: ignore[arg-type]


@pytest.mark.parametrize("robot", ["sim", "real"])
def test_the_packaged_files_are_read(robot: str) -> None:
    found = read(Options(robot=robot), Deadline(PATIENCE_S))
    assert found.embodiment.name == "mimicgen"
    assert found.ik["tcp_frame"] == "panda_grip_site"
    assert list(found.view_topics) == ["agentview_image", "robot0_eye_in_hand_image"]
    assert bool(found.remappings) is (robot == "real")
    assert judge(found).verdict is Verdict.OK


def test_the_embodiment_chooses_the_packaged_file() -> None:
    found = read(Options(embodiment="droid"), Deadline(PATIENCE_S))
    assert found.embodiment.name == "droid"
    assert found.ik["tcp_frame"] == "panda_link8"
    assert list(found.view_topics) == ["varied_1", "varied_2", "hand"]
    assert found.server_url == "ws://127.0.0.1:8804"
    assert judge(found).verdict is Verdict.OK
    with pytest.raises(ConfigurationError, match="unknown embodiment 'toaster'"):
        read(Options(embodiment="toaster"), Deadline(PATIENCE_S))


def test_a_node_gets_what_is_meant_for_its_namespace(tmp_path: Path) -> None:
    found = read_file(TWO_ARMS, tmp_path, namespace="right")
    assert found.policy["view_timeout_s"] == 9.0
    assert found.remappings == (("joint_states", "/joint_states"),)
    assert found.view_topics["agentview_image"] == "agentview/image_raw/compressed"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{a: [", "cannot be read"),
        ("[]", "valid is a ROS parameter file"),
        ("/**:\n  ros__parameters:\n    remappings: [nonsense]\n", "remapping 'nonsense'"),
        (
            "/**/policy_node:\n  ros__parameters: {crop: 3.0}\n",
            "policy_node': parameter 'crop' is 3.0",
        ),
        ("/**/ik_node:\n  ros__parameters: {speed_scale: 7.0}\n", "'speed_scale' is 7.0; valid"),
        ("/**/policy_node:\n  crop: true\n", "cannot be read"),
        ("/**/ik_node:\n  ros__parameters: {speed_scal: 0.5}\n", "nearest are speed_scale"),
        ("/**/sim_node:\n  ros__parameters: {sede: 1}\n", "nearest are seed"),
        ("/**:\n  ros__parameters: {workspace_loer: [0.0]}\n", "nearest are workspace_lower"),
        ("/**/ik_node:\n  ros__parameters: {view_topics: [a]}\n", "but of policy_node"),
        ("/**/ik_node:\n  ros__parameters: {remappings: ['a:=b']}\n", "block '/**'"),
        ("/**/ik_nod:\n  ros__parameters: {speed_scale: 0.5}\n", "nearest are /**/ik_node"),
        ("/left/ik_node:\n  ros__parameters: {speed_scale: 0.5}\n", "namespace '/'"),
        ("/*/ik_node:\n  ros__parameters: {speed_scale: 0.5}\n", "namespace '/'"),
        ("/**/ik_node:\n  ros__parameter: {speed_scale: 0.5}\n", "write ros__parameters"),
        ("/**/ik_node:\n  ros__parameters: {dry_run: true, dry_run: false}\n", "again"),
        ("/**/ik_node:\n  ros__parameters: {joint_names: [a, yes]}\n", "a list of texts"),
        ("/**/sim_node:\n  ros__parameters: {seed: one}\n", "'seed' is one; valid is a whole"),
        ("/**/judge_node:\n  ros__parameters: {autostart:}\n", "'autostart' has no value"),
        ("/**/policy_node:\n  ros__parameters: {ping_timeout_s: 1}\n", "ping_timeout_s is 1"),
        (
            "/**/policy_node:\n  ros__parameters: {view_topics: [a]}\n",
            "parameter 'view_topics' has 1 topics, ['a']; the 'embodiment' mimicgen has 2 views",
        ),
        (
            "/**:\n  ros__parameters: {embodiment: droid}\n",
            "parameter 'view_topics' is not given; the 'embodiment' droid has 3 views, "
            "['varied_1', 'varied_2', 'hand']: valid is one topic for each",
        ),
        ("/**/policy_node:\n  ros__parameters: {view_topics: [a]}\n", "robot.yaml' line 2)"),
    ],
)
def test_a_file_that_a_node_would_refuse_is_refused(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(named)):
        read_file(text, tmp_path)


def test_a_mistake_of_each_node_is_named_at_once(tmp_path: Path) -> None:
    text = (
        "/**/policy_node:\n  ros__parameters: {crop: 3.0}\n"
        "/**/ik_node:\n  ros__parameters: {dry_run: 'true'}\n"
        "/**/sim_node:\n  ros__parameters: {sede: 1}\n"
    )
    with pytest.raises(ConfigurationError) as error:
        read_file(text, tmp_path)
    for words in ("line 2", "'crop' is 3.0", "line 4", "'dry_run' is 'true'", "line 6", "'sede'"):
        assert words in str(error.value)


def test_what_is_for_other_nodes_is_warned_of(tmp_path: Path) -> None:
    text = "/camera/driver:\n  ros__parameters: {port: 80}\n"
    finding = judge(read_file(text, tmp_path))
    assert finding.verdict is Verdict.WARNING
    assert "line 1: the block '/camera/driver'" in finding.found
    finding = judge(read_file(TWO_ARMS, tmp_path, namespace="right"))
    assert "'/left/policy_node' is for another namespace" in finding.found


@pytest.mark.parametrize(
    ("policy", "ik", "named"),
    [
        ({}, {"embodiment": "droid"}, "'mimicgen' and that of ik_node 'droid'; make them the same"),
    ],
)
def test_nodes_that_do_not_go_together_are_refused(
    policy: dict[str, Any], ik: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(named)):
        check(configuration(policy, ik))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'nowhere\.yaml' is not a file"):
        read(Options(config="nowhere.yaml"), Deadline(PATIENCE_S))


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"server": "docker"}, "ws://127.0.0.1:8800"),
        ({"server": "attach"}, "ws://gpu:9000"),
        ({"server": "attach", "server_url": "ws://other:1"}, "ws://other:1"),
    ],
)
def test_the_server_is_where_launch_file_and_demo_have_it(
    tmp_path: Path, options: dict[str, str], url: str
) -> None:
    text = "/**/policy_node:\n  ros__parameters: {server_url: 'ws://gpu:9000'}\n"
    assert read_file(text, tmp_path, **options).server_url == url


def test_joints_that_differ_between_the_nodes_are_warned_of() -> None:
    finding = judge(configuration(policy={"arm_joints": ["a"]}))
    assert finding.verdict is Verdict.WARNING
    assert "['a']" in finding.found

# SPDX-License-Identifier: Apache-2.0
"""The command that writes the policies."""

import os
from pathlib import Path

import pytest

from test.security.test_policy import read
from vera_ros.security.cli import main

PLAIN = ("reference_server", "sim_node", "judge_node", "ik_node", "policy_node")
ROLES = ("operator", "observer", "robot_state_publisher")


@pytest.fixture(autouse=True)
def same_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command sets is undone."""
    for name in ("ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_SECURITY_ENABLE"):
        monkeypatch.setenv(name, os.environ.get(name, ""))


def test_it_writes_a_file_for_each_enclave_of_the_graph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "new" / "policies"), "--namespace", "left"]) == 0
    printed = capsys.readouterr().out
    written = sorted((tmp_path / "new" / "policies").iterdir())
    assert {path.name for path in written} == {f"{n}.policy.xml" for n in (*PLAIN, *ROLES)}
    for path in written:
        enclave, namespace, name, _ = read(path.read_text())
        assert (enclave, namespace) == (f"/vera_ros/left/{name}", "/left")
        assert f"{path}: {enclave}\n" in printed


def test_keys_are_not_needed_to_make_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_SECURITY_ENABLE", "true")
    monkeypatch.setenv("ROS_SECURITY_KEYSTORE", str(tmp_path / "none"))
    assert main([str(tmp_path), "--robot", "real", "--server", "attach"]) == 0
    assert (tmp_path / "ik_node.policy.xml").is_file()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--namespace", "2left"], "2left"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--robot", "real", "--lockstep"], "lockstep"),
    ],
)
def test_what_the_launch_file_refuses_is_refused(
    arguments: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "policies"), *arguments]) == 1
    assert word in capsys.readouterr().err
    assert not (tmp_path / "policies").exists()

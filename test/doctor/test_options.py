# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from vera_ros.bringup import graph_options
from vera_ros.doctor.cli import parse_options
from vera_ros.doctor.options import ROBOTS, SERVERS, Options


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_arguments_the_defaults_hold() -> None:
    assert parse_options([]) == Options()


def test_every_option_arrives() -> None:
    arguments = (
        "--embodiment droid --robot real --server docker --server-url ws://host:8800 "
        "--config arm.yaml --namespace /cell/left --ckpt-root ckpts --wan-root wan "
        "--json out.json --deadline 30"
    )
    options = parse_options(arguments.split())
    assert options == Options(
        embodiment="droid",
        robot="real",
        server="docker",
        server_url="ws://host:8800",
        config="arm.yaml",
        namespace="/cell/left",
        ckpt_root=Path("ckpts"),
        wan_root=Path("wan"),
        json=Path("out.json"),
        deadline_s=30.0,
    )
    assert options.as_json()["json"] == "out.json"


def test_robots_and_servers_are_those_of_the_launch_file() -> None:
    assert ROBOTS == graph_options.ROBOTS
    assert set(graph_options.SERVERS) <= set(SERVERS)


@pytest.mark.parametrize(
    ("namespace", "prefix"),
    [("", ""), ("/", ""), ("left", "/left"), ("/left", "/left"), ("cell/left", "/cell/left")],
)
def test_a_namespace_may_be_written_in_several_ways(namespace: str, prefix: str) -> None:
    assert Options(namespace=namespace).prefix == prefix


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--robot toy", "toy"),
        ("--server cloud", "cloud"),
        ("--server-url http://host:8800", "ws://127.0.0.1:8800"),
        ("--server-url ws://host:notaport", "ws://127.0.0.1:8800"),
        ("--namespace 3arms", "--namespace is '3arms'"),
        ("--deadline 0", "--deadline is 0"),
        ("--deadline nan", "--deadline is nan"),
        ("--json .", "a folder"),
        ("--json nowhere/out.json", "no folder 'nowhere'"),
        ("--frobnicate", "--frobnicate"),
    ],
)
def test_a_mistake_is_named(capsys: pytest.CaptureFixture[str], arguments: str, named: str) -> None:
    with pytest.raises(SystemExit) as exit_info:
        parse_options(arguments.split())
    assert exit_info.value.code == 2
    assert named in capsys.readouterr().err

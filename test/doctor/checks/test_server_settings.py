# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from typing import Any

import pytest

from vera_ros.doctor.checks.server_settings import judge
from vera_ros.doctor.facts.server_settings import read
from vera_ros.doctor.finding import Verdict
from vera_ros.doctor.options import Options
from vera_ros.errors import ConfigurationError
from vera_ros.server.settings import ServerSettings

from ..example_facts import configuration

DOCKER = Options(server="docker")


def settings(environ: dict[str, str] | None = None, **server: Any) -> ServerSettings:
    return read(DOCKER, configuration(server=server), environ or {})


def test_the_server_is_the_one_that_policy_node_asks() -> None:
    finding = judge(settings(), configuration())
    assert finding.verdict is Verdict.OK
    assert finding.found == "ws://127.0.0.1:8800, image vera-server, viewer on 8801"


@pytest.mark.parametrize(
    ("environ", "server", "named"),
    [
        ({"VERA_EMBODIMENT": "droid"}, {}, "serves droid, and policy_node needs mimicgen"),
        ({}, {"embodiment": "droid"}, "serves droid"),
        ({"VERA_SERVER_PORT": "9000"}, {}, "listens on ws://127.0.0.1:9000"),
    ],
)
def test_another_server_is_a_failure(
    environ: dict[str, str], server: dict[str, Any], named: str
) -> None:
    finding = judge(settings(environ, **server), configuration())
    assert finding.verdict is Verdict.FAILURE
    assert named in finding.found


def test_options_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    given, exported, written = (tmp_path / name for name in ("given", "exported", "written"))
    for folder in (given, exported, written):
        folder.mkdir()
    environ = {"VERA_CKPT_ROOT": str(exported)}
    of_file = configuration(server={"ckpt_root": str(written)})
    assert read(DOCKER, of_file, {}).ckpt_root == str(written)
    assert read(DOCKER, of_file, environ).ckpt_root == str(exported)
    options = Options(server="docker", ckpt_root=given)
    assert read(options, of_file, environ).ckpt_root == str(given)


def test_a_setting_that_is_not_valid_is_named() -> None:
    with pytest.raises(ConfigurationError, match="parameter 'ckpt_root' is '/nowhere'"):
        settings(ckpt_root="/nowhere")
    with pytest.raises(ConfigurationError, match="environment variable VERA_SAMPLE_STEPS"):
        settings({"VERA_SAMPLE_STEPS": "many"})

# SPDX-License-Identifier: Apache-2.0
"""What cannot be chosen when the system is started."""

from pathlib import Path
from typing import Any

import pytest

from vera_ros.bringup.graph import nodes
from vera_ros.bringup.graph_options import GraphOptions
from vera_ros.errors import ConfigurationError


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"robot": "cardboard"}, "robot is 'cardboard'; valid is sim or real"),
        (
            {"server": "cloud"},
            "server is 'cloud'; valid is reference or attach or docker or subprocess",
        ),
        ({"sabotage": "fog"}, "sabotage is 'fog'; valid is none"),
        ({"seed": -1}, "seed is -1; valid is 0 to"),
        ({"realtime_factor": 0.0}, "realtime_factor is 0.0"),
        ({"realtime_factor": float("nan")}, "realtime_factor is nan"),
        ({"robot": "real", "realtime_factor": 2.0}, "realtime_factor is 2.0 with robot 'real'"),
        ({"robot": "real", "sabotage": "bgr"}, "sabotage is bgr with robot 'real'"),
        ({"robot": "real", "lockstep": True}, "lockstep is True with robot 'real'"),
        ({"lockstep": True, "realtime_factor": 2.0}, "realtime_factor is 2.0 with lockstep"),
        ({"server_url": "127.0.0.1:8800"}, "server_url is '127.0.0.1:8800'"),
        ({"server_url": "ws://127.0.0.1"}, "has no port"),
        ({"server_url": "wss://127.0.0.1:1"}, "write ws://127.0.0.1:1; valid is ws://host:port"),
        ({"server": "docker", "server_url": "ws://127.0.0.1"}, "has no port"),
        ({"server_url": "ws://host:99999"}, "server_url is 'ws://host:99999'"),
        ({"server": "attach", "server_url": "http://gpu"}, "ws://host:port or wss://host:port"),
        ({"server": "attach", "server_url": "ws://gpu:8800 "}, "a space in it"),
        ({"server": "attach", "server_url": "ws://::1:8800"}, "in brackets"),
        ({"server": "docker", "server_url": "ws://gpu:0"}, "the port is '0'"),
    ],
)
def test_what_cannot_be_is_refused(choices: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        GraphOptions(**choices)
    assert message in str(refusal.value)


@pytest.mark.parametrize("arm", ["xarm9", "arms/xarm7.yaml", "config"])
def test_an_arm_that_is_not_known_is_refused(arm: str) -> None:
    known = "fr3, gen3, panda, ur5e, xarm7, or the path of a file"
    with pytest.raises(ConfigurationError, match=f"arm '{arm}' is not known; valid are {known}"):
        nodes(GraphOptions(arm=arm))


@pytest.mark.parametrize("option", ["config", "params_file"])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, option: str) -> None:
    given: dict[str, Any] = {option: tmp_path / "none.yaml"}
    options = GraphOptions(**given)
    with pytest.raises(ConfigurationError, match=f"{option} '.*none.yaml' is not a file"):
        nodes(options)

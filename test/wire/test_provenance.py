# SPDX-License-Identifier: Apache-2.0
"""What is known of a server is said, and nothing else."""

from typing import Any

import pytest

from vera_ros.wire.protocol.server_config import ServerConfig
from vera_ros.wire.provenance import (
    describe_code,
    describe_server,
    protocol_warning,
    viewer_url,
)

URL = "ws://gpu.local:8800"


def config(wire_config: dict[str, Any], **changes: Any) -> ServerConfig:
    return ServerConfig.from_wire({**wire_config, **changes})


def test_a_server_is_described_by_what_it_says(wire_config: dict[str, Any]) -> None:
    said = describe_server(config(wire_config))
    assert said == (
        "embodiment mimicgen, planner planner, IDM idm, code 0123456789ab, host server, protocol 1"
    )
    unknown = {"planner_model": "", "idm_model": "", "git_head": "", "hostname": ""}
    assert describe_server(config(wire_config, **unknown)) == "embodiment mimicgen, protocol 1"


def test_changed_code_is_told(wire_config: dict[str, Any]) -> None:
    assert describe_code(config(wire_config, git_dirty=True)) == "0123456789ab with changes"
    assert describe_code(config(wire_config, git_head="", git_dirty=True)) == ""


@pytest.mark.parametrize("version", [0, 2, 99])
def test_an_unknown_protocol_is_warned_of(wire_config: dict[str, Any], version: int) -> None:
    assert protocol_warning(config(wire_config)) == ""
    warning = protocol_warning(config(wire_config, protocol_version=version))
    assert f"version {version}" in warning


@pytest.mark.parametrize(
    ("argv", "url"),
    [
        (["--vis-port", "8801"], "http://gpu.local:8801/"),
        (["--vis-port=8801", "--text", "stack"], "http://gpu.local:8801/"),
        (["--vis-port", "1", "--vis-port", "8801"], "http://gpu.local:8801/"),
        (["--vis-port", "0"], ""),
        (["--vis-port"], ""),
        (["--vis-port", "soon"], ""),
        (["--vis-port", "9" * 5000], ""),
        (["--vis-port", "65536"], ""),
        (["--vis-port", "٣٣٣"], ""),
        (["--vis-port", "-5"], ""),
        ([], ""),
    ],
)
def test_the_viewer_is_where_the_server_was_told_to_put_it(
    wire_config: dict[str, Any], argv: list[str], url: str
) -> None:
    assert viewer_url(URL, config(wire_config, argv=argv)) == url


def test_the_viewer_of_an_address_of_numbers(wire_config: dict[str, Any]) -> None:
    server = config(wire_config, argv=["--vis-port", "8801"])
    assert viewer_url("ws://[::1]:8800", server) == "http://[::1]:8801/"
    assert viewer_url("nonsense", server) == ""

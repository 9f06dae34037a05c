# SPDX-License-Identifier: Apache-2.0
"""VERA_SERVER_MODE and its kin decide which server there is, and where."""

import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.graph import GraphOptions, nodes
from vera_ros.graph_environment import with_environment


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


def test_a_variable_that_is_not_valid_is_named() -> None:
    with pytest.raises(ConfigurationError, match="environment variable VERA_SERVER_MODE is"):
        with_environment(GraphOptions(), {"VERA_SERVER_MODE": "cloud"})

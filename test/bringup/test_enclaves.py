# SPDX-License-Identifier: Apache-2.0
"""Enclaves: which node has which, and what the graph needs of a keystore."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.bringup.enclaves import FILES, check_keystore, enclave_of, secure_environment
from vera_ros.bringup.graph import command, nodes
from vera_ros.bringup.graph_environment import with_environment
from vera_ros.bringup.graph_options import GraphOptions
from vera_ros.errors import ConfigurationError

NODES = ("reference_server", "sim_node", "judge_node", "ik_node", "policy_node")


def make_keystore(folder: Path, *enclaves: str) -> Path:
    """A keystore with files of the right names."""
    for enclave in enclaves:
        inside = folder / "enclaves" / enclave.strip("/")
        inside.mkdir(parents=True)
        for name in FILES:
            (inside / name).touch()
    return folder


@given(
    namespace=st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), max_size=3),
    slashes=st.sampled_from(["", "/"]),
)
def test_each_graph_has_enclaves_of_its_own(namespace: list[str], slashes: str) -> None:
    joined = "/".join(namespace)
    expected = f"/vera_ros/{joined}/ik_node" if joined else "/vera_ros/ik_node"
    assert enclave_of(f"{slashes}{joined}", "ik_node") == expected
    assert enclave_of(f"{joined}{slashes}", "ik_node") == expected


@pytest.mark.parametrize("namespace", ["", "left", "/cell/left"])
def test_with_a_keystore_every_node_is_started_in_its_enclave(
    namespace: str, tmp_path: Path
) -> None:
    keystore = make_keystore(tmp_path / "k", *(enclave_of(namespace, name) for name in NODES))
    for spec in nodes(GraphOptions(keystore=keystore), namespace):
        line = command(spec, namespace, tmp_path)
        assert line[line.index("--enclave") + 1] == enclave_of(namespace, spec.name)


def test_without_one_nothing_is_said_of_enclaves(tmp_path: Path) -> None:
    for spec in nodes(GraphOptions()):
        assert "--enclave" not in command(spec, "", tmp_path)


@pytest.mark.parametrize("missing", FILES)
def test_a_keystore_that_lacks_a_file_of_a_node_is_refused(missing: str, tmp_path: Path) -> None:
    keystore = make_keystore(tmp_path, *(enclave_of("", name) for name in NODES))
    (keystore / "enclaves/vera_ros/ik_node" / missing).unlink()
    with pytest.raises(
        ConfigurationError, match=f"no readable {missing} of the enclave '/vera_ros/ik_"
    ):
        nodes(GraphOptions(keystore=keystore))


def test_a_keystore_that_is_not_there_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"secure_the_graph\.md"):
        check_keystore(tmp_path / "nowhere", ["/vera_ros/ik_node"])


def test_keys_of_another_namespace_do_not_count(tmp_path: Path) -> None:
    keystore = make_keystore(tmp_path, *(enclave_of("right", name) for name in NODES))
    with pytest.raises(ConfigurationError, match="/vera_ros/left/"):
        nodes(GraphOptions(keystore=keystore), "left")


# The environment.


def test_the_keystore_of_an_environment_with_security_is_taken() -> None:
    environment = {"ROS_SECURITY_ENABLE": "true", "ROS_SECURITY_KEYSTORE": "/keys"}
    assert with_environment(GraphOptions(), environment)[0].keystore == "/keys"
    given_one = GraphOptions(keystore="/others")
    assert with_environment(given_one, environment)[0].keystore == "/others"


@pytest.mark.parametrize("enabled", ["", "false", "1", "True"])
def test_what_ros_does_not_read_as_enabled_changes_nothing(enabled: str) -> None:
    environment = {"ROS_SECURITY_ENABLE": enabled, "ROS_SECURITY_KEYSTORE": "/keys"}
    assert with_environment(GraphOptions(), environment) == (GraphOptions(), ())


def test_security_without_a_keystore_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ROS_SECURITY_KEYSTORE"):
        with_environment(GraphOptions(), {"ROS_SECURITY_ENABLE": "true"})


def test_nodes_never_run_unprotected_or_with_the_keys_of_who_starts_them() -> None:
    variables = secure_environment(Path("/keys"))
    assert variables["ROS_SECURITY_ENABLE"] == "true"
    assert variables["ROS_SECURITY_STRATEGY"] == "Enforce"
    assert variables["ROS_SECURITY_ENCLAVE_OVERRIDE"] == ""

# SPDX-License-Identifier: Apache-2.0
"""A graph with keys, and programs that would command its arm with other keys or none."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vera_ros.bringup.enclaves import ENABLE, OVERRIDE, enclave_of, secure_environment
from vera_ros.bringup.graph import command, nodes
from vera_ros.bringup.graph_options import GraphOptions
from vera_ros.bringup.isolation import own_domain
from vera_ros.bringup.middleware import on_loopback

if TYPE_CHECKING:
    from test.ros_helpers import PATIENCE_S, Processes
else:
    from ros_helpers import PATIENCE_S, Processes

pytest.importorskip("sros2", reason="needs ros-$ROS_DISTRO-sros2; test_grants.py needs it not")

INTRUDER = Path(__file__).with_name("intruder.py")
TRIES_S = "10"  # how long each program tries
NOBODY = "nobody"
OTHERS = ("judge_node", "observer", "reference_server")
INTRUDERS = ("operator", "policy_node", *OTHERS, NOBODY)
NOTHING: dict[str, list[str]] = {"publishes": [], "calls": []}
May = Mapping[str, Mapping[str, list[str]]]
ALL_SERVICES = [f"/ik_node/{name}" for name in ("approve", "hold", "release", "stop")]


def intrude(keystore: Path, environment: Mapping[str, str], keys_of: str) -> dict[str, list[str]]:
    """What a program with the keys of an enclave can do. `keys_of`: its name; NOBODY: no keys."""
    mine = {**environment, ENABLE: "false"}
    if keys_of != NOBODY:
        mine |= {**secure_environment(keystore), OVERRIDE: enclave_of("", keys_of)}
    ended = subprocess.run(
        [sys.executable, INTRUDER, keys_of, TRIES_S],
        env=mine,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    found: dict[str, list[str]] = json.loads(ended.stdout.splitlines()[-1])
    return found


def make_keys(folder: Path, environment: dict[str, str]) -> Path:
    """A keystore for the plain graph, as docs/how_to/secure_the_graph.md makes it."""
    policies = folder / "policies"
    writes = [sys.executable, "-m", "vera_ros.security.cli", str(policies)]
    subprocess.run(writes, env=environment, check=True, timeout=60, stdout=subprocess.DEVNULL)
    keystore = folder / "keys"
    if shutil.which("ros2") is None:
        pytest.skip("needs ros2")
    generate = ["ros2", "security", "generate_artifacts", "-k", str(keystore), "-p"]
    subprocess.run(
        [*generate, *sorted(map(str, policies.iterdir()))],
        env=environment,
        check=True,
        timeout=60,
        stdout=subprocess.DEVNULL,
    )
    return keystore


@pytest.fixture(scope="module")
def may(tmp_path_factory: pytest.TempPathFactory) -> May:
    """What programs can do to the arm's side of a graph with keys, by whose keys they have."""
    folder = tmp_path_factory.mktemp("secure")
    with own_domain() as domain:
        environment = {
            **os.environ,
            **on_loopback(os.environ),
            "ROS_DOMAIN_ID": str(domain),
            "ROS_HOME": str(folder),
        }
        keystore = make_keys(folder, environment)
        specs = nodes(GraphOptions(keystore=keystore, server="attach", judge=False))
        with Processes(folder, {**environment, **secure_environment(keystore)}) as processes:
            for spec in specs:
                if spec.name in ("sim_node", "ik_node"):
                    processes.start(spec.name, command(spec, "", folder))
            deadline_s = time.monotonic() + PATIENCE_S
            while not all(" active\n" in processes.log(name) for name in ("sim_node", "ik_node")):
                assert time.monotonic() < deadline_s, processes.log("ik_node")
                try:
                    processes.check()
                except AssertionError as ended:
                    if "SECURITY=ON" in str(ended):
                        pytest.skip("needs a middleware with security; this one has none")
                    raise
                time.sleep(0.05)
            with ThreadPoolExecutor(len(INTRUDERS)) as pool:
                found = pool.map(partial(intrude, keystore, environment), INTRUDERS)
                may = dict(zip(INTRUDERS, found, strict=True))
            processes.check()
    return may


def test_the_operator_is_obeyed_but_drives_nothing(may: May) -> None:
    assert may["operator"] == {"publishes": ["/hold"], "calls": ALL_SERVICES}


def test_the_policys_keys_send_chunks_and_stop(may: May) -> None:
    assert may["policy_node"] == {"publishes": ["/action_chunk"], "calls": ["/ik_node/stop"]}


@pytest.mark.parametrize("keys_of", OTHERS)
def test_other_keys_command_nothing(keys_of: str, may: May) -> None:
    assert may[keys_of] == NOTHING


def test_without_keys_nothing_is_reached(may: May) -> None:
    assert may[NOBODY] == NOTHING

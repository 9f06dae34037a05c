# SPDX-License-Identifier: Apache-2.0
import os
import socket

import pytest

from vera_ros.bringup.isolation import free_port
from vera_ros.doctor.facts.ports import Holder, holder_of, is_local, judge
from vera_ros.doctor.finding import Verdict


def test_whoever_listens_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        holder = holder_of(server.getsockname()[1])
    assert holder is not None
    assert holder.pid == os.getpid()
    assert f"(pid {os.getpid()})" in str(holder)


def test_nobody_holds_a_free_port() -> None:
    assert holder_of(free_port()) is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("127.0.1.1", True), ("gpu.example", False)],
)
def test_this_machine_is_known(host: str, expected: bool) -> None:
    assert is_local(host) is expected


NGINX = Holder("nginx", 80)


@pytest.mark.parametrize(
    ("holders", "viewer_port", "running", "expected", "found"),
    [
        ({8800: None, 8801: None}, 8801, False, Verdict.OK, "8800 is free, 8801 is free"),
        ({8800: NGINX}, 0, True, Verdict.OK, "held by nginx (pid 80)"),
        ({8800: None, 8801: NGINX}, 8801, False, Verdict.FAILURE, "VERA does not start"),
        ({8800: NGINX, 8801: NGINX}, 8801, True, Verdict.OK, "held"),
        ({8800: Holder()}, 0, False, Verdict.OK, "another user"),
        ({}, 8801, True, Verdict.SKIPPED, "another machine"),
    ],
)
def test_ports_are_free_or_the_servers(
    holders: dict[int, Holder | None],
    viewer_port: int,
    running: bool,
    expected: Verdict,
    found: str,
) -> None:
    finding = judge(holders, viewer_port, running=running)
    assert finding.verdict is expected
    assert found in finding.found

# SPDX-License-Identifier: Apache-2.0
"""Judged from what the Docker client prints, in several versions and states."""

import json
from typing import Any

import pytest

from vera_ros.doctor.checks.docker import judge_compose, judge_engine, judge_image, judge_toolkit
from vera_ros.doctor.facts.tools import Output
from vera_ros.doctor.finding import Verdict

VERSION = Output(0, "Docker version 28.2.2, build e6534b4\n", "")
RUNTIMES = {
    "io.containerd.runc.v2": {"path": "runc"},
    "nvidia": {"path": "nvidia-container-runtime"},
    "runc": {"path": "runc"},
}
PLAIN = {"io.containerd.runc.v2": {"path": "runc"}, "runc": {"path": "runc"}}
NOT_RUNNING = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. "
    "Is the docker daemon running?"
)
NOT_ALLOWED = (
    "permission denied while trying to connect to the Docker daemon socket at "
    'unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.50/info": '
    "dial unix /var/run/docker.sock: connect: permission denied"
)
NO_PLUGIN = Output(
    1, "", "docker: unknown command: docker compose\n\nRun 'docker --help' for more information\n"
)


def info(**facts: Any) -> dict[str, Any]:
    return {"ServerVersion": "28.2.2", "DockerRootDir": "/var/lib/docker", **facts}


def test_an_engine_that_answers_is_described() -> None:
    finding = judge_engine(VERSION, Output(0, json.dumps(info()), ""))
    assert finding.verdict is Verdict.OK
    assert finding.found == "Docker version 28.2.2, build e6534b4, engine 28.2.2"


@pytest.mark.parametrize(
    ("printed", "mend"),
    [
        (Output(1, json.dumps({"ID": "", "ServerErrors": [NOT_RUNNING]}), ""), "systemctl"),
        (Output(1, json.dumps({"ID": "", "Containers": 0}), NOT_RUNNING), "systemctl"),
        (Output(1, "", NOT_RUNNING), "systemctl"),
        (Output(1, json.dumps({"ID": "", "ServerErrors": [NOT_ALLOWED]}), ""), "usermod"),
        (Output(1, "", NOT_ALLOWED), "usermod"),
    ],
)
def test_an_engine_that_does_not_answer_is_a_failure(printed: Output, mend: str) -> None:
    finding = judge_engine(VERSION, printed)
    assert finding.verdict is Verdict.FAILURE
    assert mend in finding.mend


def test_compose_is_for_convenience() -> None:
    assert judge_compose(Output(0, "Docker Compose version v2.36.2\n", "")).verdict is Verdict.OK
    assert judge_compose(NO_PLUGIN).verdict is Verdict.WARNING


@pytest.mark.parametrize(
    ("facts", "have_toolkit", "expected", "mend"),
    [
        (info(Runtimes=RUNTIMES), True, Verdict.OK, ""),
        (
            info(Runtimes=PLAIN, DiscoveredDevices=[{"Source": "cdi", "ID": "nvidia.com/gpu=0"}]),
            True,
            Verdict.OK,
            "",
        ),
        (info(Runtimes=PLAIN), True, Verdict.FAILURE, "nvidia-ctk runtime configure"),
        (info(Runtimes=PLAIN), False, Verdict.FAILURE, "install nvidia-container-toolkit"),
        (info(Runtimes=None), False, Verdict.FAILURE, "install nvidia-container-toolkit"),
    ],
)
def test_containers_need_a_way_to_the_gpu(
    facts: dict[str, Any], have_toolkit: bool, expected: Verdict, mend: str
) -> None:
    finding = judge_toolkit(facts, "all", have_toolkit=have_toolkit)
    assert finding.verdict is expected
    assert mend in finding.mend


def test_a_container_without_a_gpu_needs_no_toolkit() -> None:
    finding = judge_toolkit(info(Runtimes=PLAIN), "", have_toolkit=False)
    assert finding.verdict is Verdict.SKIPPED


NO_IMAGE = Output(1, "[]\n", "Error response from daemon: No such image: vera-server:latest\n")
ROOM, NO_ROOM = 100_000_000_000, 3_000_000_000


@pytest.mark.parametrize(
    ("image", "free", "build", "expected", "named"),
    [
        (Output(0, "[{}]", ""), NO_ROOM, False, Verdict.OK, "vera-server"),
        (NO_IMAGE, ROOM, True, Verdict.OK, "built at the first start"),
        (NO_IMAGE, ROOM, False, Verdict.FAILURE, "no image 'vera-server'"),
        (NO_IMAGE, NO_ROOM, True, Verdict.FAILURE, "3 GB free"),
    ],
)
def test_the_image_is_there_or_can_be_built(
    image: Output, free: int, build: bool, expected: Verdict, named: str
) -> None:
    finding = judge_image(image, "vera-server", free, build=build, pinned=True)
    assert finding.verdict is expected
    assert named in finding.found


@pytest.mark.parametrize("pinned", [True, False])
def test_an_image_of_an_image_without_digest_is_unverified(pinned: bool) -> None:
    there = Output(0, "[]", "")
    finding = judge_image(there, "vera-server", 10**12, build=False, pinned=pinned)
    assert finding.verdict is Verdict.OK
    assert ("unverified" in finding.found) is not pinned

# SPDX-License-Identifier: Apache-2.0
"""The checks of GPU and Docker with programs of these names on the PATH, good and bad ones."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vera_ros.doctor.checks.table import CHECKS
from vera_ros.doctor.finding import Finding, Verdict
from vera_ros.doctor.options import Options
from vera_ros.doctor.runner import run

PATIENCE_S = 60.0
INFO = {
    "ServerVersion": "28.2.2",
    "DockerRootDir": "/",
    "Runtimes": {"nvidia": {"path": "nvidia-container-runtime"}, "runc": {"path": "runc"}},
}
DOCKER = f"""\
case "$*" in
  --version) echo 'Docker version 28.2.2, build e6534b4' ;;
  info*) echo '{json.dumps(INFO)}' ;;
  'image inspect vera-server') echo '[{{}}]' ;;
  'compose version') echo 'Docker Compose version v2.36.2' ;;
esac
"""
NVIDIA_SMI = "echo '0, GPU-1a, NVIDIA GeForce RTX 4090, 49140, 48500, 550.54.14, 8.9'\n"
HANGS = "sleep 600\n"

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a shell script in front on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def write(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}")
        (tmp_path / name).chmod(0o755)

    return write


def look(name: str, server: str = "docker", deadline_s: float = PATIENCE_S) -> list[Finding]:
    checks = [check for check in CHECKS if check.name == name]
    findings = run(checks, Options(server=server, deadline_s=deadline_s))
    return [finding for of_one in findings.values() for finding in of_one]


def test_a_machine_that_is_ready_is_found_ready(install: Install) -> None:
    install("docker", DOCKER)
    install("nvidia-smi", NVIDIA_SMI)
    assert [finding.verdict for finding in look("GPU")] == [Verdict.OK]
    found = [finding for name in ("Docker", "container") for finding in look(name)]
    assert {finding.name: finding.verdict for finding in found} == dict.fromkeys(
        ("Docker", "Docker compose", "GPUs in containers", "image"), Verdict.OK
    )


@pytest.mark.parametrize(("name", "program"), [("Docker", "docker"), ("GPU", "nvidia-smi")])
def test_a_program_that_hangs_is_a_finding(install: Install, name: str, program: str) -> None:
    install(program, f"exec {HANGS}")
    (finding,) = look(name, deadline_s=1.0)
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.found.endswith("no answer within 1 s")
    assert program in finding.mend


def test_a_python_with_vera_is_found_by_its_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of them is imported."""
    monkeypatch.setenv("VERA_PYTHONPATH", str(tmp_path))
    (finding,) = look("VERA", "subprocess")
    assert finding.verdict is Verdict.FAILURE
    assert f"{sys.executable} has no VERA" in finding.found
    package = tmp_path / "vera" / "server"
    package.mkdir(parents=True)
    for file in (package.parent / "__init__.py", package / "__init__.py"):
        file.touch()
    (package / "start_vera_server.py").write_text("raise RuntimeError('imported')")
    (finding,) = look("VERA", "subprocess")
    assert "has VERA, but no PyTorch" in finding.found
    distribution = tmp_path / "torch-2.6.0.dist-info"
    distribution.mkdir()
    metadata = "Metadata-Version: 2.1\nName: torch\nVersion: 2.6.0\n"
    (distribution / "METADATA").write_text(metadata)
    (finding,) = look("VERA", "subprocess")
    assert finding.verdict is Verdict.OK
    assert finding.found == f"{sys.executable}, PyTorch 2.6.0"


@pytest.mark.parametrize("server", ["reference", "attach", "subprocess"])
def test_docker_is_for_the_server_in_a_container_alone(server: str) -> None:
    for name in ("Docker", "container"):
        (finding,) = look(name, server)
        assert finding.verdict is Verdict.SKIPPED
        assert finding.found.startswith("not needed: ")

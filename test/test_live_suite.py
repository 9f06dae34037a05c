# SPDX-License-Identifier: Apache-2.0
"""The live suite itself: it passes with a server that is right, and is left out without one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vera_ros.server.host import PolicyHost
from vera_ros.server.reference.stack_policy import StackPolicy

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def port() -> Iterator[int]:
    host = PolicyHost(StackPolicy(), "127.0.0.1", 0)
    yield host.start()
    host.stop()


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: v for name, v in os.environ.items() if not name.startswith("VERA_LIVE")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test/live"],
        cwd=ROOT,
        env=clean | variables,
        capture_output=True,
        text=True,
        timeout=120.0,
        check=False,
    )


def test_a_server_that_is_right_passes_and_its_latency_is_told(port: int) -> None:
    ran = run(VERA_LIVE="1", VERA_LIVE_PORT=str(port))
    assert ran.returncode == 0, ran.stdout
    assert "planner reference" in ran.stdout
    assert "infer with 21 frames: " in ran.stdout


def test_a_server_for_another_robot_fails(port: int) -> None:
    ran = run(VERA_LIVE="1", VERA_LIVE_PORT=str(port), VERA_LIVE_EMBODIMENT="droid")
    assert ran.returncode == 1
    assert "'droid' is configured here" in ran.stdout


def test_nobody_asked_for_it() -> None:
    ran = run()
    assert ran.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "4 deselected" in ran.stdout
    assert "test/live was left out: it needs a policy server; set VERA_LIVE=1" in ran.stdout

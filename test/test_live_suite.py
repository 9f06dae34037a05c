# SPDX-License-Identifier: Apache-2.0
"""The live suite itself: it passes with a server that is right, and is left out without one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vera_ros.embodiments import find_embodiment
from vera_ros.robots.mimicgen.arm import ARM
from vera_ros.robots.stacking.policy.stack_policy import StackPolicy
from vera_ros.server.host import PolicyHost
from vera_ros.wire.protocol.messages import InferReply
from vera_ros.wire.protocol.server_config import ServerConfig

from .live.server import LiveServer

ROOT = Path(__file__).resolve().parents[1]

REACH = (0.05, 0.05, 0.05, 0.1, 0.1, 0.1)  # plausible in m and rad


@pytest.fixture
def port() -> Iterator[int]:
    host = PolicyHost(StackPolicy(ARM), "127.0.0.1", 0)
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


def check(embodiment: str, pose: tuple[float, ...], gripper: float = -1.0, **said: Any) -> None:
    """Have the suite judge a step and the opposite one."""
    actions = np.array([[*pose, gripper], [*(-v for v in pose), gripper]], np.float32)
    config = ServerConfig.from_wire(StackPolicy(ARM).server_config())
    live = LiveServer("", find_embodiment(embodiment))
    live.check(InferReply(actions, {}), replace(config, embodiment=embodiment, **said))


@pytest.mark.parametrize(
    ("embodiment", "pose", "said"),
    [
        ("mimicgen", (1.0, 0.0, -1.0, 0.0, 0.5, 1.0), {}),
        ("droid", REACH, {}),
        (
            "droid",
            (1.0,) * 6,
            {"actions_already_metric": False, "action_abs_scale": (*REACH, 1.0)},
        ),
    ],
)
def test_actions_in_range_pass(
    embodiment: str, pose: tuple[float, ...], said: dict[str, Any]
) -> None:
    check(embodiment, pose, **said)
    check(embodiment, pose, gripper=1.0, **said)


@pytest.mark.parametrize(
    ("embodiment", "pose", "gripper", "said"),
    [
        ("mimicgen", (0.0, 0.0, 1.01, 0.0, 0.0, 0.0), -1.0, {}),
        ("mimicgen", (0.0, 0.0, 0.0, 0.0, 0.0, -1.01), -1.0, {}),
        ("mimicgen", (0.0,) * 6, 1.5, {}),
        ("droid", (0.11, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0, {}),
        ("droid", (0.0, 0.0, 0.0, 0.0, 0.21, 0.0), 0.0, {}),
        ("droid", REACH, 7.0, {}),
        (
            "droid",
            (0.2, *REACH[1:]),
            0.0,
            {"actions_already_metric": False, "action_abs_scale": (1.0,) * 7},
        ),
    ],
)
def test_actions_out_of_range_do_not(
    embodiment: str, pose: tuple[float, ...], gripper: float, said: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError):
        check(embodiment, pose, gripper, **said)

# SPDX-License-Identifier: Apache-2.0
"""Processes are killed, started again and frozen, one without the others."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vera_ros.bringup.failures import NodeDiedError
from verification.chaos.system.processes import Processes

SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")
PATIENCE_S = 30.0


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path, os.environ)
    yield processes
    processes.stop()


def state_of(pid: int) -> str:
    """As /proc has it: S sleeps, T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def wait_for_state(pid: int, states: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while state_of(pid) not in states:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_one_is_killed_and_started_again(processes: Processes, tmp_path: Path) -> None:
    for name in ("a", "b"):
        processes.start(name, SLEEPER)
    before = processes.pids
    processes.kill("a")
    assert set(processes.pids) == {"b"}
    processes.check()
    processes.start_again("a")
    assert processes.pids["a"] != before["a"]
    assert processes.pids["b"] == before["b"]
    assert {path.name for path in tmp_path.glob("*.log")} == {"a-1.log", "a-2.log", "b-1.log"}


def test_one_is_frozen_and_thawed(processes: Processes) -> None:
    processes.start("a", SLEEPER)
    processes.freeze("a")
    wait_for_state(processes.pids["a"], "T")
    processes.thaw("a")
    wait_for_state(processes.pids["a"], "SR")
    processes.thaw("nobody")


def test_what_ends_by_itself_is_noticed(processes: Processes) -> None:
    processes.start("a", (sys.executable, "-c", "print('goodbye'); raise SystemExit(3)"))
    wait_for_state(processes.pids["a"], "Z")
    with pytest.raises(NodeDiedError, match=r"exit code 3[\s\S]*goodbye"):
        processes.check()


def test_a_frozen_one_is_stopped_with_the_others(processes: Processes) -> None:
    processes.start("a", SLEEPER)
    processes.start("b", SLEEPER)
    pids = processes.pids
    processes.freeze("a")
    processes.stop(["a"])
    assert set(processes.pids) == {"b"}
    processes.stop()
    assert processes.pids == {}
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids.values())

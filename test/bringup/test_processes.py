# SPDX-License-Identifier: Apache-2.0
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vera_ros.bringup.failures import DemoError, NodeDiedError
from vera_ros.bringup.processes import Processes

_PATIENCE_S = 60.0

_WAITS = "import signal; print('up', flush=True); signal.pause()"
_STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_WAITS}"
_DIES = "import sys; print('\\n'.join(f'line {i}' for i in range(100))); sys.exit(3)"
_PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {_WAITS!r}])
print("child", child.pid, flush=True)
child.wait()
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def wait_for(processes: Processes, name: str, condition: Callable[[str], bool]) -> str:
    """Wait until a log says what it should; return the log."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while not condition(text := processes.log_of(name).read_text()):
        assert time.monotonic() < deadline_s, f"the log of {name} never said it: {text!r}"
        processes.check()
        os.sched_yield()
    return text


def wait_until_gone(pid: int) -> None:
    """Wait until there is no such process."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            assert poll.poll(_PATIENCE_S * 1000), f"process {pid} is still there"
        finally:
            os.close(descriptor)


def test_a_process_that_ends_early_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    with Processes(tmp_path, os.environ) as processes:
        processes.start("good_node", python(_WAITS))
        wait_until_gone(processes.start("bad_node", python(_DIES)))
        with pytest.raises(NodeDiedError) as error:
            processes.check()
    message = str(error.value)
    assert "bad_node" in message
    assert "exit code 3" in message
    assert str(tmp_path / "bad_node.log") in message
    assert "line 99" in message
    assert "line 50" not in message


def test_a_process_that_was_killed_is_named_with_the_signal(tmp_path: Path) -> None:
    with Processes(tmp_path, os.environ) as processes:
        pid = processes.start("node", python(_WAITS))
        os.kill(pid, signal.SIGKILL)
        wait_until_gone(pid)
        with pytest.raises(NodeDiedError, match="SIGKILL"):
            processes.check()


def test_processes_that_run_are_no_reason_to_complain(tmp_path: Path) -> None:
    with Processes(tmp_path, os.environ) as processes:
        pid = processes.start("node", python(_WAITS))
        wait_for(processes, "node", lambda text: "up" in text)
        processes.check()
        assert processes.stop() == []
    wait_until_gone(pid)


def test_a_stubborn_process_is_killed(tmp_path: Path) -> None:
    with Processes(tmp_path, os.environ, grace_s=0.1) as processes:
        pid = processes.start("stubborn", python(_STUBBORN))
        wait_for(processes, "stubborn", lambda text: "up" in text)
        assert processes.stop() == ["stubborn"]
    wait_until_gone(pid)


def test_what_a_process_started_ends_with_it(tmp_path: Path) -> None:
    with Processes(tmp_path, os.environ) as processes:
        processes.start("parent", python(_PARENT))
        log = wait_for(processes, "parent", lambda text: "child" in text and "\n" in text)
    wait_until_gone(int(log.split()[1]))


def test_an_exception_leaves_nothing_behind(tmp_path: Path) -> None:
    started = []

    def fail() -> None:
        with Processes(tmp_path, os.environ) as processes:
            started.append(processes.start("node", python(_WAITS)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    wait_until_gone(*started)


def test_the_death_of_this_process_leaves_nothing_behind(tmp_path: Path) -> None:
    code = f"""
import os, signal, sys
from pathlib import Path
from vera_ros.bringup.processes import Processes
processes = Processes(Path({str(tmp_path)!r}), os.environ)
print(processes.start("stubborn", [sys.executable, "-c", {_STUBBORN!r}]), flush=True)
signal.pause()
"""
    with subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    wait_until_gone(pid)


def test_a_command_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with (
        Processes(tmp_path, os.environ) as processes,
        pytest.raises(DemoError, match=r"no_node.*no/such/program"),
    ):
        processes.start("no_node", ["/no/such/program"])

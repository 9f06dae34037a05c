# SPDX-License-Identifier: Apache-2.0
"""One at a time per port, also when the holder is killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vera_ros.bringup.isolation import free_port
from vera_ros.errors import ServerStartError
from vera_ros.server.port_lock import PortLock

_HOLD = """
import sys
from vera_ros.server.port_lock import PortLock
lock = PortLock(int(sys.argv[1]))
print(lock.acquire(), flush=True)
input()
"""


def test_one_at_a_time_and_each_port_for_itself() -> None:
    port = free_port()
    mine, yours, elsewhere = PortLock(port), PortLock(port), PortLock(port + 1)
    assert mine.acquire()
    assert mine.acquire()
    assert not yours.acquire()
    assert elsewhere.acquire()
    mine.release()
    mine.release()
    assert yours.acquire()
    for lock in (yours, elsewhere):
        lock.release()


def test_a_holder_that_is_killed_holds_nothing() -> None:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert not PortLock(port).acquire()
        holder.kill()
    lock = PortLock(port)
    assert lock.acquire()
    lock.release()


def test_a_lock_s_folder_that_others_can_write_to_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / f"vera_ros-{os.geteuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ServerStartError, match=f"other users can write to '{folder}'"):
        PortLock(free_port()).acquire()

# SPDX-License-Identifier: Apache-2.0
"""Whether the owner of a container is gone; in doubt it is not."""

import os
import subprocess
import sys

import pytest

from vera_ros.server.owner import identify_this_process, is_gone

_SAY = "from vera_ros.server.owner import identify_this_process as me; print(me(), flush=True); "


def test_a_process_that_lives_is_not_gone_and_one_that_ended_is() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SAY + "input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        identity = process.stdout.readline().strip()
        assert identity.split("/")[2] == str(process.pid)
        assert not is_gone(identity)
        assert not is_gone(identify_this_process())
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(identity)  # a zombie does nothing any more
    assert is_gone(identity)


def test_another_process_of_the_same_id_is_not_the_owner() -> None:
    *where, _ticks = identify_this_process().split("/")
    assert is_gone("/".join([*where, "1"]))


@pytest.mark.parametrize("part", [0, 1])
def test_of_another_machine_or_container_nobody_knows(part: int) -> None:
    parts = identify_this_process().split("/")
    parts[2] = "4194305"
    assert is_gone("/".join(parts))
    parts[part] = "another"
    assert not is_gone("/".join(parts))


@pytest.mark.parametrize("text", ["", "a/b", "somebody/else/entirely/here", "//x/1"])
def test_what_is_no_identity_is_nobodys(text: str) -> None:
    assert not is_gone(text)

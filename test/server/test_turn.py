# SPDX-License-Identifier: Apache-2.0
"""One at a time per port, also when the holder is killed."""

import subprocess
import sys

from vera_ros.bringup.isolation import free_port
from vera_ros.server.turn import Turn

_HOLD = """
import sys
from vera_ros.server.turn import Turn
turn = Turn(int(sys.argv[1]))
print(turn.take(), flush=True)
input()
"""


def test_one_at_a_time_and_each_port_for_itself() -> None:
    port = free_port()
    mine, yours, elsewhere = Turn(port), Turn(port), Turn(port + 1)
    assert mine.take()
    assert mine.take()
    assert not yours.take()
    assert elsewhere.take()
    mine.give()
    mine.give()
    assert yours.take()
    for turn in (yours, elsewhere):
        turn.give()


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
        assert not Turn(port).take()
        holder.kill()
    turn = Turn(port)
    assert turn.take()
    turn.give()

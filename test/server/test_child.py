# SPDX-License-Identifier: Apache-2.0
"""Child processes: followed, ended, and not outlived by what they started."""

import asyncio
import sys
from pathlib import Path

import pytest

from vera_ros.errors import ServerStartError
from vera_ros.server.child import Child, describe_end, run_to_end

from .room import Room

LONG_S = 60.0
WAITS = "import signal; signal.pause()"
# Its child holds the output open.
LEAVES_A_CHILD = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {WAITS!r}])
print("going", flush=True)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_its_end_is_noticed_though_its_children_live_and_they_end_with_a_stop(room: Room) -> None:
    async def scenario() -> None:
        lines: list[str] = []
        child = Child(python(LEAVES_A_CHILD), room.environment(), lines.append)
        await child.start()
        assert await asyncio.wait_for(child.wait(), LONG_S) == 0
        assert lines == ["going"]
        assert len(room.processes()) == 1
        await child.stop(LONG_S)

    asyncio.run(scenario())
    assert room.is_empty()


def test_it_runs_where_it_is_told_to(room: Room, tmp_path: Path) -> None:
    async def scenario() -> None:
        child = Child(["pwd", "-P"], room.environment(), lambda line: None, folder=str(tmp_path))
        await child.start()
        assert await asyncio.wait_for(child.wait(), LONG_S) == 0
        assert child.output.last == str(tmp_path.resolve())

    asyncio.run(scenario())


def test_stopping_what_never_started_and_twice(room: Room) -> None:
    async def scenario() -> None:
        child = Child(python(WAITS), room.environment(), lambda line: None)
        await child.stop(LONG_S)
        await child.start()
        await child.stop(LONG_S)
        await child.stop(LONG_S)

    asyncio.run(scenario())
    assert room.is_empty()


def test_what_ignores_the_request_is_killed(room: Room) -> None:
    async def scenario() -> int:
        stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); "
        up = asyncio.Event()
        child = Child(
            python(stubborn + "import sys; sys.stdout.flush(); " + WAITS),
            room.environment(),
            lambda line: up.set(),
        )
        await child.start()
        await asyncio.wait_for(up.wait(), LONG_S)
        await child.stop(grace_s=0.1)
        return await child.wait()

    assert asyncio.run(scenario()) == -9
    assert room.is_empty()


def test_what_cannot_be_started_is_named(room: Room) -> None:
    with pytest.raises(ServerStartError, match=r"cannot be started .*: /no/such/program -x"):
        asyncio.run(run_to_end(["/no/such/program", "-x"], None, lambda line: None, LONG_S))


def test_what_takes_too_long_is_named_and_ended(room: Room) -> None:
    with pytest.raises(ServerStartError, match=r"no answer within 0.5 s"):
        asyncio.run(run_to_end(python(WAITS), room.environment(), lambda line: None, 0.5))
    assert room.is_empty()


def test_a_cancelled_command_is_ended(room: Room) -> None:
    async def scenario() -> None:
        running = asyncio.create_task(
            run_to_end(python(WAITS), room.environment(), lambda line: None, LONG_S)
        )
        while not room.processes():
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())
    assert room.is_empty()


def test_an_end_is_told_with_the_last_words() -> None:
    child = Child(["true"], None, lambda line: None)
    child.output.feed(b"one\ntwo\n")
    assert describe_end(-11, child.output) == "killed by SIGSEGV; its last lines:\n    one\n    two"

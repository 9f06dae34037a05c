# SPDX-License-Identifier: Apache-2.0
"""VERA's server as a process: up, down, and every way in which it does not come up."""

import asyncio
import contextlib
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vera_ros.robots.mimicgen.arm import ARM
from vera_ros.robots.stacking.policy.stack_policy import StackPolicy
from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.host import PolicyHost
from vera_ros.server.keeper import ServerState
from vera_ros.server.modes.local import launch_command, launch_environment
from vera_ros.server.settings import ServerSettings

from ..keeping import keeping
from ..room import Room


def local(room: Room, **more: Any) -> dict[str, Any]:
    return room.settings(server_mode="subprocess", **more)


async def failure(room: Room, behaviour: str = "serve", **more: Any) -> str:
    environment = room.environment(VERA_LAUNCHER_BEHAVIOUR=behaviour)
    async with keeping(local(room, **more), environment) as kept:
        return await kept.failure()


@contextlib.contextmanager
def hosted(port: int, policy: StackPolicy | None = None) -> Iterator[None]:
    host = PolicyHost(policy or StackPolicy(ARM), "127.0.0.1", port)
    host.start()
    try:
        yield
    finally:
        host.stop()


class Droid(StackPolicy):
    def server_config(self) -> dict[str, Any]:
        return {**super().server_config(), "embodiment": "droid"}


def test_it_is_ready_after_a_handshake_and_gone_after_the_end(room: Room) -> None:
    async def scenario() -> None:
        async with keeping(local(room), room.environment()) as kept:
            status = await kept.until_ready()
            assert status.ours
            assert status.config is not None
            assert status.config.embodiment == "mimicgen"
            states = [said.state for said in kept.said]
            assert states == [
                ServerState.LOOKING,
                ServerState.STARTING,
                ServerState.LOADING,
                ServerState.READY,
            ]
            await kept.until(lambda: "serving" in kept.lines)
            assert len(room.processes("start_vera_server")) == 1

    asyncio.run(scenario())
    assert room.is_empty()


def test_while_it_loads_it_tells_how_long_and_what_it_said_last(room: Room) -> None:
    async def scenario() -> None:
        environment = room.environment(VERA_LAUNCHER_BEHAVIOUR="hang")
        async with keeping(local(room), environment, progress_s=0.02) as kept:
            await kept.until(lambda: "Loading shards: 100%" in kept.said[-1].message)
            assert kept.state is ServerState.LOADING
            assert re.search(r", for \d+ s; its last line: Loading", kept.said[-1].message)

    asyncio.run(scenario())


def test_it_finds_one_that_runs_and_leaves_it_alone(room: Room) -> None:
    async def scenario() -> None:
        async with keeping(local(room), room.environment()) as first:
            await first.until_ready()
            async with keeping(local(room), room.environment()) as second:
                assert not (await second.until_ready()).ours
                assert len(room.processes("start_vera_server")) == 1
            assert first.state is ServerState.READY
            assert len(room.processes("start_vera_server")) == 1

    asyncio.run(scenario())


def test_when_the_one_that_it_found_goes_it_starts_its_own(room: Room) -> None:
    async def scenario() -> None:
        async with keeping(local(room), room.environment()) as first:
            await first.until_ready()
            async with keeping(local(room), room.environment()) as second:
                await second.until_ready()
                first.task.cancel()
                await second.until(
                    lambda: second.state is ServerState.READY and second.said[-1].ours
                )
                assert ServerState.LOST in [said.state for said in second.said]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("behaviour", "more", "words"),
    [
        ("die", {}, ("ended by itself: exit code 1", "loading mimicgen", "CUDA out of memory")),
        ("hang", {"ready_timeout_s": 2.0}, ("waited 2 s in vain", "ready_timeout_s")),
        ("stubborn", {"ready_timeout_s": 1.0}, ("waited 1 s in vain",)),
        ("stranger", {}, ("hosts embodiment 'droid'", "'mimicgen' is configured")),
        ("serve", {"pythonpath": ""}, ("exit code 1", "No module named 'vera'")),
        ("serve", {"interpreter": "/usr/bin/false"}, ("exit code 1", "it wrote nothing")),
        ("serve", {"ckpt_root": "/"}, ("checkpoints are missing", "run: hf download")),
        ("serve", {"embodiment": "droid"}, ("downloads droid's", "server_mode docker")),
        ("serve", {"dynamics_run_id": "37oa162u"}, ("dynamics_run_id is '37oa162u'",)),
    ],
)
def test_one_that_does_not_come_up_says_why_and_leaves_nothing(
    room: Room, behaviour: str, more: dict[str, Any], words: tuple[str, ...]
) -> None:
    said = asyncio.run(failure(room, behaviour, **more))
    for word in words:
        assert word in said
    assert room.is_empty()


def test_its_children_go_with_it(room: Room) -> None:
    async def scenario() -> None:
        environment = room.environment(VERA_LAUNCHER_BEHAVIOUR="with-children")
        async with keeping(local(room), environment) as kept:
            await kept.until_ready()
            assert len(room.processes()) == 2

    asyncio.run(scenario())
    assert room.is_empty()


def test_one_that_is_killed_is_noticed(room: Room) -> None:
    async def scenario() -> None:
        async with keeping(local(room), room.environment()) as kept:
            await kept.until_ready()
            os.kill(room.processes("start_vera_server")[0], 9)
            said = await kept.failure()
            assert "ended by itself: killed by SIGKILL" in said
            assert "serving" in said

    asyncio.run(scenario())


def test_a_server_for_another_robot_is_named_and_nothing_is_started(room: Room) -> None:
    with hosted(room.port, Droid(ARM)):
        said = asyncio.run(failure(room))
    assert f"127.0.0.1:{room.port}" in said
    assert "hosts embodiment 'droid'" in said
    assert "another server_port" in said


@pytest.mark.parametrize(
    "words", [b"220 mail.example ESMTP\r\n", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]
)
def test_a_port_of_another_program_is_named(room: Room, words: bytes) -> None:
    async def scenario() -> str:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(words)
            await reader.read()
            writer.close()

        async with await asyncio.start_server(talk, "127.0.0.1", room.port):
            return await failure(room)

    said = asyncio.run(scenario())
    assert f"what answers at ws://127.0.0.1:{room.port} is not a policy server" in said


def test_a_port_that_says_nothing_is_waited_for_and_then_named(room: Room) -> None:
    """It may be a server in the middle of an inference."""
    with socket.create_server(("127.0.0.1", room.port)):
        said = asyncio.run(failure(room, ready_timeout_s=1.0))
    assert "waited 1 s in vain" in said
    assert f"what listens at ws://127.0.0.1:{room.port} does not answer the handshake" in said


def test_the_process_that_runs_has_no_token(room: Room) -> None:
    async def scenario() -> None:
        environment = room.environment(HF_TOKEN="hf_secret", VERA_TOKEN="mine", PGPASSWORD="xyz")
        async with keeping(local(room), environment) as kept:
            await kept.until_ready()
            (process,) = room.processes("start_vera_server")
            variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
            assert b"VERA_TEST_TAG=" + room.tag.encode() in variables
            names = {variable.partition(b"=")[0] for variable in variables}
            assert not names & {b"HF_TOKEN", b"VERA_TOKEN", b"PGPASSWORD"}

    asyncio.run(scenario())


def test_what_is_left_to_the_server_is_not_on_its_command_line() -> None:
    settings = ServerSettings(server_mode="subprocess")
    inherited = {"PATH": "/bin", "PYTHONPATH": "/ros", "LD_LIBRARY_PATH": "/ros", "HF_HOME": "/hf"}
    inherited |= {"TORCH_HOME": "/torch", "VERA_MOTION_PLAN_SCALE": "0", "HF_TOKEN": "hf_secret"}
    assert launch_command(settings, "", inherited) == [
        *(sys.executable, "-m", "vera.server.start_vera_server"),
        *("--embodiment=mimicgen", "--host=127.0.0.1", "--port=8800", "--vis-port=8801"),
        *("--teacache-thresh=0.1", "--no-debug-dump"),
    ]
    assert launch_environment(settings, Checkpoints(settings, inherited), inherited) == {
        "PATH": "/bin",
        "HF_HOME": "/hf",
        "TORCH_HOME": "/torch",
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "WANDB_MODE": "offline",
    }


def test_what_is_chosen_reaches_the_server() -> None:
    settings = ServerSettings(
        server_mode="subprocess",
        server_host="0.0.0.0",
        vis_port=0,
        text_prompt="-- stack --",
        sample_steps=4,
        teacache=0.0,
        tracker_backend="alltracker",
        motion_plan_scale=2.5,
        pythonpath="/vera",
    )
    environment = {"VERA_DEBUG_DUMP_DIR": "/dumps", "VERA_ALLTRACKER_ROOT": "/trackers"}
    assert launch_command(settings, "/planner.yaml", environment)[3:] == [
        *("--embodiment=mimicgen", "--host=0.0.0.0", "--port=8800", "--vis-port=0"),
        *("--algo-config=/planner.yaml", "--text=-- stack --"),
        *("--sample-steps=4", "--no-teacache"),
    ]
    variables = launch_environment(settings, Checkpoints(settings, environment), environment)
    assert variables["VERA_TRACKER_BACKEND"] == "alltracker"
    assert float(variables["VERA_MOTION_PLAN_SCALE"]) == 2.5
    assert variables["PYTHONPATH"] == "/trackers/alltracker:/vera"
    assert variables["VERA_ALLTRACKER_ROOT"] == "/trackers"


def test_nothing_is_downloaded_whatever_is_inherited() -> None:
    settings = ServerSettings(server_mode="subprocess")
    online = {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "WANDB_MODE": "online"}
    variables = launch_environment(settings, Checkpoints(settings, online), online)
    assert [variables[name] for name in online] == ["1", "1", "offline"]

# SPDX-License-Identifier: Apache-2.0
"""The keeper with a mode that does what a test says: who is waited for, and who is stopped."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from vera_ros.bringup.isolation import free_port
from vera_ros.errors import ServerStartError
from vera_ros.robots.mimicgen.arm import ARM
from vera_ros.robots.stacking.policy.stack_policy import StackPolicy
from vera_ros.server.host import PolicyHost
from vera_ros.server.keeper import ServerKeeper, ServerState, ServerStatus
from vera_ros.server.settings import ServerSettings

LONG_S = 60.0


class Scripted:
    """A mode that notes its calls; what it starts is a host, unless it is told to fail."""

    launches = True
    last_line = "its last line"
    tail = "    its last line"

    def __init__(self, settings: ServerSettings, failure: str = "") -> None:
        self._host = PolicyHost(StackPolicy(ARM), "127.0.0.1", settings.port)
        self._failure = failure
        self.calls: list[str] = []
        self.gone = asyncio.Event()

    def describe(self) -> str:
        return "a scripted server"

    async def prepare(self) -> None:
        self.calls.append("prepare")

    async def start(self) -> None:
        self.calls.append("start")
        if self._failure:
            raise ServerStartError(self._failure)

    def serve(self) -> None:
        self._host.start()

    async def ended(self) -> str:
        await self.gone.wait()
        return "its reason"

    async def stop(self) -> None:
        self.calls.append("stop")
        self._host.stop()


@contextlib.asynccontextmanager
async def kept(mode: Scripted, settings: ServerSettings) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(ServerKeeper(mode, settings, lambda status: None).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def settings(port: int, ready_timeout_s: float = LONG_S) -> ServerSettings:
    return ServerSettings(server_port=port, ready_timeout_s=ready_timeout_s)


def test_a_server_that_runs_already_was_not_told_what_to_be() -> None:
    async def scenario(**chosen: Any) -> ServerStatus:
        made = ServerSettings(server_port=free_port(), **chosen)
        mode = Scripted(made)
        said: list[ServerStatus] = []
        mode.serve()
        task = asyncio.create_task(ServerKeeper(mode, made, said.append).run())
        while not (said and said[-1].state is ServerState.READY):
            assert not task.done()
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return said[-1]

    plain = asyncio.run(scenario(ckpt_root="", ready_timeout_s=60.0, tracker_backend="auto"))
    assert (plain.ours, plain.unconfirmed) == (False, ())
    told = asyncio.run(scenario(sample_steps=4, motion_plan_scale=0.5, algo_config="/omni.yaml"))
    assert told.unconfirmed == ("algo_config /omni.yaml", "sample_steps 4", "motion_plan_scale 0.5")
    assert "may not have algo_config /omni.yaml, sample_steps 4" in told.message


async def failure_of(task: asyncio.Task[None]) -> str:
    with pytest.raises(ServerStartError) as failed:
        await asyncio.wait_for(task, LONG_S)
    return str(failed.value)


def test_its_end_is_noticed_while_the_port_says_nothing() -> None:
    async def scenario() -> None:
        port = free_port()
        mode = Scripted(settings(port))

        async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            mode.gone.set()  # while the handshake waits for an answer
            await reader.read()

        async with kept(mode, settings(port)) as task:
            while "start" not in mode.calls:
                await asyncio.sleep(0.001)
            async with await asyncio.start_server(say_nothing, "127.0.0.1", port):
                assert await failure_of(task) == "a scripted server ended by itself: its reason"
        assert mode.calls == ["prepare", "start", "stop"]

    asyncio.run(scenario())


def test_what_is_in_its_way_is_told_when_the_time_is_up() -> None:
    async def scenario() -> None:
        chosen = settings(free_port(), ready_timeout_s=1.0)
        mode = Scripted(chosen)
        async with kept(mode, chosen) as task:
            said = await failure_of(task)
        assert "waited 1 s in vain for a scripted server" in said
        assert "its last line" in said
        assert mode.calls == ["prepare", "start", "stop"]

    asyncio.run(scenario())


def test_a_start_that_fails_is_followed_by_a_stop() -> None:
    async def scenario() -> None:
        chosen = settings(free_port())
        mode = Scripted(chosen, failure="no room on the device")
        async with kept(mode, chosen) as task:
            assert await failure_of(task) == "no room on the device"
        assert mode.calls == ["prepare", "start", "stop"]

    asyncio.run(scenario())


def test_one_that_hangs_up_is_looked_for_again_and_not_started_twice() -> None:
    async def scenario() -> None:
        chosen = settings(free_port())
        mode = Scripted(chosen)
        said: list[ServerStatus] = []
        task = asyncio.create_task(ServerKeeper(mode, chosen, said.append).run())

        async def until(state: ServerState, times: int = 1) -> None:
            while sum(status.state is state for status in said) < times:
                assert not task.done()
                await asyncio.sleep(0.001)

        await until(ServerState.LOADING)
        mode.serve()
        await until(ServerState.READY)
        mode._host.stop()
        await until(ServerState.LOST)
        mode._host = PolicyHost(StackPolicy(ARM), "127.0.0.1", chosen.port)
        mode.serve()
        await until(ServerState.READY, times=2)
        assert all(status.ours for status in said if status.state is ServerState.READY)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert mode.calls == ["prepare", "start", "prepare", "stop"]

    asyncio.run(scenario())


def test_of_two_starts_at_once_one_waits_for_the_other() -> None:
    async def scenario() -> None:
        chosen = settings(free_port())
        first, second = Scripted(chosen), Scripted(chosen)
        async with kept(first, chosen) as starting:
            while "start" not in first.calls:
                await asyncio.sleep(0.001)
            said: list[ServerStatus] = []
            waiting = asyncio.create_task(ServerKeeper(second, chosen, said.append).run())
            while not said:
                await asyncio.sleep(0.001)
            first.serve()
            while said[-1].state is not ServerState.READY:
                await asyncio.sleep(0.001)
            assert not said[-1].ours
            assert said[-1].unconfirmed == ()
            assert not starting.done()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        assert first.calls == ["prepare", "start", "stop"]
        assert second.calls == ["prepare", "stop"]

    asyncio.run(scenario())


def test_when_the_other_gives_up_it_is_its_turn() -> None:
    async def scenario() -> None:
        chosen = settings(free_port())
        first, second = Scripted(chosen), Scripted(chosen)
        async with kept(first, chosen) as failing:
            while "start" not in first.calls:
                await asyncio.sleep(0.001)
            async with kept(second, chosen):
                while not second.calls:
                    await asyncio.sleep(0.001)
                first.gone.set()
                await failure_of(failing)
                while "start" not in second.calls:
                    await asyncio.sleep(0.001)

    asyncio.run(scenario())

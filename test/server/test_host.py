# SPDX-License-Identifier: Apache-2.0
"""The host makes any policy a VERA server: order, sessions, errors, over real sockets."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from vera_ros.errors import ConfigurationError, PolicyServerError
from vera_ros.server.host import PolicyHost
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.connection.failures import REQUEST_FAILED
from vera_ros.wire.protocol.codec import pack, unpack
from vera_ros.wire.protocol.messages import InferRequest, ObserveRequest
from vera_ros.wire.protocol.server_config import ServerConfig

LONG_S = 30.0
CONFIG = ServerConfig(
    embodiment="pusht",
    view_keys=("image",),
    action_space="pos",
    action_horizon=3,
    action_dim=2,
    context_frames=5,
    control_dt=0.1,
    gripper_is_raw=False,
    actions_already_metric=True,
    needs_prompt=False,
)


class ScriptedPolicy:
    """Notes what is asked of it, and fails or waits when the prompt says so."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.threads: set[int] = set()
        self.running = threading.Event()
        self.release = threading.Event()
        self.optional = True

    def server_config(self) -> dict[str, Any]:
        self.threads.add(threading.get_ident())
        return CONFIG.to_wire()

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append(f"infer {request['session_id']}")
        self.threads.add(threading.get_ident())
        if request.get("prompt") == "explode":
            raise ValueError("told to explode")
        if request.get("prompt") == "wait":
            self.running.set()
            assert self.release.wait(LONG_S)
        return {"action": np.full((3, 2), -0.5, np.float64), "info": {"own": 1, "chunk_len": 99}}

    def reset(self, reason: str) -> None:
        self.calls.append(f"reset {reason}")

    def configure(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        if "bad" in settings:
            raise KeyError("bad")
        return dict(settings)

    def observe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if not self.optional:
            raise NotImplementedError
        return {"ok": True, "retro_rendered": len(request["executed_rgb"]) > 1}

    def reload(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if not self.optional:
            raise NotImplementedError
        return {**CONFIG.to_wire(), "planner_model": request["algo_config"]}


@pytest.fixture
def policy() -> ScriptedPolicy:
    return ScriptedPolicy()


@pytest.fixture
def url(policy: ScriptedPolicy) -> Iterator[str]:
    host = PolicyHost(policy, "127.0.0.1", 0)
    yield f"ws://127.0.0.1:{host.start()}"
    policy.release.set()
    assert host.stop(LONG_S)


def ask(session_id: str, prompt: str | None = None, frames: int = 1) -> InferRequest:
    rgb = np.zeros((frames, 4, 4, 3), np.uint8)
    return InferRequest(rgb, ("image",), (4,), session_id, prompt)


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[PolicyClient]:
    async with PolicyClient() as client:
        await client.connect(url, LONG_S)
        yield client


def test_info_says_what_happened(url: str) -> None:
    async def session() -> None:
        async with connected(url) as client:
            assert client.config == CONFIG
            first = await client.infer(ask("a"))
            assert first.actions.tolist() == [[-0.5, -0.5]] * 3
            assert first.info["infer_s"] >= 0.0
            named = {k: v for k, v in first.info.items() if k != "infer_s"}
            assert named == {
                "own": 1,
                "action_absmean": 0.5,
                "chunk_len": 3,
                "cold_start": True,
                "context_len": 1,
                "session_id": "a",
            }
            second = await client.infer(ask("a", frames=4))
            assert second.info["cold_start"] is False
            assert second.info["context_len"] == 4

    asyncio.run(session())


def test_a_new_session_resets_the_policy(url: str, policy: ScriptedPolicy) -> None:
    async def session() -> None:
        async with connected(url) as client:
            await client.infer(ask("a"))
            await client.infer(ask("a"))
            assert (await client.infer(ask("b"))).info["cold_start"] is True
            await client.reset("c", "new_episode")
            reply = await client.infer(ask("c"))
            assert (reply.info["cold_start"], reply.info["session_id"]) == (True, "c")
            await client.reset("c", "episode_end")

    asyncio.run(session())
    assert policy.calls == [
        "reset session_change",
        "infer a",
        "infer a",
        "reset session_change",
        "infer b",
        "reset new_episode",
        "infer c",
        "reset episode_end",
    ]


def test_a_second_client_ruins_the_episode_of_the_first_who_can_see_it(url: str) -> None:
    async def session() -> None:
        async with connected(url) as first, connected(url) as second:
            await first.infer(ask("a"))
            await second.infer(ask("b"))
            assert (await first.infer(ask("a"))).info["cold_start"] is True

    asyncio.run(session())


def test_an_exception_is_told_and_closes_the_connection(url: str) -> None:
    async def session() -> None:
        async with connected(url) as client:
            with pytest.raises(PolicyServerError, match="ValueError: told to explode") as caught:
                await client.infer(ask("a", "explode"))
            assert "Traceback" not in caught.value.text
            assert not client.connected
            await client.connect(url, LONG_S)
            assert len((await client.infer(ask("a"))).actions) == 3

    asyncio.run(session())


@pytest.mark.parametrize(
    "frame",
    [
        b"garbage",
        "a text",
        pack([]),
        pack({"endpoint": "infer"}),
        pack({"session_id": "a", "context_rgb": np.zeros((4, 4, 3), np.uint8)}),
    ],
)
def test_a_broken_request_is_told_and_closed_with_1011(url: str, frame: bytes | str) -> None:
    async def session() -> None:
        async with connect(url, max_size=None) as connection:
            await connection.recv()
            await connection.send(frame)
            assert str(await connection.recv()).startswith(REQUEST_FAILED)
            with pytest.raises(ConnectionClosedError) as closed:
                await connection.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1011

    asyncio.run(session())


def test_infer_is_the_default_and_unknown_endpoints_are_refused(url: str) -> None:
    async def session() -> None:
        async with connect(url) as connection:
            await connection.recv()
            await connection.send(pack({"endpoint": "dance"}))
            assert "unknown endpoint: 'dance'" in str(await connection.recv())
            message = ask("a").to_wire()
            assert "endpoint" not in message
            await connection.send(pack(message))
            answer = await connection.recv()
            assert isinstance(answer, bytes)
            assert unpack(answer)["action"].dtype == np.float32

    asyncio.run(session())


def test_configure_observe_and_reload(url: str, policy: ScriptedPolicy) -> None:
    played = ObserveRequest(np.zeros((2, 4, 4, 3), np.uint8), ("image",), (4,), "a")

    async def session() -> None:
        async with connected(url) as client:
            assert await client.configure({"sample_steps": 4}) == {"sample_steps": 4}
            with pytest.raises(PolicyServerError, match="configure failed: KeyError"):
                await client.configure({"bad": 1})
            assert (await client.observe(played)).retro_rendered
            await client.infer(ask("a"))
            assert (await client.reload({"algo_config": "omni"})).planner_model == "omni"
            assert (await client.infer(ask("a"))).info["cold_start"] is True
            policy.optional = False
            with pytest.raises(PolicyServerError, match="observe not supported"):
                await client.observe(played)
            with pytest.raises(PolicyServerError, match="reload not supported"):
                await client.reload({})
            assert client.connected

    asyncio.run(session())


def test_requests_of_all_connections_run_one_at_a_time_in_one_thread(
    url: str, policy: ScriptedPolicy
) -> None:
    async def session() -> None:
        async with connected(url) as first, connected(url) as second:
            waiting = asyncio.create_task(first.infer(ask("a", "wait")))
            await asyncio.get_running_loop().run_in_executor(None, policy.running.wait, LONG_S)
            queued = asyncio.create_task(second.infer(ask("b")))
            async with connect(url) as third:  # the sockets go on while the policy is busy
                await (await third.ping())
            assert policy.calls[-1] == "infer a"
            policy.release.set()
            await asyncio.gather(waiting, queued)

    asyncio.run(session())
    assert policy.calls[-2:] == ["reset session_change", "infer b"]
    assert len(policy.threads) == 1


def test_a_client_that_gives_up_does_not_stop_the_others(url: str, policy: ScriptedPolicy) -> None:
    async def session() -> None:
        async with connected(url) as client:
            inference = asyncio.create_task(client.infer(ask("a", "wait")))
            await asyncio.get_running_loop().run_in_executor(None, policy.running.wait, LONG_S)
            inference.cancel()
            await asyncio.gather(inference, return_exceptions=True)
            policy.release.set()
            await client.connect(url, LONG_S)
            assert len((await client.infer(ask("b"))).actions) == 3

    asyncio.run(session())


def test_stopping_does_not_wait_for_an_inference(policy: ScriptedPolicy) -> None:
    host = PolicyHost(policy, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{host.start()}"

    async def session() -> None:
        async with connected(url) as client, connect(url) as idle:
            await idle.recv()
            inference = asyncio.create_task(client.infer(ask("a", "wait")))
            in_executor = asyncio.get_running_loop().run_in_executor
            await in_executor(None, policy.running.wait, LONG_S)
            assert await in_executor(None, host.stop, LONG_S)
            assert not policy.release.is_set()
            await asyncio.wait_for(idle.wait_closed(), LONG_S)
            assert idle.close_code == 1001
            assert isinstance(
                (await asyncio.gather(inference, return_exceptions=True))[0], Exception
            )

    asyncio.run(session())
    policy.release.set()
    assert host.stop(LONG_S)


def test_stopping_interrupts_the_artificial_delay(policy: ScriptedPolicy) -> None:
    host = PolicyHost(policy, "127.0.0.1", 0, delay_s=3600.0)
    url = f"ws://127.0.0.1:{host.start()}"

    async def session() -> None:
        async with connected(url) as client:
            inference = asyncio.create_task(client.infer(ask("a")))
            while not policy.calls:  # the reset of the new session comes before the delay
                await asyncio.sleep(0.001)
            assert await asyncio.get_running_loop().run_in_executor(None, host.stop, LONG_S)
            ended = asyncio.gather(inference, return_exceptions=True)
            await asyncio.wait_for(ended, LONG_S)  # with or without an answer

    asyncio.run(session())


def test_the_delay_counts_as_inference_time(policy: ScriptedPolicy) -> None:
    host = PolicyHost(policy, "127.0.0.1", 0, delay_s=0.02)
    url = f"ws://127.0.0.1:{host.start()}"

    async def session() -> None:
        async with connected(url) as client:
            assert (await client.infer(ask("a"))).info["infer_s"] >= 0.02

    asyncio.run(session())
    assert host.stop(LONG_S)


def test_a_port_that_is_taken_is_named(url: str, policy: ScriptedPolicy) -> None:
    port = int(url.rsplit(":", 1)[1])
    with pytest.raises(ConfigurationError, match=f"{port}.*another address"):
        PolicyHost(policy, "127.0.0.1", port).start()


def test_stopping_what_never_started(policy: ScriptedPolicy) -> None:
    assert PolicyHost(policy, "127.0.0.1", 0).stop()

# SPDX-License-Identifier: Apache-2.0
"""Every fault of the wire reaches a real client of a real server, and then all is well again."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import (
    ConfigurationError,
    ConnectionFailedError,
    PolicyServerError,
    ProtocolError,
    WireError,
)
from vera_ros.robots.handshake import make_server_config
from vera_ros.server.host import PolicyHost
from vera_ros.wire.client import ClientTimeouts, PolicyClient
from vera_ros.wire.protocol.messages import InferReply, InferRequest
from vera_ros.wire.protocol.server_config import ServerConfig
from verification.chaos.faults.fault import Fault
from verification.chaos.faults.intruder import SESSION
from verification.chaos.faults.kinds import KINDS
from verification.chaos.faults.strike import Strike
from verification.chaos.proxies.proxy import FaultProxy

MIMICGEN = find_embodiment("mimicgen")
PATIENCE_S = 30.0


@dataclass
class Policy:
    """Answers at once, and notes who asked."""

    sessions: list[Any] = field(default_factory=list)

    def server_config(self) -> dict[str, Any]:
        return make_server_config(MIMICGEN, 10).to_wire()

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.sessions.append(request["session_id"])
        return {"action": np.full((10, 7), 0.25, np.float32)}

    def reset(self, reason: str) -> None:
        pass

    def configure(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def observe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def reload(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return self.server_config()


@pytest.fixture
def policy() -> Policy:
    return Policy()


@pytest.fixture
def proxy(policy: Policy) -> Iterator[FaultProxy]:
    host = PolicyHost(policy, "127.0.0.1", 0)
    try:
        proxy = FaultProxy(f"ws://127.0.0.1:{host.start()}")
        yield proxy
        proxy.stop()
    finally:
        host.stop()


def fault(kind: str, **values: float | str) -> Fault:
    """A fault of the kind, as weak as it may be where nothing else is said."""
    least: dict[str, Any] = {name: low for name, (low, _) in KINDS[kind].ranges.items()}
    first = {name: choices[0] for name, choices in KINDS[kind].choices.items()}
    return Fault(0, kind, least | first | values)


def request() -> InferRequest:
    rgb = np.zeros((1, 128, 256, 3), np.uint8)
    return InferRequest(rgb, [*MIMICGEN.view_keys], [128, 128], "a session", proprio={})


async def healthy(proxy: FaultProxy) -> InferReply:
    """Connect and ask, as often as it takes."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            async with PolicyClient() as client:
                await client.connect(proxy.url, PATIENCE_S)
                reply = await client.infer(request())
            assert (reply.actions == 0.25).all()
            return reply
        except WireError:
            if time.monotonic() > deadline_s:
                raise
            await asyncio.sleep(0.01)


async def struck(strike: Strike) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not strike.over:
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.01)


def ask_under(proxy: FaultProxy, fault: Fault) -> InferReply:
    """Connect, let the fault loose, ask; then everything must be well again."""

    async def play() -> InferReply:
        async with PolicyClient(ClientTimeouts(infer_s=PATIENCE_S)) as client:
            await client.connect(proxy.url, PATIENCE_S)
            strike = await asyncio.to_thread(proxy.inject, fault)
            try:
                return await client.infer(request())
            finally:
                await struck(strike)
                await healthy(proxy)

    return asyncio.run(play())


def test_what_is_healthy_passes(proxy: FaultProxy, policy: Policy) -> None:
    reply = asyncio.run(healthy(proxy))
    assert reply.actions.shape == (10, 7)
    assert policy.sessions == ["a session"]


def test_pings_are_answered_by_the_server(proxy: FaultProxy) -> None:
    async def ping() -> float:
        async with connect(proxy.url, proxy=None) as connection:
            return await asyncio.wait_for(await connection.ping(), PATIENCE_S)

    assert asyncio.run(ping()) > 0.0


@pytest.mark.parametrize(
    ("kind", "values", "error"),
    [
        ("cut", {}, ConnectionFailedError),
        ("refused", {}, ConnectionFailedError),
        ("garbage", {"bytes": 1.0}, ProtocolError),
        ("garbage", {"bytes": 4096.0}, ProtocolError),
        ("truncated", {"share": 0.5}, ProtocolError),
        ("torn", {"share": 0.05}, ConnectionFailedError),
        ("torn", {"share": 0.95}, ConnectionFailedError),
        ("oversized", {}, ProtocolError),
        ("error_text", {}, PolicyServerError),
        ("wrong_shape", {"shape": "flat"}, ProtocolError),
    ],
)
def test_it_breaks_as_it_should(
    proxy: FaultProxy, kind: str, values: dict[str, float | str], error: type[WireError]
) -> None:
    with pytest.raises(error):
        ask_under(proxy, fault(kind, **values))


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_one_action_is_no_number(proxy: FaultProxy, value: str) -> None:
    actions = ask_under(proxy, fault("nan_actions", value=value)).actions
    assert np.count_nonzero(~np.isfinite(actions)) == 1


@pytest.mark.parametrize("kind", ["latency", "jitter", "half_open"])
def test_it_only_takes_longer(proxy: FaultProxy, kind: str) -> None:
    assert ask_under(proxy, fault(kind)).actions.shape == (10, 7)


def test_latency_is_added(proxy: FaultProxy) -> None:
    began_s = time.monotonic()
    ask_under(proxy, fault("latency", delay_s=0.5, duration_s=1.0))
    assert time.monotonic() - began_s >= 0.5


def config_after(proxy: FaultProxy, kind: str) -> ServerConfig:
    async def play() -> ServerConfig:
        async with PolicyClient() as client:
            await client.connect(proxy.url, PATIENCE_S)
            strike = await asyncio.to_thread(proxy.inject, fault(kind))
            with pytest.raises(ConnectionFailedError):
                await client.infer(request())
            config = await client.connect(proxy.url, PATIENCE_S)
            await struck(strike)
            await healthy(proxy)
            return config

    return asyncio.run(play())


def test_the_next_connection_serves_another_robot(proxy: FaultProxy) -> None:
    assert config_after(proxy, "other_robot").embodiment == "droid"


def test_the_next_connection_has_the_views_the_other_way_round(proxy: FaultProxy) -> None:
    assert config_after(proxy, "swapped_views").view_keys == tuple(reversed(MIMICGEN.view_keys))


def test_the_intruder_is_served_between_two_answers(proxy: FaultProxy, policy: Policy) -> None:
    async def play() -> list[bool]:
        async with PolicyClient(ClientTimeouts(infer_s=PATIENCE_S)) as client:
            await client.connect(proxy.url, PATIENCE_S)
            strike = await asyncio.to_thread(proxy.inject, fault("intruder"))
            over = []
            for _ in range(2):
                await client.infer(request())
                over.append(strike.over)
            return over

    assert asyncio.run(play()) == [False, True]
    assert policy.sessions == ["a session", SESSION, "a session"]


def test_what_never_struck_can_be_forgotten(proxy: FaultProxy) -> None:
    strike = proxy.inject(fault("garbage"))
    proxy.heal()
    asyncio.run(healthy(proxy))
    assert strike.struck_s is None


def test_a_fault_of_elsewhere_is_refused(proxy: FaultProxy) -> None:
    with pytest.raises(ConfigurationError, match="not on the wire"):
        proxy.inject(fault("joints_nan"))


def test_a_server_that_is_gone_refuses(proxy: FaultProxy) -> None:
    lost = FaultProxy("ws://127.0.0.1:1")
    try:
        with pytest.raises(ConnectionFailedError):
            asyncio.run(_connect_once(lost))
    finally:
        lost.stop()


async def _connect_once(proxy: FaultProxy) -> None:
    async with PolicyClient() as client:
        await client.connect(proxy.url, PATIENCE_S)

# SPDX-License-Identifier: Apache-2.0
"""reference_server serves the embodiment that its parameter names, at that one's port."""

import asyncio

import pytest
from rclpy.lifecycle import TransitionCallbackReturn

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.nodes.reference_server import ReferenceServer
from vera_ros.robots.registry import WITH_REFERENCE_POLICY
from vera_ros.wire.client import PolicyClient

from .stage import PATIENCE_S, Stage


@pytest.mark.parametrize("embodiment", WITH_REFERENCE_POLICY)
def test_it_serves_its_embodiment(stage: Stage, embodiment: str) -> None:
    if embodiment == "pusht":
        pytest.importorskip("gym_pusht")
    node = stage.add(ReferenceServer, embodiment=embodiment, port=stage.port)
    stage.wait_until_active(node)
    assert node.health().values["embodiment"] == embodiment

    async def served() -> str:
        async with PolicyClient() as client:
            return (await client.connect(f"ws://127.0.0.1:{stage.port}", PATIENCE_S)).embodiment

    assert asyncio.run(served()) == embodiment


@pytest.mark.parametrize("embodiment", WITH_REFERENCE_POLICY)
def test_its_port_is_the_embodiments_own(stage: Stage, embodiment: str) -> None:
    node = stage.add(ReferenceServer, embodiment=embodiment, autostart=False)
    port = find_embodiment(embodiment).policy_port
    assert node.health().values["url"] == f"ws://127.0.0.1:{port}"


def test_no_port_is_refused(stage: Stage) -> None:
    """The system would choose one that no client knows."""
    node = stage.add(ReferenceServer, port=0, autostart=False)
    assert node.trigger_configure() != TransitionCallbackReturn.SUCCESS
    with pytest.raises(ConfigurationError, match=r"'port' is 0; valid is 1 … 65535, or -1"):
        node.setup()

# SPDX-License-Identifier: Apache-2.0
"""A policy server that says what a test wants it to say, over a real socket."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from vera_ros.wire.connection.loop_thread import LoopThread
from vera_ros.wire.protocol.codec import pack

Script = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture
def wire_config() -> dict[str, Any]:
    """The config of a mimicgen server, as it comes over the wire."""
    return {
        "image_resolution": None,
        "view_keys": ["agentview_image", "robot0_eye_in_hand_image"],
        "view_widths": [],
        "proprio_keys": ["robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos"],
        "needs_prompt": False,
        "needs_session_id": True,
        "action_space": "eef_delta",
        "action_horizon": 10,
        "context_frames": 21,
        "action_dim": 7,
        "control_dt": 0.05,
        "gripper_is_raw": True,
        "actions_already_metric": True,
        "action_abs_scale": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        "gripper_dim_index": -1,
        "embodiment": "mimicgen",
        "planner_model": "planner",
        "idm_model": "idm",
        "is_causal": False,
        "protocol_version": 1,
        "git_head": "0123456789abcdef",
        "git_dirty": False,
        "git_diff_sha": "",
        "hostname": "server",
        "argv": ["start_vera_server", "--embodiment", "mimicgen"],
        "run_dir": "run",
    }


class Peers:
    """Scripted servers, each with a port of its own."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = pack(config)
        self._servers: list[Server] = []
        self._thread = LoopThread("peer", farewell=self._close)

    def raw(self, script: Script) -> str:
        """Start a server that plays the script on each connection; return its URL."""
        return self._thread.submit(lambda: self._serve(script)).result(10.0)

    def polite(self, script: Script) -> str:
        """Start a server that first sends its config."""

        async def greet(connection: ServerConnection) -> None:
            await connection.send(self._config)
            await script(connection)

        return self.raw(greet)

    def answering(self, *answers: str | bytes) -> str:
        """Start a server that sends its config, then one answer for each request."""

        async def script(connection: ServerConnection) -> None:
            for answer in answers:
                await connection.recv()
                await connection.send(answer)
            await connection.wait_closed()

        return self.polite(script)

    def stop(self) -> None:
        """Stop them all."""
        assert self._thread.stop(10.0)

    async def _serve(self, script: Script) -> str:
        server = await serve(
            script, "127.0.0.1", 0, compression=None, max_size=None, close_timeout=1.0
        )
        self._servers.append(server)
        port = next(iter(server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}"

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
            await asyncio.wait_for(server.wait_closed(), 5.0)


@pytest.fixture
def peers(wire_config: dict[str, Any]) -> Iterator[Peers]:
    servers = Peers(wire_config)
    yield servers
    servers.stop()

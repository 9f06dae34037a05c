# SPDX-License-Identifier: Apache-2.0
"""VERA's own server and adapter around the reference policy, started by subprocess mode."""

import asyncio
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vera_ros.errors import PolicyServerError
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.protocol.messages import InferRequest

from .keeping import keeping
from .room import Room

UPSTREAM = os.environ.get("VERA_UPSTREAM", "")
pytestmark = pytest.mark.skipif(
    not Path(UPSTREAM, "vera", "server", "protocol").is_dir(),
    reason="needs a checkout of VERA: set VERA_UPSTREAM to its folder",
)

PATIENCE_S = 60.0
PROPRIO = {
    "eef_pos": np.array([0.46, 0.0, 0.1], np.float32),
    "eef_quat": np.array([1.0, 0.0, 0.0, 0.0], np.float32),
    "gripper_qpos": np.array([0.04, -0.04], np.float32),
}


def ask(session_id: str, frames: int = 1, **more: Any) -> InferRequest:
    rgb = np.full((frames, 128, 256, 3), 200, np.uint8)
    views = ("agentview_image", "robot0_eye_in_hand_image")
    return InferRequest(rgb, views, (128, 128), session_id, proprio=PROPRIO, **more)


def test_a_client_gets_along_with_it(room: Room) -> None:
    async def scenario() -> None:
        settings = room.settings(server_mode="subprocess")
        async with (
            keeping(settings, room.environment(VERA_UPSTREAM=UPSTREAM)) as kept,
            PolicyClient() as client,
        ):
            status = await kept.until_ready()
            assert status.ours
            url = f"ws://127.0.0.1:{room.port}"
            config = await client.connect(url, PATIENCE_S)
            assert config == status.config
            assert config.extra == {}

            first = await client.infer(ask("a", prompt="stack"))
            assert first.actions.shape == (config.action_horizon, config.action_dim)
            assert (first.info["cold_start"], first.info["context_len"]) == (True, 1)
            second = await client.infer(ask("a", frames=config.context_frames))
            assert (second.info["cold_start"], second.info["context_len"]) == (False, 21)
            assert (await client.infer(ask("b"))).info["cold_start"] is True

            await client.reset("c", "new_episode")
            third = await client.infer(ask("c"))
            assert (third.info["cold_start"], third.info["session_id"]) == (True, "c")

            assert await client.configure({"n_action_steps": 5}) == {"n_action_steps": 5}
            assert client.config.action_horizon == 5
            assert len((await client.infer(ask("c"))).actions) == 5
            with pytest.raises(PolicyServerError, match="configure failed: ValueError"):
                await client.configure({"nonsense": 1})
            with pytest.raises(PolicyServerError, match="reload not supported"):
                await client.reload({})
            assert client.connected

            bare = InferRequest(ask("c").context_rgb, config.view_keys, (128, 128), "c")
            with pytest.raises(PolicyServerError, match="has no gripper_qpos"):
                await client.infer(bare)
            assert not client.connected
            assert (await client.connect(url, PATIENCE_S)).action_horizon == 5
            await client.reset("c", "episode_end")

    asyncio.run(scenario())
    assert room.is_empty()


def test_its_own_launcher_takes_our_command_line(room: Room) -> None:
    """It reads its arguments before it asks for torch and a GPU, which are not there."""

    async def scenario() -> str:
        settings = room.settings(server_mode="subprocess", pythonpath=UPSTREAM)
        chosen = {"text_prompt": "stack", "sample_steps": 4}
        async with keeping({**settings, **chosen}, room.environment()) as kept:
            return await kept.failure()

    said = asyncio.run(scenario())
    assert "ended by itself" in said
    assert "usage:" not in said

# SPDX-License-Identifier: Apache-2.0
"""What an episode needs of a policy server, asked of a real one."""

import asyncio
import time

import pytest

from vera_ros.errors import PolicyServerError
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.protocol.server_config import PROTOCOL_VERSION

from .server import LiveServer, new_session


def test_handshake(live: LiveServer, measured: list[str]) -> None:
    async def scenario() -> None:
        async with PolicyClient() as client:
            began_s = time.monotonic()
            config = await live.connect(client)
            took_s = time.monotonic() - began_s
            assert config.protocol_version == PROTOCOL_VERSION
            measured.append(
                f"{live.url}: {config.embodiment}, planner {config.planner_model}, IDM "
                f"{config.idm_model}, git {config.git_head[:8] or '(none)'}"
                f"{' (dirty)' if config.git_dirty else ''}; handshake {took_s * 1e3:.0f} ms"
            )

    asyncio.run(scenario())


def test_a_cold_start_a_full_window_and_their_latency(
    live: LiveServer, measured: list[str]
) -> None:
    async def scenario() -> None:
        async with PolicyClient() as client:
            config = await live.connect(client)
            session = new_session()
            await client.reset(session, "new_episode")
            for frames, cold in ((1, True), (config.context_frames, False)):
                began_s = time.monotonic()
                reply = await client.infer(live.question(config, session, frames, prompt="stack"))
                took_s = time.monotonic() - began_s
                live.check(reply, config)
                assert len(reply.actions) == config.action_horizon
                assert reply.info["cold_start"] is cold
                assert reply.info["context_len"] == frames
                assert reply.info["session_id"] == session
                assert 0.0 <= reply.info["infer_s"] <= took_s
                measured.append(
                    f"infer with {frames} frames: {took_s:.3f} s, of which the model "
                    f"{reply.info['infer_s']:.3f} s; mean |action| "
                    f"{reply.info['action_absmean']:.4f}"
                )
            await client.reset(session, "episode_end")

    asyncio.run(scenario())


def test_another_session_begins_anew(live: LiveServer) -> None:
    async def scenario() -> None:
        async with PolicyClient() as client:
            config = await live.connect(client)
            for session in (new_session(), new_session()):
                reply = await client.infer(live.question(config, session, 1, prompt="stack"))
                assert reply.info["cold_start"] is True
                assert reply.info["session_id"] == session
            await client.reset(session, "new_episode")
            reply = await client.infer(live.question(config, session, 1, prompt="stack"))
            assert reply.info["cold_start"] is True

    asyncio.run(scenario())


def test_the_number_of_actions_can_be_changed_and_nonsense_is_refused(live: LiveServer) -> None:
    async def scenario() -> None:
        async with PolicyClient() as client:
            config = await live.connect(client)
            before, fewer = config.action_horizon, max(1, config.action_horizon - 1)
            try:
                applied = await client.configure({"n_action_steps": fewer})
                assert applied["n_action_steps"] == fewer
                assert client.config.action_horizon == fewer
                question = live.question(config, new_session(), 1, prompt="stack")
                assert len((await client.infer(question)).actions) == fewer
                with pytest.raises(PolicyServerError):
                    await client.configure({"no_such_setting_of_any_policy": 1})
            finally:
                await client.configure({"n_action_steps": before})
            async with PolicyClient() as another:
                assert (await live.connect(another)).action_horizon == before

    asyncio.run(scenario())

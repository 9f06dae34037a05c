# SPDX-License-Identifier: Apache-2.0
"""The policy behind our host: it pushes the block onto its goal, by true pictures alone."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import numpy as np
import pytest

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import PolicyServerError, ProtocolError
from vera_ros.robots.pusht.geometry import GOAL
from vera_ros.robots.pusht.push_policy import PushPolicy
from vera_ros.robots.pusht.world import PushTWorld
from vera_ros.robots.registry import make_reference_policy
from vera_ros.server.host import PolicyHost
from vera_ros.sim.sabotage import Sabotage
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.protocol.messages import InferRequest, ObserveRequest
from vera_ros.wire.protocol.server_config import check_embodiment

from .episodes import Outcome, play

T = TypeVar("T")
PATIENCE_S = 60.0


@pytest.fixture
def url() -> Iterator[str]:
    host = PolicyHost(make_reference_policy("pusht"), "127.0.0.1", 0)
    yield f"ws://127.0.0.1:{host.start()}"
    assert host.stop(PATIENCE_S)


def with_client(url: str, session: Callable[[PolicyClient], Coroutine[Any, Any, T]]) -> T:
    async def connected() -> T:
        async with PolicyClient() as client:
            await client.connect(url, PATIENCE_S)
            return await session(client)

    return asyncio.run(connected())


def request_of(world: PushTWorld, **more: Any) -> dict[str, Any]:
    picture = world.picture()[None]
    return {"context_rgb": picture, "view_keys": ["image"], "view_widths": [252], **more}


@pytest.mark.parametrize("seed", [2, 8])
def test_it_pushes_the_block_onto_its_goal(url: str, seed: int) -> None:
    outcome = with_client(url, lambda client: play(client, seed))
    assert outcome.succeeded
    assert outcome.actions <= 200


@pytest.mark.parametrize("sabotage", ["blank", "bgr"])
def test_without_true_pictures_it_rests(url: str, sabotage: str) -> None:
    spoiler = Sabotage(sabotage)

    async def session(client: PolicyClient) -> Outcome:
        return await play(
            client, 2, lambda picture: spoiler.spoil({"image": picture}, 0)["image"], 4.0
        )

    outcome = with_client(url, session)
    assert not outcome.succeeded
    assert outcome.travelled_px == 0.0


def test_the_server_answers_as_veras_does(url: str) -> None:
    world = PushTWorld(2)
    rgb = np.stack([world.picture()] * 2)

    async def session(client: PolicyClient) -> None:
        config = client.config
        check_embodiment(config, find_embodiment("pusht"))
        assert (config.view_keys, config.view_widths) == (("image",), ())
        assert (config.action_space, config.action_dim, config.action_horizon) == ("pos", 2, 2)
        assert (config.context_frames, config.control_dt) == (2, 0.1)
        assert (config.actions_already_metric, config.gripper_is_raw) == (False, True)
        assert (config.image_resolution, config.proprio_keys) == (None, ())
        assert (config.gripper_column, config.needs_prompt) == (None, False)

        ask = InferRequest(rgb, ("image",), (252,), "a")
        first = await client.infer(ask)
        assert first.actions.shape == (2, 2)
        assert (first.info["cold_start"], first.info["context_len"]) == (True, 2)
        assert (await client.infer(ask)).info["cold_start"] is False
        assert await client.configure({"n_action_steps": 3}) == {"n_action_steps": 3}
        assert len((await client.infer(ask)).actions) == 3
        with pytest.raises(PolicyServerError, match="no setting sample_steps"):
            await client.configure({"sample_steps": 4})
        played = ObserveRequest(rgb, ("image",), (252,), "a")
        assert (await client.observe(played)).ok
        assert await client.reload({"embodiment": "pusht"}) == client.config
        await client.reset("b", "new_episode")
        again = await client.infer(InferRequest(rgb, ("image",), (252,), "b"))
        np.testing.assert_array_equal(again.actions[:2], first.actions)

    with_client(url, session)


def test_it_goes_on_where_pending_actions_lead() -> None:
    world, policy = PushTWorld(2), PushPolicy()
    first = policy.infer(request_of(world))["action"]
    answer = policy.infer(request_of(world, pending_actions=first))
    assert answer["info"]["pending_actions"] == 2
    led_to = world.pusher + first.sum(axis=0) * 2.5
    np.testing.assert_allclose(answer["info"]["pusher"], led_to, atol=3.0)
    blind = PushPolicy(looks_ahead=False)
    blind.infer(request_of(world))
    answer = blind.infer(request_of(world, pending_actions=first))
    assert "pending_actions" not in answer["info"]
    np.testing.assert_allclose(answer["info"]["pusher"], world.pusher, atol=3.0)


def test_a_pusher_that_did_not_follow_gets_another_plan() -> None:
    """It is never sent faster than a plan would be: the way is planned from where it is."""
    world, policy = PushTWorld(2), PushPolicy()
    policy.infer(request_of(world))
    world.place(world.pusher + np.array([0.0, -120.0]), world.block)
    actions = policy.infer(request_of(world))["action"]
    assert np.linalg.norm(actions * 2.5, axis=1).max() < 31.0


def test_a_block_on_its_goal_is_left_alone() -> None:
    world = PushTWorld()
    world.place(np.array([60.0, 60.0]), GOAL)
    assert not PushPolicy().infer(request_of(world))["action"].any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"context_rgb": None}, "no context_rgb"),
        ({"view_keys": ["camera"]}, r"lack 'image'"),
        ({"view_widths": [128]}, "view_widths"),
        ({"context_rgb": np.zeros((1, 128, 252, 3), np.uint8)}, "252 x 128 px; it must be square"),
        ({"execute_horizon": 0}, "execute_horizon is 0"),
        ({"pending_actions": np.zeros((1, 7), np.float32)}, "shape .n, 2."),
    ],
)
def test_a_request_that_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        PushPolicy().infer({**request_of(PushTWorld()), **changes})

# SPDX-License-Identifier: Apache-2.0
"""The policy behind our host: it touches the ball that it is told, by true pictures alone."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import numpy as np
import pytest

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError, PolicyServerError, ProtocolError
from vera_ros.robots.allegro import ROBOT
from vera_ros.robots.allegro.hand import CAMERAS, JOINTS
from vera_ros.robots.allegro.touch_policy import TouchPolicy
from vera_ros.robots.allegro.world import HandWorld
from vera_ros.robots.registry import make_reference_policy
from vera_ros.robots.robot import Look
from vera_ros.server.host import PolicyHost
from vera_ros.sim.one_controller import OneController
from vera_ros.sim.sabotage import Sabotage
from vera_ros.sim.simulation import Renderer
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.protocol.server_config import check_embodiment

from .episodes import VIEWS, Outcome, play

T = TypeVar("T")
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with ROBOT.simulator.open_renderer(Look(128)) as opened:
        yield opened


@pytest.fixture(scope="module")
def robot() -> OneController:
    return OneController(HandWorld())


@pytest.fixture
def url() -> Iterator[str]:
    host = PolicyHost(make_reference_policy("allegro"), "127.0.0.1", 0)
    yield f"ws://127.0.0.1:{host.start()}"
    assert host.stop(PATIENCE_S)


def with_client(url: str, session: Callable[[PolicyClient], Coroutine[Any, Any, T]]) -> T:
    async def connected() -> T:
        async with PolicyClient() as client:
            await client.connect(url, PATIENCE_S)
            await client.configure({"control_view_keys": list(VIEWS)})
            return await session(client)

    return asyncio.run(connected())


def request_of(robot: OneController, renderer: Renderer, **more: Any) -> dict[str, Any]:
    pictures = renderer.render(robot.snapshot())
    return {
        "context_rgb": np.concatenate([pictures[view] for view in VIEWS], axis=1)[None],
        "view_keys": list(VIEWS),
        "view_widths": [128] * len(VIEWS),
        "prompt": "touch the red ball",
        "q_robot": robot.world.joints().q,
        **more,
    }


@pytest.fixture
def policy() -> TouchPolicy:
    policy = TouchPolicy()
    policy.configure({"control_view_keys": list(VIEWS)})
    return policy


@pytest.mark.parametrize("seed", [0, 1])  # a red ball and a blue one
def test_it_touches_the_ball_that_the_prompt_names(
    url: str, robot: OneController, renderer: Renderer, seed: int
) -> None:
    outcome = with_client(url, lambda client: play(client, robot, renderer, seed))
    assert outcome.succeeded
    assert outcome.moved_rad < 1e-3


@pytest.mark.parametrize("sabotage", ["blank", "frozen", "swap-views", "bgr"])
def test_without_true_pictures_it_fails(
    url: str, robot: OneController, renderer: Renderer, sabotage: str
) -> None:
    spoiler = Sabotage(sabotage, len(VIEWS))

    async def session(client: PolicyClient) -> Outcome:
        return await play(
            client, robot, renderer, 0, lambda seen: spoiler.spoil(seen, 0), time_limit_s=4.0
        )

    assert not with_client(url, session).succeeded


def test_the_server_needs_to_know_the_views(
    url: str, robot: OneController, renderer: Renderer
) -> None:
    async def session() -> None:
        async with PolicyClient() as client:
            check_embodiment(await client.connect(url, PATIENCE_S), find_embodiment("allegro"))
            await play(client, robot, renderer, 0)

    with pytest.raises(PolicyServerError, match=r"configure control_view_keys with the views"):
        asyncio.run(session())


@pytest.mark.parametrize("views", ["camera_0", [], ["camera_0", "camera_0"], ["camera_12"], [3]])
def test_views_that_cannot_be_are_refused(policy: TouchPolicy, views: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"control_view_keys is .* camera_0, camera_1"):
        policy.configure({"control_view_keys": views})


def test_both_settings_are_applied_together_or_not_at_all(policy: TouchPolicy) -> None:
    both = {"n_action_steps": 3, "control_view_keys": ["camera_2", "camera_0"]}
    assert policy.configure(both) == both
    with pytest.raises(ConfigurationError, match="n_action_steps is 0"):
        policy.configure({"n_action_steps": 0, "control_view_keys": ["camera_1"]})
    with pytest.raises(ProtocolError, match=r"\['camera_2', 'camera_0'\]"):
        policy.infer({**_FIELDS, "view_keys": ["camera_1"]})


_FIELDS = {
    "context_rgb": np.zeros((1, 128, 128, 3), np.uint8),
    "view_keys": ["camera_0"],
    "view_widths": [128],
    "prompt": "touch the red ball",
    "q_robot": np.zeros(16),
}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"prompt": None}, "it must name one of the colours red, blue"),
        ({"prompt": "touch the green ball"}, "touch the green ball"),
        ({"prompt": "the red or the blue ball"}, "must name one"),
        ({"q_robot": None}, "has no q_robot"),
        ({"q_robot": np.zeros(7)}, "it must hold 16 finite numbers"),
        ({"execute_horizon": 0}, "execute_horizon is 0"),
        ({"pending_actions": np.zeros((2, 7))}, r"float of shape \(n, 16\)"),
    ],
)
def test_a_request_that_is_not_valid_is_refused(
    policy: TouchPolicy,
    robot: OneController,
    renderer: Renderer,
    more: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(ProtocolError, match=message):
        policy.infer(request_of(robot, renderer, **more))


def test_it_plans_from_where_the_pending_actions_lead(
    robot: OneController, renderer: Renderer
) -> None:
    robot.reset(0)
    request = request_of(robot, renderer)
    policies = [TouchPolicy(), TouchPolicy()]
    for policy in policies:
        policy.configure({"control_view_keys": list(VIEWS)})
    whole = policies[0].infer({**request, "execute_horizon": 12})["action"]
    pending = whole[:4].astype(np.float32)
    rest = policies[1].infer({**request, "pending_actions": pending, "execute_horizon": 8})
    assert rest["info"]["pending_actions"] == 4
    np.testing.assert_allclose(rest["action"], whole[4:], atol=1e-5)


def test_it_rests_where_it_does_not_see_the_ball(
    policy: TouchPolicy, robot: OneController, renderer: Renderer
) -> None:
    request = request_of(robot, renderer)
    answer = policy.infer({**request, "context_rgb": np.zeros_like(request["context_rgb"])})
    assert answer["action"].shape == (8, len(JOINTS))
    assert not answer["action"].any()
    assert "seen in 0 views" in answer["info"]["note"]


def test_all_of_its_views_are_calibrated() -> None:
    assert tuple(CAMERAS) == VIEWS

# SPDX-License-Identifier: Apache-2.0
"""What is asked of a server that is to load other models, and whether it has that afterwards."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from vera_ros.server.host import PolicyHost
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.reloading import Reloaded, complete, inspect

LONG_S = 30.0
PLANNER = "/ckpts/omni/algo_config.yaml"


class Policy:
    """Has these settings, and says so when it is asked; an exception: it does not."""

    infer = reset = observe = reload = None  # nobody asks

    def __init__(self, config: dict[str, Any], settings: Any) -> None:
        self._config, self._settings = config, settings

    def server_config(self) -> dict[str, Any]:
        return self._config

    def configure(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        assert settings == {}
        if isinstance(self._settings, Exception):
            raise self._settings
        return dict(self._settings)


Talk = Callable[[PolicyClient], Any]


@pytest.fixture
def ask(wire_config: dict[str, Any]) -> Callable[..., Any]:
    """Ask a server that says this of itself, and has these settings."""

    def talk(question: Talk, settings: Any, **said: Any) -> Any:
        async def scenario() -> Any:
            async with PolicyClient() as client:
                await client.connect(f"ws://127.0.0.1:{port}", LONG_S)
                return await question(client)

        host = PolicyHost(Policy({**wire_config, **said}, settings), "127.0.0.1", 0)  # type: ignore[arg-type]
        port = host.start()
        try:
            return asyncio.run(scenario())
        finally:
            host.stop()

    return talk


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        ({"sample_steps": 40, "n_action_steps": 10}, {"sample_steps": 40}),
        ({"sample_steps": 0}, {}),
        ({"sample_steps": "many"}, {}),
        ({}, {}),
        (ValueError("no such thing"), {}),
    ],
)
def test_steps_stay_as_they_are(ask: Callable[..., Any], settings: Any, known: Any) -> None:
    asked = ask(lambda client: complete(client, {"algo_config": PLANNER}), settings)
    assert asked == {"algo_config": PLANNER, "action_horizon": 10, **known}


def test_steps_that_are_asked_for_win(ask: Callable[..., Any]) -> None:
    request = {"sample_steps": 4, "action_horizon": 8}
    assert ask(lambda client: complete(client, request), {"sample_steps": 40}) == request


@pytest.mark.parametrize(
    ("request_", "said", "settings"),
    [
        ({}, {}, {}),
        ({"embodiment": "mimicgen"}, {}, {}),
        ({"algo_config": PLANNER}, {"planner_model": PLANNER}, {}),
        ({"dynamics_run_id": "7wohna95"}, {"idm_model": "7wohna95"}, {}),
        ({"dynamics_run_id": "team/project/7wohna95"}, {"idm_model": "team/project/7wohna95"}, {}),
        ({"dynamics_run_id": "team/project/7wohna95"}, {"idm_model": "7wohna95"}, {}),
        ({"dynamics_run_id": "285ouq1q"}, {"idm_model": "idm-mimicgen-285ouq1q"}, {}),
        ({"action_horizon": 8, "sample_steps": 4}, {"action_horizon": 8}, {"sample_steps": 4}),
    ],
)
def test_a_server_that_has_what_was_asked_for(
    ask: Callable[..., Any],
    request_: dict[str, Any],
    said: dict[str, Any],
    settings: dict[str, Any],
) -> None:
    loaded: Reloaded = ask(lambda client: inspect(client, request_), settings, **said)
    assert not loaded.unheeded
    assert loaded.config.action_horizon == said.get("action_horizon", 10)
    assert loaded.sample_steps == settings.get("sample_steps", 0)


@pytest.mark.parametrize(
    ("request_", "said", "settings", "complaint"),
    [
        ({"algo_config": PLANNER}, {"planner_model": "/ckpts/algo_config.yaml"}, {}, PLANNER),
        ({"dynamics_run_id": "37oa162u"}, {"idm_model": "idm-mimicgen-285ouq1q"}, {}, "37oa162u"),
        ({"dynamics_run_id": "1q"}, {"idm_model": "idm-mimicgen-285ouq1q"}, {}, "not '1q'"),
        ({"action_horizon": 20}, {"action_horizon": 10}, {}, "is 10 on the server, not 20"),
        ({"sample_steps": 4}, {}, {"sample_steps": 8}, "is 8 on the server, not 4"),
        ({"sample_steps": 4}, {}, {}, "does not report its sample_steps; requested was 4"),
    ],
)
def test_a_server_that_has_something_else(
    ask: Callable[..., Any],
    request_: dict[str, Any],
    said: dict[str, Any],
    settings: dict[str, Any],
    complaint: str,
) -> None:
    loaded: Reloaded = ask(lambda client: inspect(client, request_), settings, **said)
    assert list(loaded.unheeded) == list(request_)
    assert complaint in loaded.unheeded[next(iter(request_))]

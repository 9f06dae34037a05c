# SPDX-License-Identifier: Apache-2.0
"""Other models for a running server: what is asked of it, and whether it has that afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vera_ros.errors import PolicyServerError
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.server_config import ServerConfig

Request = Mapping[str, str | int]


@dataclass(frozen=True)
class Reloaded:
    """What a server has after a reload.

    Attributes:
        config: what it says of itself.
        sample_steps: its denoising steps; 0: it does not say.
        unheeded: what is not as it was asked for, in words, by name of the request.
    """

    config: ServerConfig
    sample_steps: int = 0
    unheeded: Mapping[str, str] = field(default_factory=dict)


async def complete(client: PolicyClient, request: Request) -> Request:
    """Return the request with as many steps as the server has where none are asked for.

    A VERA server that is told no steps takes 10 of each, whatever it had.

    Args:
        client: connected.
        request: fields of the reload, without those that are left to the server.

    Raises:
        WireError: see PolicyClient.
    """
    has = {
        "action_horizon": client.config.action_horizon,
        "sample_steps": await _sample_steps(client),
    }
    return {name: steps for name, steps in has.items() if steps} | dict(request)


async def inspect(client: PolicyClient, request: Request) -> Reloaded:
    """Return what the server has after the reload that it was asked for.

    Raises:
        WireError: see PolicyClient.
    """
    config, sample_steps = client.config, await _sample_steps(client)
    has: dict[str, str | int] = {
        "algo_config": config.planner_model,
        "dynamics_run_id": config.idm_model,
        "action_horizon": config.action_horizon,
        "sample_steps": sample_steps,
    }
    unheeded = {
        name: _complaint(name, has[name], asked)
        for name, asked in request.items()
        if name in has and not _is_same(name, has[name], asked)
    }
    return Reloaded(config, sample_steps, unheeded)


async def _sample_steps(client: PolicyClient) -> int:
    """As the server answers a `configure` without settings; 0: it does not say."""
    try:
        steps: Any = (await client.configure({})).get("sample_steps")
    except PolicyServerError:
        if not client.connected:
            raise
        return 0
    return steps if type(steps) is int and steps > 0 else 0


def _complaint(name: str, has: str | int, asked: str | int) -> str:
    if not has:
        return f"the server does not say its {name}, asked for was {asked!r}"
    return f"{name} is {has!r} on the server, not {asked!r}"


def _is_same(name: str, has: str | int, asked: str | int) -> bool:
    """Whether that is what was asked for.

    A server names the model of a run by the run, or by the folder of its checkpoint, whose name
    ends with the run's id.
    """
    if name != "dynamics_run_id" or has == asked:
        return has == asked
    run_id = str(asked).rpartition("/")[2]
    return has == run_id or str(has).endswith(f"-{run_id}")

# SPDX-License-Identifier: Apache-2.0
"""Reloading models on a running server: the complete request, and a check of the result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vera_ros.errors import PolicyServerError
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.protocol.server_config import ServerConfig

Request = Mapping[str, str | int]


@dataclass(frozen=True)
class Reloaded:
    """The state of a server after a reload.

    Attributes:
        config: the server's configuration.
        sample_steps: its denoising steps; 0: not reported.
        unheeded: what differs from the request, in words, by the request's field.
    """

    config: ServerConfig
    sample_steps: int = 0
    unheeded: Mapping[str, str] = field(default_factory=dict)


async def complete(client: PolicyClient, request: Request) -> Request:
    """Return the request with the server's present step counts where it has none.

    A VERA server sets each count that a reload leaves out to 10, whatever it was.

    Args:
        client: a connected client.
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
    """Compare the server's state after a reload with the request.

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
        name: _complaint(name, has[name], requested)
        for name, requested in request.items()
        if name in has and not _is_same(name, has[name], requested)
    }
    return Reloaded(config, sample_steps, unheeded)


async def _sample_steps(client: PolicyClient) -> int:
    """Return the denoising steps, from a `configure` without settings; 0: not reported."""
    try:
        steps: Any = (await client.configure({})).get("sample_steps")
    except PolicyServerError:
        if not client.connected:
            raise
        return 0
    return steps if type(steps) is int and steps > 0 else 0


def _complaint(name: str, has: str | int, requested: str | int) -> str:
    if not has:
        return f"the server does not report its {name}; requested was {requested!r}"
    return f"{name} is {has!r} on the server, not {requested!r}"


def _is_same(name: str, has: str | int, requested: str | int) -> bool:
    """Whether the server's value is the requested one.

    A server names the model of a run by the run, or by the folder of its checkpoint, whose name
    ends with the run's id.
    """
    if name != "dynamics_run_id" or has == requested:
        return has == requested
    run_id = str(requested).rpartition("/")[2]
    return has == run_id or str(has).endswith(f"-{run_id}")

# SPDX-License-Identifier: Apache-2.0
"""The policy server: who answers on its port, and whether it is the one that is meant."""

import asyncio
import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from vera_ros.doctor import ports
from vera_ros.doctor.context import Context
from vera_ros.doctor.finding import Finding, Verdict, failure, not_needed, ok, warning
from vera_ros.doctor.ports import Holder
from vera_ros.doctor.tools import Deadline
from vera_ros.embodiments import Embodiment
from vera_ros.errors import ConfigurationError, ConnectionFailedError, VeraRosError
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.server_config import ServerConfig, check_embodiment

NAME = "policy server"

_REFERENCE = "reference"
_DEFAULT_PORTS = {"ws": 80, "wss": 443}
_VIEWER_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class ServerFacts:
    """What a port says.

    Attributes:
        url: of the port.
        config: what the server says of itself; None: it does not answer as one.
        error: why not.
        absent: nobody listens there.
        holder: who does, where it is this machine and can be told.
    """

    url: str
    config: ServerConfig | None = None
    error: str = ""
    absent: bool = False
    holder: Holder | None = None


def look(context: Context) -> list[Finding]:
    """Connect, read what the server says of itself, and hang up; that disturbs no episode."""
    configuration, server = context.configuration, context.options.server
    url, viewer_port = configuration.server_url, configuration.embodiment.viewer_port
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or _DEFAULT_PORTS[parts.scheme]
    holders: dict[int, Holder | None] = {}
    if ports.is_local(host):
        holders = {number: ports.holder_of(number) for number in (port, viewer_port)}
    facts = ask(url, context.deadline, holders.get(port))
    findings = judge(facts, configuration.embodiment, server)
    running = findings[0].verdict is Verdict.OK
    findings.append(ports.judge(holders, viewer_port, server, running=running))
    if facts.config is None or _is_reference(facts.config):
        return [*findings, not_needed("viewer", "no VERA server runs")]
    return [
        *findings,
        judge_viewer(f"http://{host}:{viewer_port}", look_into_viewer(host, viewer_port)),
    ]


def ask(url: str, deadline: Deadline, holder: Holder | None) -> ServerFacts:
    """What the server on this address says of itself."""
    try:
        config = asyncio.run(_greet(url, round(deadline.remaining(), 1)))
    except ConnectionFailedError as error:
        refused = isinstance(error.__cause__, ConnectionRefusedError)
        return ServerFacts(url, error=str(error), absent=refused, holder=holder)
    except VeraRosError as error:
        return ServerFacts(url, error=str(error), holder=holder)
    return ServerFacts(url, config, holder=holder)


def judge(facts: ServerFacts, embodiment: Embodiment, server: str) -> list[Finding]:
    """The server that is meant answers; or, where it is yet to start, its port is free."""
    if facts.absent:
        return [_judge_absent(facts, server)]
    if facts.config is None:
        return [_judge_silent(facts, server)]
    try:
        check_embodiment(facts.config, embodiment)
    except ConfigurationError as error:
        return [failure(NAME, f"{facts.url}: {error}", _other_server(server, embodiment))]
    if server == "reference" and not _is_reference(facts.config):
        return [
            failure(
                NAME,
                f"a VERA server answers on {facts.url}, where the reference server is to listen",
                "choose --server attach (server:=attach) to use it, or another port",
            )
        ]
    return [_judge_config(facts.config, facts.url), judge_provenance(facts.config)]


def _judge_absent(facts: ServerFacts, server: str) -> Finding:
    if server == "attach":
        return failure(
            NAME,
            f"nobody listens on {facts.url}",
            "start the policy server, or name another one: --server-url ws://host:port",
        )
    return not_needed(NAME, f"it starts with the graph; {facts.url} is free for it")


def _judge_silent(facts: ServerFacts, server: str) -> Finding:
    if server != "attach":
        return failure(
            NAME,
            f"{facts.holder or 'something'} holds {facts.url} and does not answer as a policy "
            f"server: {facts.error}",
            "wait, if it is one that loads or thinks; else stop it, or choose another port: "
            "--server-url ws://127.0.0.1:port",
        )
    return failure(
        NAME,
        facts.error,
        "see the server's log; while it loads or thinks it answers nothing: run doctor again then",
    )


def _judge_config(config: ServerConfig, url: str) -> Finding:
    return ok(
        NAME,
        f"{url}: {config.embodiment}, {config.action_space} of {config.action_horizon} x "
        f"{config.action_dim} at {1 / config.control_dt:.0f} Hz, context {config.context_frames} "
        f"frames, views {', '.join(config.view_keys)}, protocol {config.protocol_version}",
    )


def judge_provenance(config: ServerConfig) -> Finding:
    """Which code and which weights answer."""
    name = "provenance"
    models = f"planner {config.planner_model or '?'}, IDM {config.idm_model or '?'}"
    if _is_reference(config):
        return ok(name, "the reference policy, a stand-in for VERA")
    code = config.git_head[:12] or "unknown"
    if config.git_dirty:
        return warning(
            name,
            f"{models}, code {code} with changes ({config.git_diff_sha[:12] or 'unknown'})",
            "commit the server's code: results from changed code cannot be repeated",
        )
    return ok(name, f"{models}, code {code}, on {config.hostname or 'an unknown host'}")


def judge_viewer(url: str, stats: dict[str, Any] | str) -> Finding:
    """The live viewer can be looked into. `stats`: what it tells, or why it does not."""
    if isinstance(stats, str):
        return warning(
            "viewer",
            f"{url} does not answer ({stats}); it only shows what the policy sees and dreams",
            "start the server with --vis-port, and open that port",
        )
    return ok("viewer", url)


def look_into_viewer(host: str, port: int) -> dict[str, Any] | str:
    """What the viewer tells, or why it does not."""
    connection = http.client.HTTPConnection(host, port, timeout=_VIEWER_TIMEOUT_S)
    try:
        connection.request("GET", "/stats.json")
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            return f"HTTP status {answer.status}"
        stats = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return stats if isinstance(stats, dict) else "not a viewer"


async def _greet(url: str, timeout_s: float) -> ServerConfig:
    async with PolicyClient() as client:
        return await client.connect(url, timeout_s)


def _is_reference(config: ServerConfig) -> bool:
    return config.planner_model == _REFERENCE


def _other_server(server: str, embodiment: Embodiment) -> str:
    if server == "attach":
        return f"name the {embodiment.name} server: --server-url ws://host:port"
    return "stop that server, or choose another port: --server-url ws://127.0.0.1:port"

# SPDX-License-Identifier: Apache-2.0
"""Check of the policy server: what answers at its address, and whether that is expected."""

import asyncio
import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from vera_ros.doctor.facts import ports
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.ports import Holder
from vera_ros.doctor.facts.tools import Deadline
from vera_ros.doctor.finding import Finding, Verdict, failure, not_needed, ok, warning
from vera_ros.embodiments import Embodiment
from vera_ros.printable import printable
from vera_ros.server.probe import Answer, probe
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.connection.access import ServerAccess
from vera_ros.wire.connection.address import without_password
from vera_ros.wire.protocol.server_config import ServerConfig
from vera_ros.wire.provenance import describe_server, protocol_warning, viewer_url

NAME = "policy server"

_REFERENCE = "reference"
_DEFAULT_PORTS = {"ws": 80, "wss": 443}
_VIEWER_TIMEOUT_S = 2.0
_MOST_STATISTICS = 2**20  # bytes


@dataclass(frozen=True)
class ServerFacts:
    """Result of a handshake at an address.

    Attributes:
        url: the address.
        answer: kind of the answer.
        detail: what went wrong, and what to do; empty: nothing went wrong.
        config: the server's configuration; None: no policy server for this robot is ready.
    """

    url: str
    answer: Answer
    detail: str = ""
    config: ServerConfig | None = None


def check(context: Context) -> list[Finding]:
    """Check server, ports and viewer; the handshake with the server disturbs no episode."""
    configuration, server = context.configuration, context.options.server
    url = configuration.server_url
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    viewer_port = context.settings.viewer_port if context.options.serves_vera else 0
    holders: dict[int, Holder | None] = {}
    if ports.is_local(str(parts.hostname)):
        holders = {number: ports.holder_of(number) for number in (port, viewer_port) if number}
    access = ServerAccess.of(configuration.policy)
    facts = ask(url, configuration.embodiment, context.deadline, access)
    findings = judge(facts, server, holders.get(port))
    running = findings[0].verdict is Verdict.OK
    findings.append(ports.judge(holders, viewer_port, running=running))
    if facts.config is None or _is_reference(facts.config):
        return [*findings, not_needed("viewer", "no VERA server runs")]
    viewer = configuration.policy["viewer_url"] or viewer_url(url, facts.config)
    if not viewer:
        return [*findings, not_needed("viewer", "the server was started without one")]
    return [*findings, judge_viewer(viewer, check_viewer(viewer))]


def ask(
    url: str, embodiment: Embodiment, deadline: Deadline, access: ServerAccess | None = None
) -> ServerFacts:
    """Try a handshake with the server at this address. `access`: files for one behind TLS."""
    # Half of the time, so that the silence of what listens there is found, and not unknown.
    timeout_s = round(deadline.remaining() / 2, 1)
    return asyncio.run(_shake_hands(url, embodiment, timeout_s, access))


def judge(facts: ServerFacts, server: str, holder: Holder | None) -> list[Finding]:
    """Check that the expected server answers or, where it is yet to start, that its port is free.

    Args:
        facts: of the address.
        server: where the policy comes from, as the option --server.
        holder: the process that listens at the address; None: none, or it cannot be determined.
    """
    if facts.config is None:
        return [_judge_no_server(facts, server, holder)]
    if server == "reference" and not _is_reference(facts.config):
        return [
            failure(
                NAME,
                f"a VERA server answers on {facts.url}, where the reference server is to listen",
                "choose --server attach (server:=attach) to use it, or another port",
            )
        ]
    return [_judge_config(facts.config, facts.url), judge_provenance(facts.config)]


def _judge_no_server(facts: ServerFacts, server: str, holder: Holder | None) -> Finding:
    silent = facts.answer is Answer.NOTHING
    if server == "attach":
        mend = "name the server: --server-url ws://host:port (server_url:=)"
        if silent:
            mend = f"start the policy server, or {mend}"
        if facts.answer is Answer.UNCLEAR:
            mend = f"if it is loading or busy, run doctor again later; or {mend}"
        return failure(NAME, facts.detail, mend)
    if silent:
        return not_needed(NAME, f"it starts with the graph; {facts.url} is free for it")
    mend = "stop it, or choose another port: --server-url ws://127.0.0.1:port"
    if facts.answer is Answer.UNCLEAR:
        mend = f"wait, if it is a policy server that is loading or busy; else {mend}"
    return failure(NAME, f"{facts.detail}; it is {holder or 'an unknown process'}", mend)


def _judge_config(config: ServerConfig, url: str) -> Finding:
    found = (
        f"{url}: {config.embodiment}, {config.action_space} of {config.action_horizon} x "
        f"{config.action_dim} at {1 / config.control_dt:.0f} Hz, context {config.context_frames} "
        f"frames, views {', '.join(config.view_keys)}, protocol {config.protocol_version}"
    )
    strange = protocol_warning(config)
    if strange:
        return warning(NAME, f"{found}: {strange}", "use matching versions of server and vera_ros")
    return ok(NAME, found)


def judge_provenance(config: ServerConfig) -> Finding:
    """Report the server's code and weights; warn of code with uncommitted changes."""
    name = "provenance"
    if _is_reference(config):
        return ok(name, "the reference policy, a stand-in for VERA")
    if config.git_dirty:
        return warning(
            name,
            f"{describe_server(config)} ({config.git_diff_sha[:12] or 'unknown'})",
            "commit the server's code: results of uncommitted code cannot be reproduced",
        )
    return ok(name, describe_server(config))


def judge_viewer(url: str, trouble: str) -> Finding:
    """Check that the live viewer answers. `trouble`: why it does not; empty: it does."""
    if trouble:
        return warning(
            "viewer",
            f"{url} does not answer ({trouble}); episodes run without it",
            "open that port on the server's machine, or set another viewer_url",
        )
    return ok("viewer", url)


def check_viewer(url: str) -> str:
    """Request the viewer's statistics; return why there are none, or the empty text."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        str(parts.hostname), parts.port or 80, timeout=_VIEWER_TIMEOUT_S
    )
    try:
        connection.request("GET", "/stats.json")
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            return f"HTTP status {answer.status}"
        stats: Any = json.loads(answer.read(_MOST_STATISTICS))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return printable(str(error)) or type(error).__name__
    finally:
        connection.close()
    return "" if isinstance(stats, dict) else "no statistics"


async def _shake_hands(
    url: str, embodiment: Embodiment, timeout_s: float, access: ServerAccess | None
) -> ServerFacts:
    async with PolicyClient(access=access) as client:
        shown = await probe(client, url, embodiment, timeout_s)
        config = client.config if shown.answer is Answer.READY else None
        return ServerFacts(without_password(url), shown.answer, shown.detail, config)


def _is_reference(config: ServerConfig) -> bool:
    return config.planner_model == _REFERENCE

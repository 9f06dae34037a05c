# SPDX-License-Identifier: Apache-2.0
"""Real servers on real ports: the right one, another one, one that is none, and nobody."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from vera_ros.bringup.isolation import free_port
from vera_ros.doctor.checks import policy_server
from vera_ros.doctor.checks.policy_server import ServerFacts, ask, judge_provenance, judge_viewer
from vera_ros.doctor.facts.ports import Holder
from vera_ros.doctor.facts.tools import Deadline
from vera_ros.doctor.finding import Finding, Verdict
from vera_ros.embodiments import find_embodiment
from vera_ros.robots.handshake import make_server_config
from vera_ros.server.host import PolicyHost

PATIENCE_S = 60.0
MIMICGEN = find_embodiment("mimicgen")
REFERENCE = make_server_config(MIMICGEN, 10)
VERA = replace(
    REFERENCE,
    planner_model="mimicgen-wan-1.3b",
    idm_model="285ouq1q",
    git_head="c6db268bff78b8bb904c8bf7b9358e3b2cf41a74",
    hostname="gpu",
)


class Served:
    """A policy that is only asked what it is."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = dict(config)

    def server_config(self) -> dict[str, Any]:
        return self._config

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        raise AssertionError("doctor asked for an inference")

    def reset(self, reason: str) -> None:
        raise AssertionError("doctor ended an episode")

    configure = observe = reload = infer


@contextmanager
def serving(config: Mapping[str, Any]) -> Iterator[str]:
    host = PolicyHost(Served(config), "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{host.start()}"
    finally:
        host.stop()


def asked(url: str, seconds: float = PATIENCE_S) -> ServerFacts:
    return ask(url, MIMICGEN, Deadline(seconds))


def judged(facts: ServerFacts, server: str, holder: Holder | None = None) -> list[Finding]:
    return policy_server.judge(facts, server, holder)


@pytest.mark.parametrize("server", ["attach", "docker", "subprocess"])
def test_a_vera_server_is_described(server: str) -> None:
    with serving(VERA.to_wire()) as url:
        config, provenance = judged(asked(url), server)
    assert config.verdict is Verdict.OK
    assert "mimicgen, eef_delta of 10 x 7 at 20 Hz, context 21 frames" in config.found
    words = "planner mimicgen-wan-1.3b, IDM 285ouq1q, code c6db268bff78, host gpu"
    assert words in provenance.found


def test_the_reference_server_says_that_it_is_none() -> None:
    with serving(REFERENCE.to_wire()) as url:
        config, provenance = judged(asked(url), "reference")
    assert config.verdict is Verdict.OK
    assert "stand-in" in provenance.found


def test_a_vera_server_where_the_reference_server_is_to_be_is_in_the_way() -> None:
    with serving(VERA.to_wire()) as url:
        (finding,) = judged(asked(url), "reference")
    assert finding.verdict is Verdict.FAILURE
    assert "server:=attach" in finding.mend


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"embodiment": "droid", "view_keys": list(find_embodiment("droid").view_keys)}, "droid"),
        ({"action_space": "joint_position"}, "joint_position"),
        ({"view_keys": ["agentview_image"]}, "views"),
        ({"control_dt": 0.1}, "control_dt"),
    ],
)
def test_a_server_of_something_else_is_a_failure(changes: dict[str, Any], named: str) -> None:
    with serving(VERA.to_wire() | changes) as url:
        (finding,) = judged(asked(url), "attach")
    assert finding.verdict is Verdict.FAILURE
    assert named in finding.found
    assert "--server-url" in finding.mend


def test_a_server_of_another_protocol_is_warned_of() -> None:
    with serving(VERA.to_wire() | {"protocol_version": 2}) as url:
        finding = judged(asked(url), "attach")[0]
    assert finding.verdict is Verdict.WARNING
    assert "protocol version 2" in finding.found


def test_a_server_that_says_something_else_is_a_failure() -> None:
    with serving({"hello": "world"}) as url:
        (finding,) = judged(asked(url), "attach")
    assert finding.verdict is Verdict.FAILURE
    assert "required" in finding.found


def test_nobody_is_a_failure_for_who_wants_to_attach_alone() -> None:
    facts = asked(f"ws://127.0.0.1:{free_port()}")
    (finding,) = judged(facts, "attach")
    assert finding.verdict is Verdict.FAILURE
    assert f"no connection to a policy server at {facts.url}" in finding.found
    assert finding.mend.startswith("start the policy server")
    for server in ("reference", "docker", "subprocess"):
        (finding,) = judged(facts, server)
        assert finding.verdict is Verdict.SKIPPED


def test_who_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        facts = asked(f"ws://127.0.0.1:{silent.getsockname()[1]}", seconds=0.5)
    (finding,) = judged(facts, "attach")
    assert finding.verdict is Verdict.FAILURE
    assert "does not answer the handshake" in finding.found
    (finding,) = judged(facts, "docker", Holder("nginx", 80))
    assert finding.verdict is Verdict.FAILURE
    assert "it is nginx (pid 80)" in finding.found


def test_code_that_was_changed_is_warned_of() -> None:
    finding = judge_provenance(replace(VERA, git_dirty=True, git_diff_sha="0123456789abcdef"))
    assert finding.verdict is Verdict.WARNING
    assert "with changes" in finding.found
    assert "(0123456789ab)" in finding.found


class Viewer(BaseHTTPRequestHandler):
    """Answers like VERA's live viewer."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/stats.json" else 404)
        self.end_headers()
        self.wfile.write(b'{"fps": 12.5}')

    def log_message(self, *_: object) -> None:
        pass


def test_the_viewer_is_looked_into() -> None:
    with HTTPServer(("127.0.0.1", 0), Viewer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        trouble = policy_server.check_viewer(url)
        server.shutdown()
    assert trouble == ""
    assert judge_viewer(url, trouble).verdict is Verdict.OK


def test_a_viewer_that_is_off_is_warned_of() -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    finding = judge_viewer(url, policy_server.check_viewer(url))
    assert finding.verdict is Verdict.WARNING
    assert "refused" in finding.found

# SPDX-License-Identifier: Apache-2.0
"""A hostile server ends an episode, never the node; passwords and tokens are shown nowhere."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.nodes.policy.parameters import PARAMETERS
from vera_ros.nodes.policy.server_side import session_options
from vera_ros.policy.sessions import Sessions
from vera_ros.policy.states import Cause
from vera_ros_interfaces.action import ExecuteTask

from ..stage import ScriptedPolicy, Stage, actions

Result = ExecuteTask.Result
FORGED = "\x1b[2J\r\n[ERROR] [ik_node]: all clear"
HOSTILE: list[tuple[ScriptedPolicy, set[Cause]]] = [
    (ScriptedPolicy(image_resolution=[10**6, 10**6]), {Cause.PROTOCOL_ERROR}),
    (ScriptedPolicy(image_resolution=[4000, 4000]), {Cause.SERVER_MISMATCH}),
    (ScriptedPolicy(view_widths=[10**9, 10**9]), {Cause.PROTOCOL_ERROR}),
    (ScriptedPolicy(context_frames=4096), {Cause.SERVER_MISMATCH}),
    (ScriptedPolicy(embodiment=FORGED), {Cause.SERVER_MISMATCH}),
    (ScriptedPolicy(control_dt=float("nan")), {Cause.SERVER_MISMATCH}),
    (ScriptedPolicy(np.zeros((5000, 7), np.float32)), {Cause.PROTOCOL_ERROR}),
    (ScriptedPolicy(np.full((10, 7), np.nan, np.float32)), {Cause.INVALID_ACTIONS}),
    (ScriptedPolicy(ValueError(FORGED)), {Cause.SERVER_ERROR}),
]


def test_what_a_server_says_ends_an_episode_and_not_the_node(stage: Stage) -> None:
    ik, node = stage.add_ik(), stage.add_policy()
    stage.wait_until_active(ik, node)
    stage.wait_for_exchange()
    for policy, causes in HOSTILE:
        host = stage.serve(policy)
        result = stage.result(stage.goal())
        assert result.outcome == Result.ABORTED
        assert Cause(result.cause) in causes, result.message
        assert result.message.isprintable()
        assert host.stop()
    assert not stage.arm_trajectories
    odd = {"argv": ["--vis-port", "9" * 5000], "hostname": FORGED, "planner_model": "x" * 60_000}
    stage.serve(ScriptedPolicy(actions(), **odd))
    handle = stage.goal()
    stage.wait_until(lambda: stage.arm_trajectories, "a chunk of the next server")
    stage.judge(True)
    assert stage.result(handle).outcome == Result.SUCCEEDED
    health = node.health()
    for part in (health, *health.parts.values()):
        assert all(str(value).isprintable() for value in part.values.values())


def test_a_bug_that_a_server_brings_out_does_not_end_the_node(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise IndexError("no such row")

    ik, node = stage.add_ik(), stage.add_policy()
    stage.wait_until_active(ik, node)
    stage.wait_for_exchange()
    stage.serve()
    with monkeypatch.context() as patch:
        patch.setattr(Sessions, "on_reply", fail)
        result = stage.result(stage.goal())
    assert (result.outcome, result.cause) == (Result.ABORTED, Cause.INTERNAL_ERROR)
    handle = stage.goal()
    stage.wait_until(lambda: stage.arm_trajectories, "a chunk")
    stage.judge(True)
    assert stage.result(handle).outcome == Result.SUCCEEDED


def test_a_password_is_not_shown(stage: Stage) -> None:
    url = f"ws://user:s3cret@127.0.0.1:{stage.port}"
    ik, node = stage.add_ik(), stage.add_policy(server_url=url, connect_timeout_s=0.5)
    stage.wait_until_active(ik, node)
    stage.wait_for_exchange()
    result = stage.result(stage.goal())
    assert result.cause == Cause.NO_SERVER
    assert "s3cret" not in result.message
    assert {status.server_url for status in stage.status} == {url.replace("user:s3cret", "…")}
    assert "s3cret" not in repr(stage.status) + repr(node.health())


@pytest.mark.parametrize(
    "name", ["server_ca_file", "server_certificate_file", "server_key_file", "server_token_file"]
)
def test_files_that_cannot_be_used_are_said_at_the_start(tmp_path: Path, name: str) -> None:
    parameters: dict[str, Any] = {parameter.name: parameter.default for parameter in PARAMETERS}
    parameters |= {"server_url": "wss://gpu:8443", name: str(tmp_path / "missing")}
    with pytest.raises(ConfigurationError, match="server_"):
        session_options(parameters, find_embodiment("mimicgen"))

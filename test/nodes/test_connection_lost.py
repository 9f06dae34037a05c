# SPDX-License-Identifier: Apache-2.0
"""A server that comes late, goes and comes back, or has another client: seen from the goal."""

import asyncio
from typing import Any

import numpy as np

from vera_ros.embodiments import find_embodiment
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.protocol.messages import InferRequest
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus

from .stage import PATIENCE_S, ScriptedPolicy, Stage

Result = ExecuteTask.Result


def both_nodes(stage: Stage, **parameters: Any) -> None:
    stage.wait_until_active(stage.add_ik(), stage.add_policy(**parameters))
    stage.wait_for_exchange()


def play_one(stage: Stage) -> Any:
    """A goal whose first chunk has begun to play."""
    handle = stage.goal()
    stage.wait_until(
        lambda: any(m.state == ChunkProgress.PLAYING for m in stage.progress), "a step"
    )
    return handle


def finish(stage: Stage, handle: Any) -> Any:
    stage.judge(True)
    result = stage.result(handle)
    assert result.outcome == Result.SUCCEEDED, result.message
    return result


def test_a_goal_waits_for_a_server_that_comes_late(stage: Stage) -> None:
    both_nodes(stage)
    handle = stage.goal()
    stage.wait_until(
        lambda: stage.status and "attempt 1 failed" in stage.status[-1].message, "an attempt"
    )
    assert stage.status[-1].state == PolicyStatus.CONNECTING
    stage.serve()
    stage.wait_until(lambda: stage.chunks, "a chunk")
    finish(stage, handle)


def test_a_lost_server_is_waited_for_and_the_goal_goes_on(stage: Stage) -> None:
    host = stage.serve()
    both_nodes(stage, on_connection_lost="restart")
    handle = play_one(stage)
    first = stage.chunks[0].session_id
    host.stop()
    stage.wait_until(
        lambda: stage.status[-1].state == PolicyStatus.CONNECTING and stage.status[-1].reconnects,
        "the loss",
    )
    assert stage.rests()
    policy = ScriptedPolicy()
    stage.serve(policy)
    stage.wait_until(lambda: stage.chunks[-1].session_id != first, "a chunk of the new session")
    assert len(policy.requests[0]["context_rgb"]) == 1
    assert policy.requests[0]["session_id"] == stage.chunks[-1].session_id
    result = finish(stage, handle)
    assert result.chunks == len({(c.session_id, c.sequence) for c in stage.chunks})
    assert stage.status[-1].reconnects == 1


def test_a_policy_that_failed_once_is_asked_in_a_new_session(stage: Stage) -> None:
    policy = ScriptedPolicy(RuntimeError("out of memory"))
    stage.serve(policy)
    both_nodes(stage, on_connection_lost="restart")
    handle = stage.goal()
    stage.wait_until(lambda: len(policy.requests) >= 2, "another question")
    policy.answer = ScriptedPolicy().answer
    stage.wait_until(lambda: stage.chunks, "a chunk")
    sessions = [request["session_id"] for request in policy.requests]
    assert len(set(sessions)) == len(sessions)
    finish(stage, handle)


def test_a_server_that_comes_back_as_another_one_ends_it(stage: Stage) -> None:
    host = stage.serve()
    both_nodes(stage, on_connection_lost="restart")
    handle = play_one(stage)
    host.stop()
    stage.serve(ScriptedPolicy(view_widths=[64, 64]))
    result = stage.result(handle)
    assert result.cause == PolicyStatus.SERVER_MISMATCH
    assert "view_widths" in result.message


def test_a_second_client_ends_the_episode_of_the_first(stage: Stage) -> None:
    """It used to spoil it silently."""
    policy = ScriptedPolicy()
    stage.serve(policy)
    both_nodes(stage)
    handle = play_one(stage)
    intrude(stage, policy)
    result = stage.result(handle)
    assert result.cause == PolicyStatus.SERVER_SHARED
    assert "another client" in result.message
    stage.wait_until(stage.rests, "the arm to rest")
    assert len(stage.chunks) == 1


def intrude(stage: Stage, policy: ScriptedPolicy) -> None:
    """Begin an episode of one's own, in the middle of somebody else's."""
    pictures, views = np.zeros((1, 128, 256, 3), np.uint8), find_embodiment("mimicgen").view_keys

    async def session() -> None:
        async with PolicyClient() as client:
            await client.connect(f"ws://127.0.0.1:{stage.port}", PATIENCE_S)
            await client.infer(InferRequest(pictures, views, (128, 128), "theirs"))

    asyncio.run(session())
    assert policy.resets[-1] == "session_change"

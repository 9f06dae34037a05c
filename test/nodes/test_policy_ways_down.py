# SPDX-License-Identifier: Apache-2.0
"""Every way down for policy_node, from every state of an episode."""

from collections.abc import Callable
from typing import Any

import pytest
from rclpy.lifecycle import TransitionCallbackReturn

from vera_ros.nodes.policy_node import PolicyNode
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus

from .episode_scene import (
    Scene,
    awaiting_approval,
    connecting,
    inferring,
    paused,
    playing,
    playing_and_inferring,
    settling,
    waiting_for_views,
)
from .stage import VIEWS, ScriptedPolicy, Stage, actions

SUCCESS = TransitionCallbackReturn.SUCCESS
TRANSITIONS = [
    ("deactivate",),
    ("deactivate", "cleanup"),
    ("shutdown",),
    ("deactivate", "shutdown"),
]
every_way_down = pytest.mark.parametrize("transitions", TRANSITIONS, ids="-".join)


def go(node: PolicyNode, transitions: tuple[str, ...]) -> None:
    for transition in transitions:
        assert getattr(node, f"trigger_{transition}")() is SUCCESS, node.fault


def is_deactivated(result: Any) -> bool:
    return (result.outcome, result.cause) == (
        ExecuteTask.Result.ABORTED,
        PolicyStatus.DEACTIVATED,
    )


# Each moment, and how often the arm side is told to stop by the end of it.
MOMENTS: dict[Callable[[Scene], Any], int] = {
    connecting: 0,
    waiting_for_views: 0,
    inferring: 0,
    playing: 1,
    playing_and_inferring: 1,
    settling: 1,
    paused: 1,  # by the pause
    awaiting_approval: 1,
}
at_every_moment = pytest.mark.parametrize(
    ("reach", "stops"), MOMENTS.items(), ids=[moment.__name__ for moment in MOMENTS]
)


@pytest.fixture
def scene(stage: Stage) -> Scene:
    return Scene(stage)


@every_way_down
@at_every_moment
def test_every_transition_ends_the_episode_stops_the_arm_and_answers_the_goal(
    scene: Scene, reach: Callable[[Scene], Any], stops: int, transitions: tuple[str, ...]
) -> None:
    stage = scene.stage
    result = reach(scene).get_result_async()
    stage.wait_until(lambda: scene.arm.stops == (reach is paused), "what came before")
    go(scene.node, transitions)
    assert is_deactivated(stage.wait_for(result, "the result").result)
    stage.wait_until(
        lambda: (
            (stage.status[-1].state, stage.status[-1].cause)
            == (PolicyStatus.ABORTED, PolicyStatus.DEACTIVATED)
        ),
        "the status",
    )
    stage.wait_until(lambda: scene.arm.stops >= stops, "the stop")
    assert scene.arm.stops == stops
    scene.policy.may_infer.set()


@pytest.mark.parametrize("cleanup", [False, True], ids=["deactivate", "deactivate-cleanup"])
@at_every_moment
def test_who_comes_up_again_takes_the_next_goal(
    scene: Scene, reach: Callable[[Scene], Any], stops: int, cleanup: bool
) -> None:
    stage = scene.stage
    reach(scene)
    go(scene.node, ("deactivate", "cleanup") if cleanup else ("deactivate",))
    scene.policy.may_infer.set()
    scene.arm.state, stage.cameras = ChunkProgress.ACCEPTED, VIEWS
    if reach is connecting:
        stage.serve(scene.policy)
    go(scene.node, ("configure", "activate") if cleanup else ("activate",))
    stage.wait_until(lambda: not scene.node._task.busy, "the first goal's end")
    stage.status.clear()
    scene.goal(PolicyStatus.PLAYING)


@every_way_down
def test_a_goal_that_was_taken_and_has_not_begun_is_answered(
    scene: Scene, transitions: tuple[str, ...]
) -> None:
    """The node was cleaned up in between, and had no episodes any more."""
    stage, node = scene.stage, scene.node
    stage.wait_until(stage._client.server_is_ready, "the action")
    sent = stage._client.send_goal_async(ExecuteTask.Goal(prompt="stack"))
    stage.wait_until(lambda: node._task.busy, "the goal")
    assert not node._task.unfinished
    go(node, transitions)
    handle = stage.wait_for(sent, "the answer to the goal")
    assert is_deactivated(stage.result(handle))


@every_way_down
def test_every_transition_brings_a_real_arm_side_to_rest(
    stage: Stage, transitions: tuple[str, ...]
) -> None:
    stage.serve(ScriptedPolicy(actions(rows=60, down=0.05)))
    node = stage.add_policy(view_stall_s=60.0, arm_timeout_s=60.0)
    stage.add_ready_ik()
    stage.wait_until_active(node)
    result = stage.goal().get_result_async()
    stage.wait_until(
        lambda: any(m.state == ChunkProgress.PLAYING for m in stage.progress), "a step"
    )
    go(node, transitions)
    assert is_deactivated(stage.wait_for(result, "the result").result)
    stage.wait_until(lambda: len(stage.arm_trajectories) == 2, "the stop")
    stage.ends_smoothly()
    stage.wait_until(lambda: stage.progress[-1].state == ChunkProgress.ABORTED, "its report")
    assert stage.progress[-1].cause == ChunkProgress.STOPPED

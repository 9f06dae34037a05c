# SPDX-License-Identifier: Apache-2.0
"""An episode before a scripted server and a scripted arm side, and how it comes to each state."""

from typing import Any

from std_srvs.srv import Trigger

from vera_ros.nodes.policy_node import PolicyNode
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus

from .arm_side import ArmSide
from .stage import ScriptedPolicy, Stage, configure_and_activate


class Scene:
    """A stage with a server, an arm side and an active policy_node.

    Args:
        stage: that it is on.
        parameters: of the node.
    """

    def __init__(self, stage: Stage, **parameters: Any) -> None:
        self.stage = stage
        self.policy = ScriptedPolicy()
        self.server = stage.serve(self.policy)
        self.arm = ArmSide(stage)
        self.node: PolicyNode = stage.add_policy(
            **{"view_stall_s": 60.0, "autostart": False, **parameters}
        )
        configure_and_activate(self.node)
        stage.wait_until(self.arm.is_known, "discovery")

    def goal(self, state: int, **goal: Any) -> Any:
        """A goal whose episode has come to a state."""
        handle = self.stage.goal(**goal)
        self.stage.wait_for_state(state)
        return handle


def connecting(scene: Scene) -> Any:
    scene.server.stop()
    return scene.goal(PolicyStatus.CONNECTING)


def waiting_for_views(scene: Scene) -> Any:
    stage = scene.stage
    stage.cameras = ()
    handle = scene.goal(PolicyStatus.WAITING_FOR_VIEWS)
    stage.wait_until(lambda: "views" in stage.status[-1].message, "the robot's joint states")
    return handle


def inferring(scene: Scene) -> Any:
    scene.policy.may_infer.clear()
    handle = scene.goal(PolicyStatus.INFERRING)
    scene.stage.wait_until(lambda: scene.policy.requests, "the question")
    return handle


def playing(scene: Scene) -> Any:
    handle, node = scene.goal(PolicyStatus.PLAYING), scene.node
    scene.stage.wait_until(lambda: node._episode and node._episode.playback.progress, "the plan")
    return handle


def playing_and_inferring(scene: Scene) -> Any:
    scene.arm.step_s = 0.2
    handle = scene.goal(PolicyStatus.PLAYING, mode=ExecuteTask.Goal.ASYNC)
    scene.policy.may_infer.clear()
    scene.stage.wait_until(lambda: len(scene.policy.requests) == 2, "the next question")
    return handle


def settling(scene: Scene) -> Any:
    scene.arm.step_s = 0.0
    return scene.goal(PolicyStatus.SETTLING)


def paused(scene: Scene) -> Any:
    handle = playing(scene)
    assert scene.stage.call(Trigger, "pause").success
    scene.stage.wait_for_state(PolicyStatus.PAUSED)
    return handle


def awaiting_approval(scene: Scene) -> Any:
    scene.arm.state = ChunkProgress.AWAITING_APPROVAL
    return scene.goal(PolicyStatus.AWAITING_APPROVAL)

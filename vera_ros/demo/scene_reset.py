# SPDX-License-Identifier: Apache-2.0
"""The reset before an episode: the arm at rest, the scene of a seed, and all of it seen."""

from functools import partial

from rclpy.node import Node
from std_srvs.srv import Trigger

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter
from vera_ros.demo.spectator import Spectator
from vera_ros.nodes.common.conversions import LATCHED
from vera_ros_interfaces.msg import ArmStatus
from vera_ros_interfaces.srv import ResetScene

_ANSWER_S = 10.0
_ARM_S = 60.0  # after commands that were late, nothing begins for 30 s


class SceneReset:
    """Sets scenes.

    Args:
        node: the rclpy node.
        spectator: what is seen of the scene.
        lockstep: time stands still between episodes, so that nothing changes before the goal.
    """

    def __init__(self, node: Node, spectator: Spectator, *, lockstep: bool) -> None:
        self._spectator = spectator
        self._lockstep = lockstep
        self._reset = node.create_client(ResetScene, "sim_node/reset_scene")
        self._stop = node.create_client(Trigger, "ik_node/stop")
        self._arm_status: ArmStatus | None = None
        node.create_subscription(ArmStatus, "arm_status", self._on_arm_status, LATCHED)

    def missing(self) -> str:
        """Return what is not ready yet; empty: everything is."""
        if not self._reset.service_is_ready():
            return "sim_node's service reset_scene"
        return "" if self._stop.service_is_ready() else "ik_node's service stop"

    def reset(self, seed: int, waiter: Waiter) -> None:
        """Stop the arm, set the scene of a seed, and wait until truth and pictures show it.

        Raises:
            DemoError: the scene cannot be set.
        """
        # Before the reset: a stop that arrived after it would move the arm out of its start.
        future = self._stop.call_async(Trigger.Request())
        waiter.result(future, "ik_node to bring the arm to rest", _ANSWER_S)
        resets = self._spectator.truth.resets if self._spectator.truth else 0
        self._arm_status = None  # only one from after the reset counts; it is repeated
        future = self._reset.call_async(ResetScene.Request(seed=seed))
        response = waiter.result(future, "sim_node to answer reset_scene", _ANSWER_S)
        if not response.success:
            raise DemoError(f"sim_node cannot set the scene of seed {seed}: {response.message}")
        waiter.until(partial(self._spectator.missing_scene, seed, resets), _ANSWER_S)
        if not self._lockstep:
            waiter.until(self._missing_arm, _ARM_S)

    def _missing_arm(self) -> str:
        status = self._arm_status
        if status is None:
            return "ik_node's arm_status"
        ready = status.state == ArmStatus.READY
        return "" if ready else f"the arm to be ready ({status.message or 'it still moves'})"

    def _on_arm_status(self, status: ArmStatus) -> None:
        self._arm_status = status

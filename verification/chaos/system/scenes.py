# SPDX-License-Identifier: Apache-2.0
"""The scenes of the episodes, from one seed after the other."""

from collections.abc import Callable

from rclpy.node import Node
from std_msgs.msg import Bool

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter
from vera_ros.demo.judge import Judge, Verdict
from vera_ros.nodes.common.conversions import stamp_to_ns
from vera_ros_interfaces.msg import TaskTruth
from vera_ros_interfaces.srv import ResetScene

_ANSWER_S = 5.0
_NEVER_S = 1e9
_SEEDS = 2**31


class Scenes:
    """Resets scenes, and publishes `task_success` when the task is done.

    Args:
        node: owns publisher and client.
        seed: of the first scene.
        hold_s: for so long the task must be done.
        playing: returns whether an episode is running.

    Attributes:
        seed: of the present scene.
        used: whether an episode ended in the scene with success or at its time limit.
    """

    def __init__(self, node: Node, seed: int, hold_s: float, playing: Callable[[], bool]) -> None:
        self.seed = seed
        self._playing = playing
        self._truth: TaskTruth | None = None
        self._hold_s = hold_s
        self._judge = Judge(hold_s, _NEVER_S)
        self._success = node.create_publisher(Bool, "task_success", 10)
        self._reset = node.create_client(ResetScene, "sim_node/reset_scene")
        self.used = False
        node.create_subscription(TaskTruth, "task_truth", self._on_truth, 10)

    def missing(self) -> str:
        """Return the name of what is not available yet; empty: nothing."""
        if not self._reset.service_is_ready():
            return "the service reset_scene"
        return "" if self._truth else "task_truth"

    @property
    def used_up(self) -> bool:
        """Whether the next episode needs a new scene."""
        return self.used or (self._truth is not None and self._truth.success)

    def begin(self) -> None:
        """Start judging a new episode in this scene."""
        self._judge = Judge(self._hold_s, _NEVER_S)

    def reset(self, waiter: Waiter) -> None:
        """Reset the simulator to the scene of the next seed.

        Raises:
            DemoError: reset_scene fails or does not respond.
        """
        self.seed = (self.seed + 1) % _SEEDS
        request = ResetScene.Request(seed=self.seed)
        answer = waiter.result(self._reset.call_async(request), "reset_scene", _ANSWER_S)
        if not answer.success:
            raise DemoError(f"reset_scene failed for seed {self.seed}: {answer.message}")
        self.used = False

    def _on_truth(self, truth: TaskTruth) -> None:
        self._truth = truth
        verdict = self._judge.see(stamp_to_ns(truth.header.stamp), truth.success)
        if self._playing() and verdict is Verdict.DONE:
            self._success.publish(Bool(data=True))

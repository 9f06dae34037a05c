# SPDX-License-Identifier: Apache-2.0
"""The scenes that episodes are played in, one seed after the other."""

from collections.abc import Callable

from rclpy.node import Node
from std_msgs.msg import Bool

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter
from vera_ros.demo.judge import Judge, Verdict
from vera_ros.nodes.common.conversions import stamp_to_ns
from vera_ros_interfaces.msg import StackTruth
from vera_ros_interfaces.srv import ResetScene

_ANSWER_S = 5.0
_STANDS_S = 0.3
_NEVER_S = 1e9
_SEEDS = 2**31


class Scenes:
    """Sets scenes, and tells the policy side when a tower stands.

    Args:
        node: that calls and publishes.
        seed: of the first scene.
        playing: whether there is an episode to tell it.

    Attributes:
        used: the scene was played in to a good end.
    """

    def __init__(self, node: Node, seed: int, playing: Callable[[], bool]) -> None:
        self._seed = seed
        self._playing = playing
        self._truth: StackTruth | None = None
        self._judge = Judge(_STANDS_S, _NEVER_S)
        self._success = node.create_publisher(Bool, "task_success", 10)
        self._reset = node.create_client(ResetScene, "reset_scene")
        self.used = False
        node.create_subscription(StackTruth, "stack_truth", self._on_truth, 10)

    def missing(self) -> str:
        """Name what is not there; empty: everything is."""
        if not self._reset.service_is_ready():
            return "the service reset_scene"
        return "" if self._truth else "stack_truth"

    @property
    def used_up(self) -> bool:
        """Whether another episode needs another scene."""
        return self.used or (self._truth is not None and self._truth.success)

    def begin(self) -> None:
        """Judge another episode in this scene."""
        self._judge = Judge(_STANDS_S, _NEVER_S)

    def reset(self, waiter: Waiter) -> None:
        """Set the next scene.

        Raises:
            DemoError: it cannot be set.
        """
        self._seed = (self._seed + 1) % _SEEDS
        request = ResetScene.Request(seed=self._seed)
        answer = waiter.result(self._reset.call_async(request), "reset_scene", _ANSWER_S)
        if not answer.success:
            raise DemoError(f"reset_scene: {answer.message}")
        self.used = False

    def _on_truth(self, truth: StackTruth) -> None:
        self._truth = truth
        verdict = self._judge.see(stamp_to_ns(truth.header.stamp), truth.success)
        if self._playing() and verdict is Verdict.STANDS:
            self._success.publish(Bool(data=True))

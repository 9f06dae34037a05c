# SPDX-License-Identifier: Apache-2.0
"""judge_node: ends an episode when the simulated task is done."""

from typing import Any, NoReturn

from std_msgs.msg import Bool

from vera_ros.nodes.common.conversions import LATCHED, LOSSLESS_DEPTH, stamp_to_ns
from vera_ros.nodes.common.health import Health
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.common.node_process import run_node
from vera_ros.nodes.judge.parameters import PARAMETERS
from vera_ros.nodes.judge.verdicts import Verdicts
from vera_ros_interfaces.msg import PolicyStatus, TaskTruth


class JudgeNode(VeraNode):
    """Publishes task_success when the task is done, by the simulator's ground truth."""

    def __init__(self, **options: Any) -> None:
        super().__init__("judge_node", PARAMETERS, **options)
        self._done_since_ns: int | None = None
        self._held = False

    def setup(self) -> None:
        """Subscribe to the ground truth."""
        self._success = self.create_publisher(Bool, "task_success", 10)
        self._verdicts = Verdicts(self._speak)
        self.create_subscription(TaskTruth, "task_truth", self._on_truth, LOSSLESS_DEPTH)
        if self.parameters["lockstep"]:
            self.create_subscription(
                PolicyStatus, "policy_status", self._verdicts.see_status, LATCHED
            )

    def health(self) -> Health:
        """Report whether the task is done."""
        return Health(values={"task_done": self._done_since_ns is not None})

    def _on_truth(self, truth: TaskTruth) -> None:
        stamp_ns = stamp_to_ns(truth.header.stamp)
        if not truth.success:
            self._done_since_ns = None
        elif self._done_since_ns is None:
            self._done_since_ns = stamp_ns
        since_ns = self._done_since_ns
        hold_s = self.parameters["hold_s"]
        self._held = since_ns is not None and (stamp_ns - since_ns) * 1e-9 >= hold_s
        if self.parameters["lockstep"]:
            self._verdicts.see_truth(truth)
        elif self._held:
            self._speak()

    def _speak(self) -> bool:
        if self.active:
            self._success.publish(Bool(data=self._held))
        return self.active


def main() -> NoReturn:
    """Entry point."""
    run_node(JudgeNode)


if __name__ == "__main__":
    main()

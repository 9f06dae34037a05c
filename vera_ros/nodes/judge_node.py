# SPDX-License-Identifier: Apache-2.0
"""judge_node: ends an episode when the simulated tower stands."""

from typing import Any, NoReturn

from std_msgs.msg import Bool

from vera_ros.nodes.conversions import stamp_to_ns
from vera_ros.nodes.node import Health, VeraNode, run_node
from vera_ros.nodes.parameters import Parameter
from vera_ros_interfaces.msg import StackTruth

PARAMETERS = (Parameter("hold_s", 0.3, "how long the tower must stand", "s", 0.0, 60.0),)


class JudgeNode(VeraNode):
    """Says on task_success that the tower stands, by the simulator's truth."""

    def __init__(self, **options: Any) -> None:
        super().__init__("judge_node", PARAMETERS, **options)
        self._stands_since_ns: int | None = None

    def setup(self) -> None:
        """Listen to the truth."""
        self._success = self.create_publisher(Bool, "task_success", 10)
        self.create_subscription(StackTruth, "stack_truth", self._on_truth, 10)

    def health(self) -> Health:
        """Whether the tower stands."""
        return Health(values={"tower_stands": self._stands_since_ns is not None})

    def _on_truth(self, truth: StackTruth) -> None:
        stamp_ns = stamp_to_ns(truth.header.stamp)
        if not truth.success:
            self._stands_since_ns = None
            return
        if self._stands_since_ns is None:
            self._stands_since_ns = stamp_ns
        held_s = (stamp_ns - self._stands_since_ns) * 1e-9
        if self.active and held_s >= self.parameters["hold_s"]:
            self._success.publish(Bool(data=True))


def main() -> NoReturn:
    """Entry point."""
    run_node(JudgeNode)


if __name__ == "__main__":
    main()

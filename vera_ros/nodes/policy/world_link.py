# SPDX-License-Identifier: Apache-2.0
"""An episode's link to the world in lockstep: sim_node's service advance_time."""

from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.task import Future

from vera_ros.nodes.common.conversions import seconds_to_duration, stamp_to_ns
from vera_ros_interfaces.srv import AdvanceTime


class WorldLink:
    """The world port of an episode (see vera_ros.policy.ports).

    Args:
        node: the rclpy node.
        on_advanced: called when time stands still again, at `present_ns`.
        on_failed: called with the reason when time could not be advanced.
    """

    def __init__(
        self, node: Any, on_advanced: Callable[[], None], on_failed: Callable[[str], None]
    ) -> None:
        self._client = node.create_client(AdvanceTime, "sim_node/advance_time")
        self._on_advanced = on_advanced
        self._on_failed = on_failed
        self._waiting: AdvanceTime.Request | None = None
        self._asked = 0  # counts requests; answers to earlier ones are stale
        self.present_ns = 0  # simulated time; 0: not known

    def advance(self, duration_s: float, *, await_arm: bool, await_gripper: bool) -> None:
        """Request that simulated time passes by `duration_s`."""
        self._asked += 1
        self._waiting = AdvanceTime.Request(
            duration=seconds_to_duration(duration_s),
            await_arm=await_arm,
            await_gripper=await_gripper,
        )
        self.poll()

    def poll(self) -> None:
        """Send a request that waits for the service to appear: sent before, it would be lost."""
        if self._waiting is None or not self._client.service_is_ready():
            return
        future = self._client.call_async(self._waiting)
        self._waiting = None
        future.add_done_callback(partial(self._on_answer, self._asked))

    def _on_answer(self, number: int, future: Future) -> None:
        answer = future.result()
        if number != self._asked or answer is None:
            return
        self.present_ns = max(self.present_ns, stamp_to_ns(answer.stamp))
        if answer.success:
            self._on_advanced()
        else:
            self._on_failed(answer.message)

# SPDX-License-Identifier: Apache-2.0
"""Whether the arm side lives, and whether it is held."""

import time

from vera_ros.nodes.conversions import LATCHED
from vera_ros.nodes.node import VeraNode
from vera_ros.policy.states import Cause
from vera_ros_interfaces.msg import ArmStatus


class ArmWatch:
    """Listens to ik_node's arm_status.

    Args:
        node: the rclpy node.
        timeout_s: an ik_node that is silent for longer is gone.
    """

    def __init__(self, node: VeraNode, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._newest: tuple[ArmStatus, float] | None = None
        node.create_subscription(ArmStatus, "arm_status", self._on_status, LATCHED)

    def _on_status(self, status: ArmStatus) -> None:
        self._newest = (status, time.monotonic())

    @property
    def held(self) -> bool:
        """Whether a hold is latched, as far as is known."""
        return self._newest is not None and self._newest[0].held

    def trouble(self) -> tuple[Cause, str] | None:
        """Why nothing may go on; None: it may, or nothing is known yet."""
        if self._newest is None:
            return None
        silent_s = time.monotonic() - self._newest[1]
        if silent_s > self._timeout_s:
            return Cause.ARM_SILENT, (
                f"ik_node has said nothing on arm_status for {silent_s:.1f} s; valid is up to "
                f"{self._timeout_s:g} s; is it running?"
            )
        if self.held:
            return Cause.HELD, "a hold was asked for; call release, then give the goal again"
        return None

# SPDX-License-Identifier: Apache-2.0
"""Which arm side there is, whether it lives, and whether it is held."""

import time

from vera_ros.nodes.common.arm_identity import RollCall, double
from vera_ros.nodes.common.conversions import LATCHED_BY_MANY
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.policy.states import Cause
from vera_ros_interfaces.msg import ArmStatus


class ArmWatch:
    """Listens to ik_node's arm_status.

    An episode stays with the arm that it began with: its chunks are for no other one.

    Args:
        node: the rclpy node.
        timeout_s: an ik_node that is silent for longer is gone.
    """

    def __init__(self, node: VeraNode, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._arms = RollCall()
        self._newest: ArmStatus | None = None
        self._newest_s = 0.0  # when that was heard, steady time
        self._arm = ""  # of the episode; empty: not known yet
        self._heard_s = 0.0  # when that one spoke, steady time
        node.create_subscription(ArmStatus, "arm_status", self._on_status, LATCHED_BY_MANY)

    def _on_status(self, status: ArmStatus) -> None:
        self._newest, self._newest_s = status, time.monotonic()
        self._arms.hear(status.arm, self._newest_s)
        self._arm = self._arm or status.arm
        if status.arm == self._arm:
            self._heard_s = self._newest_s

    def begin(self) -> None:
        """An episode begins: its arm is the one that speaks next, or that it plays on before."""
        self._arm, self._heard_s = "", self._newest_s

    @property
    def arm(self) -> str:
        """Identity of the arm that the episode plays on; empty: no arm has told it."""
        return self._arm or (self._newest.arm if self._newest is not None else "")

    @property
    def held(self) -> bool:
        """Whether a hold is latched, as far as is known."""
        return self._newest is not None and self._newest.held

    def double(self) -> str:
        """Why it is not clear which arm is meant; empty: it is."""
        together = self._arms.together(time.monotonic())
        return double(together) if together else ""

    def trouble(self) -> tuple[Cause, str] | None:
        """Why nothing may go on; None: it may, or nothing is known yet."""
        if self._newest is None:
            return None
        if self.double():
            return Cause.ARM_REJECTED, self.double()
        silent_s = time.monotonic() - self._heard_s
        if silent_s > self._timeout_s:
            other = self._newest.arm
            instead = f"; {other} speaks in its place" if other != self.arm else "; is it running?"
            return Cause.ARM_SILENT, (
                f"ik_node has said nothing on arm_status for {silent_s:.1f} s; valid is up to "
                f"{self._timeout_s:g} s{instead}"
            )
        if self.held:
            return Cause.HELD, "a hold was asked for; call release, then give the goal again"
        return None

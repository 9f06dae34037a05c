# SPDX-License-Identifier: Apache-2.0
"""Monitoring of the arm side: which ik_node it is, whether it is alive, and whether it is held."""

import time
from collections import deque

from vera_ros.nodes.common.arm_identity import RollCall, double
from vera_ros.nodes.common.conversions import LATCHED_BY_MANY
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.policy.states import Cause
from vera_ros.printable import printable
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress

# Faults that are normal until the drivers have been discovered: an episode waits.
_NOT_CONNECTED = (ChunkProgress.NO_JOINT_STATES, ChunkProgress.NO_CONTROLLER)
_REMEMBERED = 32  # arms that have been active


class ArmWatch:
    """Monitors ik_node by its arm_status.

    An episode stays with the arm that it began with: its chunks are addressed to that one. One that
    has not been active yet may be silent: while its ik_node compiles, it publishes nothing.

    Args:
        node: the rclpy node.
        timeout_s: an ik_node that is silent for longer counts as gone, once it was active [s].
    """

    def __init__(self, node: VeraNode, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._arms = RollCall()
        self._newest: ArmStatus | None = None
        self._newest_s = 0.0  # when that arrived, steady time
        self._arm = ""  # of the episode; empty: not known yet
        self._heard_s = 0.0  # when that arm's last status arrived, steady time
        self._once_active: deque[str] = deque(maxlen=_REMEMBERED)
        node.create_subscription(ArmStatus, "arm_status", self._on_status, LATCHED_BY_MANY)

    def _on_status(self, status: ArmStatus) -> None:
        status.arm, status.message = printable(status.arm), printable(status.message, 2000)
        self._newest, self._newest_s = status, time.monotonic()
        self._arms.record(status.arm, self._newest_s)
        if status.state != ArmStatus.INACTIVE and status.arm not in self._once_active:
            self._once_active.append(status.arm)
        if self._arm not in self._once_active:
            self._arm = status.arm
        if status.arm == self._arm:
            self._heard_s = self._newest_s

    def begin(self) -> None:
        """Begin an episode: its arm is the next one that publishes, until then the last one."""
        self._arm, self._heard_s = "", self._newest_s

    @property
    def arm(self) -> str:
        """Identity of the arm that the episode plays on; empty: none has arrived."""
        return self._arm or (self._newest.arm if self._newest is not None else "")

    @property
    def held(self) -> bool:
        """Whether a hold is latched, as far as is known."""
        return self._newest is not None and self._newest.held

    def complaint(self) -> str:
        """Return why the arm side cannot move, as it says; empty: it can, or has said nothing."""
        status = self._newest
        if status is None:
            return "ik_node has not published arm_status; is it running?"
        if status.state == ArmStatus.INACTIVE:
            return f"ik_node is not active: {status.message}".removesuffix(": ")
        return f"ik_node: {status.message}" if status.state == ArmStatus.FAULT else ""

    def connected(self) -> bool:
        """Whether the arm side has its joint states and controllers, as far as is known."""
        status = self._newest
        if status is None:
            return True
        lacks = status.state == ArmStatus.FAULT and status.cause in _NOT_CONNECTED
        return not (lacks or self.starting())

    def starting(self) -> bool:
        """Whether the arm has not been active yet, as far as is known: it may still compile."""
        return self.arm not in self._once_active

    def double(self) -> str:
        """Return why it is not clear which arm is meant; empty: it is."""
        together = self._arms.together(time.monotonic())
        return double(together) if together else ""

    def trouble(self) -> tuple[Cause, str] | None:
        """Return why an episode cannot go on; None: it can, or nothing is known yet."""
        if self._newest is None:
            return None
        if self.double():
            return Cause.ARM_REJECTED, self.double()
        silent_s = time.monotonic() - self._heard_s
        if silent_s > self._timeout_s and not self.starting():
            other = self._newest.arm
            instead = f"{other} publishes instead" if other != self.arm else "is it running?"
            return Cause.ARM_SILENT, (
                f"ik_node has not published arm_status for {silent_s:.1f} s; valid is up to "
                f"{self._timeout_s:g} s; {instead}"
            )
        if self.held:
            return Cause.HELD, "a hold is latched; call release, then send the goal again"
        return None

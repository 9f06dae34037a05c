# SPDX-License-Identifier: Apache-2.0
"""The topic arm_status: published when it changes, and periodically."""

import time
from typing import Any

from std_msgs.msg import Header

from vera_ros.motion.causes import Cause
from vera_ros.motion.execution.supervisor import HELD, Supervisor
from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.nodes.common.conversions import LATCHED
from vera_ros_interfaces.msg import ArmStatus

_LASTING_S = 1.0


def arm_status(supervisor: Supervisor | None, observation: ArmObservation, held: bool) -> ArmStatus:
    """Return the status of the arm side.

    Args:
        supervisor: of the arm; None: the node is not configured.
        observation: the observation of the arm.
        held: whether a hold is latched.
    """
    status, fault = ArmStatus(held=held), observation.fault
    if supervisor is not None:
        status.cause, status.message = int(supervisor.reason.cause), supervisor.reason.message
    if supervisor is None or (fault is not None and fault.cause is Cause.NOT_ACTIVE):
        status.state = ArmStatus.INACTIVE
    elif supervisor.playing is not None:
        status.state = ArmStatus.MOVING
    elif supervisor.stops.under_way:
        status.state = ArmStatus.STOPPING
    elif held:
        status.state = ArmStatus.HELD
        status.cause, status.message = int(Cause.HELD), HELD
    elif (hindrance := supervisor.hindrance(observation)) is not None:
        status.state = ArmStatus.FAULT
        status.cause, status.message = int(hindrance.cause), str(hindrance)
    elif supervisor.stops.moves(observation):
        status.state = ArmStatus.FAULT
        status.cause, status.message = int(Cause.NOT_AT_REST), "the arm moves, but plays nothing"
    elif supervisor.intake.awaiting is not None:
        status.state = ArmStatus.AWAITING_APPROVAL
    else:
        status.state = ArmStatus.READY
    return status


def contact_warning(
    observation: ArmObservation, effort_model: str, mismatch: str | None = None
) -> str:
    """Return why contact is not detected, or not told from gravity; empty: it is.

    Args:
        observation: the observation of the arm.
        effort_model: the parameter of that name.
        mismatch: see EffortFit.
    """
    if observation.measured is None:
        return ""
    remedy = "have the driver export effort state interfaces"
    if observation.effort is None:
        return f"contact is not detected: the joint states have no efforts; {remedy}"
    if not observation.effort.any():
        return (
            "contact is not detected reliably: the joint states have efforts that are all exactly "
            f"0, which is impossible for an arm that holds itself up; {remedy}"
        )
    if effort_model == "none" and mismatch is None:
        return (
            "contact is detected by the measured efforts alone (effort_model: none): what gravity "
            "causes counts as contact, and a light push goes unnoticed; unless the driver's "
            "efforts are without gravity, add inertias to the URDF, and set effort_model to "
            "rigid_body"
        )
    return mismatch or ""


class ArmStatusTopic:
    """Publishes the status of an ik_node.

    Args:
        node: the rclpy node.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        self._publisher = node.create_publisher(ArmStatus, "arm_status", LATCHED)
        self._said: ArmStatus | None = None
        self._warned: set[str] = set()
        self._fault, self._fault_since_s, self._fault_logged = 0, 0.0, False

    def say(self, status: ArmStatus) -> None:
        """Publish a status that differs from the last one; log faults that last, and warnings."""
        self._log_fault(status)
        if self._said is not None:
            status.header = self._said.header  # a new stamp alone is no change
        if status != self._said:
            self._said = status
            self.repeat()
            for warning in status.warnings:
                if warning not in self._warned:
                    self._warned.add(warning)
                    self._node.get_logger().warning(warning)

    def _log_fault(self, status: ArmStatus) -> None:
        """Log why the arm cannot move, once that has lasted; it is normal while drivers start."""
        fault, now_s = status.cause if status.state == ArmStatus.FAULT else 0, time.monotonic()
        if fault != self._fault:
            if self._fault_logged and not fault:
                self._node.get_logger().info("the arm can move again")
            self._fault, self._fault_since_s, self._fault_logged = fault, now_s, False
        elif fault and not self._fault_logged and now_s - self._fault_since_s >= _LASTING_S:
            self._fault_logged = True
            self._node.get_logger().warning(f"the arm cannot move: {status.message}")

    def repeat(self) -> None:
        """Publish the last status again, with a new stamp."""
        if self._said is None:
            return
        self._said.header = Header(stamp=self._node.get_clock().now().to_msg())
        self._publisher.publish(self._said)

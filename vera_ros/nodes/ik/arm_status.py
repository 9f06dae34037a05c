# SPDX-License-Identifier: Apache-2.0
"""arm_status: what the arm side is doing, said when it changes and again and again."""

from typing import Any

from std_msgs.msg import Header

from vera_ros.motion.causes import Cause
from vera_ros.motion.execution.supervisor import HELD, Supervisor
from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.nodes.common.conversions import LATCHED
from vera_ros_interfaces.msg import ArmStatus


def arm_status(supervisor: Supervisor | None, observation: ArmObservation, held: bool) -> ArmStatus:
    """What the arm side is doing.

    Args:
        supervisor: of the arm; None: the node is not configured.
        observation: what is known of the arm.
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
    elif fault is not None:
        status.state = ArmStatus.FAULT
        status.cause, status.message = int(fault.cause), str(fault)
    elif supervisor.stops.moves(observation):
        status.state = ArmStatus.FAULT
        status.cause, status.message = int(Cause.NOT_AT_REST), "the arm moves, but plays nothing"
    elif supervisor.intake.awaiting is not None:
        status.state = ArmStatus.AWAITING_APPROVAL
    else:
        status.state = ArmStatus.READY
    return status


def contact_warnings(observation: ArmObservation, effort_model: str) -> list[str]:
    """What keeps contact from being noticed, or from being told from gravity.

    Args:
        observation: what is known of the arm.
        effort_model: the parameter.
    """
    if observation.measured is None:
        return []
    mend = "have the driver export effort state interfaces"
    if observation.effort is None:
        return [f"contact is not watched: the joint states bring no efforts; {mend}"]
    warnings = []
    if not observation.effort.any():
        warnings.append(
            "contact is not watched as it should be: the joint states bring efforts that are all "
            f"exactly 0, which no arm has that holds itself; {mend}"
        )
    if effort_model == "none":
        warnings.append(
            "contact is told by the measured efforts alone (effort_model: none): what holds the "
            "arm against gravity counts as contact, and a light push is not noticed; give the URDF "
            "inertias, and set effort_model to rigid_body"
        )
    return warnings


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

    def say(self, status: ArmStatus) -> None:
        """Say it, unless it was said last. A warning that was never said is logged, too."""
        if self._said is not None:
            status.header = self._said.header  # which tells nothing
        if status != self._said:
            self._said = status
            self.repeat()
            for warning in status.warnings:
                if warning not in self._warned:
                    self._warned.add(warning)
                    self._node.get_logger().warning(warning)

    def repeat(self) -> None:
        """Say again what was said last."""
        if self._said is None:
            return
        self._said.header = Header(stamp=self._node.get_clock().now().to_msg())
        self._publisher.publish(self._said)

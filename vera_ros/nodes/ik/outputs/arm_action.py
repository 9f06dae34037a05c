# SPDX-License-Identifier: Apache-2.0
"""The arm's output by the action FollowJointTrajectory, which reports the outcome."""

from collections.abc import Callable
from typing import Any

from control_msgs.action import FollowJointTrajectory
from trajectory_msgs.msg import JointTrajectory

from vera_ros.motion.trajectory import ArmTrajectory
from vera_ros.nodes.ik.outputs.goal_sender import GoalSender


class ArmAction:
    """Sends trajectories to a joint_trajectory_controller as goals, without goal tolerances.

    Args:
        node: the rclpy node.
        name: the action's name.
        message: makes the message of a trajectory and its start time [s].
        on_fault: called with a message when the controller rejects a trajectory or ends it early.
    """

    def __init__(
        self,
        node: Any,
        name: str,
        message: Callable[[ArmTrajectory, float], JointTrajectory],
        on_fault: Callable[[str], None],
    ) -> None:
        self._message = message
        self._on_fault = on_fault
        self._goals = GoalSender(node, FollowJointTrajectory, name, self._on_failure)

    def waiting_for(self) -> str:
        """Return the action server that is missing; empty: it is there."""
        return self._goals.waiting_for()

    def send(self, trajectory: ArmTrajectory, start_s: float) -> None:
        """Send a trajectory as a goal; the controller drops the goal before."""
        message = self._message(trajectory, start_s)
        self._goals.send(FollowJointTrajectory.Goal(trajectory=message))

    def acknowledged(self) -> bool | None:
        """Return whether the controller has answered the newest goal."""
        return self._goals.acknowledged()

    def close(self) -> None:
        """Destroy the client; the arm plays to the end of its trajectory."""
        self._goals.close()

    def _on_failure(self, what: str, result: Any) -> None:
        why = "see its log" if result is None else _reason(result)
        self._on_fault(f"the arm's controller ('{self._goals.name}') {what} a trajectory: {why}")


def _reason(result: Any) -> str:
    kind = FollowJointTrajectory.Result
    names = {
        kind.INVALID_GOAL: "INVALID_GOAL",
        kind.INVALID_JOINTS: "INVALID_JOINTS",
        kind.OLD_HEADER_TIMESTAMP: "OLD_HEADER_TIMESTAMP",
        kind.PATH_TOLERANCE_VIOLATED: "PATH_TOLERANCE_VIOLATED",
        kind.GOAL_TOLERANCE_VIOLATED: "GOAL_TOLERANCE_VIOLATED",
    }
    code = names.get(result.error_code, f"error code {result.error_code}")
    return f"{code} {result.error_string}".strip()

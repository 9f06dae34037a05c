# SPDX-License-Identifier: Apache-2.0
"""What a configured ik_node knows of its arm and of the controller's clock."""

from dataclasses import replace
from typing import Any

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.motion.setpoint.setpoint import PAST_S
from vera_ros.nodes.ik.arm_reader import ArmReader
from vera_ros.nodes.ik.outputs.output import Output
from vera_ros.nodes.ik.rivals import Rivals
from vera_ros.nodes.ik.robot_fault import RobotFault


class ArmSensing:
    """Joins all that is known of an arm into one ArmObservation.

    Args:
        node: the rclpy node, with its `parameters` and whether it is `active`.
        arm: whose joint states are read.
        arm_output: to the arm's controller.
        gripper_output: to the gripper's.
        rivals: who else might move the arm.

    Attributes:
        reader: reads the joint states.
    """

    def __init__(
        self,
        node: Any,
        arm: ArmModel,
        arm_output: Output[Any],
        gripper_output: Output[Any],
        rivals: Rivals,
    ) -> None:
        self._node = node
        self._clock = node.get_clock()
        self._arm_output, self._gripper_output = arm_output, gripper_output
        self._rivals = rivals
        p = node.parameters
        self._robot = RobotFault(node, p["robot_state_topic"], p["joint_state_timeout_s"])
        self.reader = ArmReader(
            node,
            arm.joint_names,
            p["gripper_joint"],
            arm.velocity_limit,
            p["joint_state_timeout_s"],
        )

    def read(self) -> float:
        """Take the joint states that have come; return by how much the clock was set [s]."""
        self.reader.read()
        return self.reader.set_by_s

    def observe(self, *, to_stop: bool = False) -> ArmObservation:
        """Return what the joint states read so far say of the arm now.

        Args:
            to_stop: it is to be stopped, which is allowed whatever a rival does.
        """
        return replace(
            self.reader.sense(self._fault(to_stop)),
            unfit=self._clocks_fault(),
            heard=self._arm_output.heard(),
            in_doubt=not self._clock.ros_time_is_active and self.reader.in_doubt(),
        )

    def _fault(self, to_stop: bool) -> Reason | None:
        if not self._node.active:
            return Reason(Cause.NOT_ACTIVE, "ik_node is not active; activate it first")
        rival = None if to_stop else self._rivals.fault()
        if rival is not None:
            return rival
        missing = self.missing_outputs()
        lost = Reason(Cause.NO_CONTROLLER, missing) if missing else None
        return lost or self._robot.fault()

    def missing_outputs(self) -> str:
        """Why what is sent would not be played; empty: it would, as far as one can know."""
        missing = [self._arm_output.waiting_for(), self._gripper_output.waiting_for()]
        return "; ".join(f"nothing moves without {name}" for name in missing if name)

    def fault(self) -> Reason | None:
        """Why joint states and robot let nothing be moved; None: they do."""
        return self.reader.fault() or self._robot.fault()

    # Clocks; where time comes by /clock, there is but one.

    def now_s(self) -> float:
        """The controller's time, as far as it is known [s]; any thread may ask."""
        return self.reader.now_s()

    def ours_less_arms_s(self) -> float:
        """This machine's clock less the controller's [s], between which reports translate."""
        return 0.0 if self._clock.ros_time_is_active else -self.reader.offset_s()

    def past_s(self) -> float:
        """How far before its sending a replacement must carry the running plan [s]."""
        if self._clock.ros_time_is_active:
            return PAST_S
        most_s: float = self._node.parameters["clock_difference_s"]
        return PAST_S + min(self.reader.unsure_s(), most_s)

    def _clocks_fault(self) -> Reason | None:
        """Why the controller's time is not known well enough; None: it is."""
        if self._clock.ros_time_is_active:
            return None
        return self.reader.clocks_fault(self._node.parameters["clock_difference_s"])

# SPDX-License-Identifier: Apache-2.0
"""Observation of a configured ik_node's arm and of the controller's clock."""

from dataclasses import replace
from typing import Any

import numpy as np

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.motion.setpoint.setpoint import PAST_S
from vera_ros.nodes.common.discovery import only_here
from vera_ros.nodes.ik.outputs.output import Output
from vera_ros.nodes.ik.sensing.arm_reader import ArmReader
from vera_ros.nodes.ik.sensing.clock_step import ClockStep
from vera_ros.nodes.ik.sensing.rivals import Rivals
from vera_ros.nodes.ik.sensing.robot_fault import RobotFault

_NO_CLOCK = Reason(
    Cause.CLOCKS_DIFFER,
    "use_sim_time is true, and nothing has published /clock yet; start what publishes it, or set "
    "use_sim_time to false",
)


class ArmSensing:
    """Combines joint states, outputs, rivals and the robot's state into one ArmObservation.

    Args:
        node: the rclpy node, with its `parameters` and whether it is `active`.
        arm: kinematics of the arm whose joint states are read.
        arm_output: output to the arm's controller.
        gripper_output: output to the gripper's controller.
        rivals: other nodes that might move the arm.

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
        self._step = ClockStep(self._clock)
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
            frozenset(np.flatnonzero(~arm.turns).tolist()),
        )

    def close(self) -> None:
        """Release what the node's cleanup does not."""
        self._step.close()

    def read(self) -> float:
        """Process new joint states; return by how much the controller's clock was set [s]."""
        self.reader.read()
        return self.reader.set_by_s

    def observe(self, *, to_stop: bool = False) -> ArmObservation:
        """Return the observation of the arm, from the joint states read so far.

        Args:
            to_stop: whether it serves to stop the arm, which rivals do not prevent.
        """
        return replace(
            self.reader.sense(self._fault(to_stop)),
            unfit=self._clocks_fault(),
            acknowledged=self._arm_output.acknowledged(),
            in_doubt=not self._clock.ros_time_is_active and self.reader.in_doubt(),
        )

    def _fault(self, to_stop: bool) -> Reason | None:
        if not self._node.active:
            return Reason(Cause.NOT_ACTIVE, "ik_node is not active; activate it first")
        rival = None if to_stop else self._rivals.fault()
        if rival is not None:
            return rival
        return self.no_controller() or self._robot.fault()

    def no_controller(self) -> Reason | None:
        """Return which outputs have no receiver; None: all have one, as far as known."""
        missing = [self._arm_output.waiting_for(), self._gripper_output.waiting_for()]
        words = "; ".join(f"nothing moves without {name}" for name in missing if name)
        return Reason(Cause.NO_CONTROLLER, f"{words}{only_here()}") if words else None

    def robot_fault(self) -> Reason | None:
        """Return why the robot accepts no motion; None: it may accept it."""
        return self._robot.fault()

    def fault(self) -> Reason | None:
        """Return why joint states or robot forbid motion; None: they do not."""
        return self.reader.fault() or self._robot.fault()

    # Clocks; with /clock there is only one.

    def now_s(self) -> float:
        """Return the controller's time, as far as it is known [s]; callable from any thread."""
        return self.reader.now_s()

    def ours_less_arms_s(self) -> float:
        """Return this machine's clock minus the controller's [s], to convert times in reports."""
        return 0.0 if self._clock.ros_time_is_active else -self.reader.offset_s()

    def past_s(self) -> float:
        """Return how much of the running plan before its sending a replacement must contain [s]."""
        if self._clock.ros_time_is_active:
            return PAST_S
        most_s: float = self._node.parameters["clock_difference_s"]
        return PAST_S + min(self.reader.unsure_s(), most_s)

    def _clocks_fault(self) -> Reason | None:
        """Return why the controller's time is not known well enough; None: it is."""
        if self._clock.ros_time_is_active:
            return self._step.fault() if self._clock.now().nanoseconds else _NO_CLOCK
        return self.reader.clocks_fault(self._node.parameters["clock_difference_s"])

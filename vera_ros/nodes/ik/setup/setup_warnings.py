# SPDX-License-Identifier: Apache-2.0
"""What a user should know of an ik_node's set-up, besides why nothing may move."""

from typing import Any

from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.nodes.ik.reports.arm_status import contact_warning
from vera_ros.nodes.ik.sensing.other_joints import OtherJoints
from vera_ros.nodes.ik.setup.motion_setup import ArmSetup


class SetupWarnings:
    """Announces a configured arm in the log, and keeps the warnings of arm_status.

    Args:
        node: the rclpy node.
        setup: what was set up.
        others: the description's other joints.
    """

    def __init__(self, node: Any, setup: ArmSetup, others: OtherJoints) -> None:
        self._node = node
        self._setup = setup
        self._others = others

    def announce(self) -> None:
        """Log what the node plans for."""
        logger, arm = self._node.get_logger(), self._setup.arm
        logger.info(
            f"plans for '{arm.tcp_frame}' in '{arm.base_frame}', joints {list(arm.joint_names)}"
        )
        joint, gripper = self._node.parameters["gripper_joint"], self._setup.gripper_limits
        if joint:
            ends = f"{gripper.end_m(close=False):g}, closed at {gripper.end_m(close=True):g}"
            logger.info(f"the gripper is open with '{joint}' at {ends} {gripper.unit}")
        if self._others.names:
            logger.info(
                f"robot_description has other joints as well, {list(self._others.names)}; for the "
                "collision check, they are where joint_states have them"
            )
        if self._node.parameters["dry_run"]:
            logger.warning("this is a dry run: plans are made and shown, nothing moves")

    def update(self, observation: ArmObservation) -> None:
        """Compare the efforts of a resting arm with gravity."""
        measured = observation.measured
        if measured is not None:
            self._setup.effort_fit.update(
                observation.effort, measured.q, measured.dq, measured.stamp_s
            )

    def of(self, observation: ArmObservation) -> list[str]:
        """Return the warnings, one sentence each."""
        mismatch = None if observation.measured is None else self._setup.effort_fit.mismatch
        model = self._node.parameters["effort_model"]
        contact = contact_warning(observation, model, mismatch)
        return [
            *filter(None, [contact]),
            *self._reversed(),
            *self._setup.remarks,
            *self._others.warnings(),
        ]

    def _reversed(self) -> list[str]:
        """Return a warning where a gripper of sliding fingers would be open at the lower end."""
        joint, gripper = self._node.parameters["gripper_joint"], self._setup.gripper_limits
        opened, closed = gripper.end_m(close=False), gripper.end_m(close=True)
        if not joint or gripper.unit != "m" or opened > closed:
            return []
        return [
            f"gripper_open_m {opened:g} is below gripper_closed_m {closed:g}: right only if "
            f"'{joint}' grows as the gripper closes; else swap the two"
        ]

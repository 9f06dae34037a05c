# SPDX-License-Identifier: Apache-2.0
"""The arm of a configured ik_node: sensing, supervision, outputs and reports."""

import time
from dataclasses import replace
from typing import Any, NamedTuple

from vera_ros.embodiments import find_embodiment
from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.execution.planning_job import Clocks
from vera_ros.motion.execution.supervisor import Hold, Supervisor
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.motion.safety.tracking_watch import PlaybackWatch
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.motion.trajectory import ArmTrajectory, GripperTrajectory
from vera_ros.nodes.common.pending_responses import PendingResponses
from vera_ros.nodes.ik.outputs.output import Output, make_arm_output, make_gripper_output
from vera_ros.nodes.ik.reports.chunk_reports import ChunkReports
from vera_ros.nodes.ik.reports.tcp_reports import TcpReports
from vera_ros.nodes.ik.sensing.arm_sensing import ArmSensing
from vera_ros.nodes.ik.sensing.other_joints import OtherJoints
from vera_ros.nodes.ik.sensing.rivals import Rivals
from vera_ros.nodes.ik.setup.action_columns import ActionColumns
from vera_ros.nodes.ik.setup.motion_setup import (
    make_dispatcher,
    make_supervision_limits,
    set_up_arm,
)
from vera_ros.nodes.ik.setup.setup_warnings import SetupWarnings

NOT_CONFIGURED = "ik_node is not configured; configure and activate it first"


def unconfigured() -> ArmObservation:
    """Return the observation of the arm while the node is not configured."""
    return ArmObservation(fault=Reason(Cause.NOT_ACTIVE, NOT_CONFIGURED))


class Outputs(NamedTuple):
    """Where an ik_node sends trajectories."""

    arm: Output[ArmTrajectory]
    gripper: Output[GripperTrajectory]


class ArmControl:
    """Builds the motion side from parameters and runs it, from `setup` to `teardown`.

    Args:
        node: the rclpy node, with its `parameters`.
        urdf: the robot's URDF.
        hold: whether the arm is held.
        rivals: other nodes that might move it.
        at_rest: service calls that wait for the arm to rest.
        arrived: service calls that wait for a move's end.

    Raises:
        ConfigurationError: the parameters do not describe an arm that can be moved.

    Attributes:
        sensing: observes the arm.
        supervisor: decides what the arm plays.
        reports: publishes what becomes of chunks.
        warnings: what the user should know of the set-up.
        lead: time that trajectories are given to reach the controller.
        closed: whether the node was cleaned up; nothing is observed any more.
    """

    def __init__(
        self,
        node: Any,
        urdf: str,
        hold: Hold,
        rivals: Rivals,
        at_rest: PendingResponses,
        arrived: PendingResponses,
    ) -> None:
        self._node, p = node, node.parameters
        self._setup = setup = set_up_arm(p, urdf)
        node.get_logger().info("preparing the motion code (the first start compiles it: some 15 s)")
        self.lead = Lead(p["stop_lead_s"])
        self._dispatcher = make_dispatcher(
            p,
            setup,
            find_embodiment(p["embodiment"]),
            self._send_arm,
            self._send_gripper,
            self.lead,
        )
        arm_output = make_arm_output(
            node, p["arm_output"], p["joint_names"], self._on_output_fault, dry_run=p["dry_run"]
        )
        gripper_output = make_gripper_output(
            node,
            p["gripper_output"],
            p["gripper_joint"],
            setup.gripper_limits,
            p["grasp_force_n"],
            self._on_output_fault,
            lambda: self.sensing.now_s(),
            dry_run=p["dry_run"] or not p["gripper_joint"],
        )
        self._outputs = Outputs(arm_output, gripper_output)
        self.sensing = ArmSensing(node, setup.arm, arm_output, gripper_output, rivals)
        self.reports = ChunkReports(
            node,
            setup.arm,
            self.sensing.now_s,
            self.sensing.ours_less_arms_s,
            at_rest,
            arrived,
            dry_run=p["dry_run"],
        )
        limits = make_supervision_limits(p)
        self.supervisor = Supervisor(
            self._dispatcher,
            None if p["dry_run"] else PlaybackWatch(setup.contact, limits),
            limits,
            hold,
            self.reports,
            Clocks(time.perf_counter, self.sensing.now_s),
        )
        self._tcp = TcpReports(node, setup.arm)
        self.closed = False
        self._others = OtherJoints(node, setup.obstacles)
        self.warnings = SetupWarnings(node, setup, self._others)
        self.warnings.announce()

    @property
    def arm(self) -> ArmModel:
        """The arm's kinematics."""
        return self._setup.arm

    @property
    def columns(self) -> ActionColumns:
        """What the columns of chunk messages mean to the arm."""
        return self._setup.columns

    def close(self) -> None:
        """Close the outputs: nothing is sent any more."""
        self.closed = True
        for output in self._outputs:
            output.close()
        self.sensing.close()

    # Observation.

    def sense(self, *, to_stop: bool = False) -> ArmObservation:
        """Read new joint states, and return the observation of the arm.

        Args:
            to_stop: whether it serves to stop the arm, which rivals do not prevent.
        """
        if self.closed:
            return unconfigured()
        set_by_s = self.sensing.read()
        if set_by_s:
            self.supervisor.clock_was_set(set_by_s)
        self._dispatcher.channel.past_s = self.sensing.past_s()
        return self.sensing.observe(to_stop=to_stop)

    def may_be_elsewhere(self) -> bool:
        """Return whether a resting arm may not be where it was measured."""
        return self.supervisor.playing is None and bool(self.sense().elsewhere)

    # Events.

    def tick(self) -> None:
        """Check the arm; called at `monitor_rate_hz`."""
        self._others.update()
        observation = self.sense()
        self.warnings.update(observation)
        self.supervisor.tick(observation, self.sensing.now_s())
        if self._outputs.arm.waiting_for():
            self.supervisor.doubt()
        if observation.measured is not None:
            ours_s = observation.measured.stamp_s + self.sensing.ours_less_arms_s()
            measured = replace(observation.measured, stamp_s=ours_s)
            self._tcp.say(measured, playing=self.supervisor.playing is not None)

    def stop(self, reason: Reason) -> None:
        """Bring the arm to rest smoothly."""
        self.supervisor.stop(reason, self.sense(to_stop=True), self.sensing.now_s())

    def refuse(self, session_id: str, sequence: int, reason: Reason) -> None:
        """Report that a chunk is refused: nothing of it is played."""
        self.supervisor.reason = reason
        self.reports.refused(session_id, sequence, reason)

    def _send_arm(self, trajectory: ArmTrajectory, start_s: float) -> None:
        self.sensing.reader.clock.mark()
        self._outputs.arm.send(trajectory, start_s)

    def _send_gripper(self, trajectory: GripperTrajectory, start_s: float) -> None:
        self._outputs.gripper.send(trajectory, start_s)

    def _on_output_fault(self, message: str) -> None:
        """Handle a trajectory that a controller rejected or ended early."""
        if self.supervisor.playing is not None:
            self.stop(Reason(Cause.TRACKING_ERROR, message))
        else:
            self._node.get_logger().error(message)

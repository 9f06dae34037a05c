# SPDX-License-Identifier: Apache-2.0
"""Reports of chunks and moves: chunk_progress, planned_path, log and service responses."""

from collections.abc import Callable
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path
from std_msgs.msg import Header

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.chunk import ChunkRequest
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.planning.plan import Plan
from vera_ros.nodes.common.conversions import LATCHED, pose_message
from vera_ros.nodes.common.pending_responses import PendingResponses
from vera_ros.nodes.ik.chunk_messages import progress_message
from vera_ros_interfaces.msg import ChunkProgress

_PLAYED = Reason()  # nothing is wrong
_SHOWN_EVERY_S = 0.05  # spacing of the poses on planned_path


class ChunkReports:
    """Publishes, logs and answers with what a Supervisor reports (see its Listener).

    Args:
        node: the rclpy node.
        arm: kinematics of the arm.
        now_s: returns the controller's time [s].
        ours_less_arms_s: returns this machine's time minus the controller's [s].
        at_rest: service calls that wait for the arm to rest.
        arrived: service calls that wait for a move's end.
        dry_run: whether nothing is played, so that steps have no times.

    Attributes:
        counts: number of chunks by outcome.
        planning_s: planning time of the last chunk [s].
        time_stretch: planned over nominal duration of the last chunk.
    """

    def __init__(
        self,
        node: Any,
        arm: ArmModel,
        now_s: Callable[[], float],
        ours_less_arms_s: Callable[[], float],
        at_rest: PendingResponses,
        arrived: PendingResponses,
        *,
        dry_run: bool,
    ) -> None:
        self._node = node
        self._arm = arm
        self._now_s = now_s
        self._ours_less_arms_s = ours_less_arms_s
        self._at_rest = at_rest
        self._arrived = arrived
        self._dry_run = dry_run
        self._progress = node.create_publisher(ChunkProgress, "chunk_progress", 10)
        self._planned_path = node.create_publisher(Path, "planned_path", LATCHED)
        self.counts = {"accepted": 0, "rejected": 0, "aborted": 0}
        self.planning_s, self.time_stretch = 0.0, 1.0

    def awaiting(self, playing: Playing, planning_s: float) -> None:
        """Report a chunk that is planned and waits for approval."""
        self._show(playing.plan)
        self._say(ChunkProgress.AWAITING_APPROVAL, playing, planning_s=planning_s)

    def refused(self, session_id: str, sequence: int, reason: Reason) -> None:
        """Report a chunk of which nothing is played."""
        self.counts["rejected"] += 1
        self._node.get_logger().warning(f"chunk {sequence} rejected: {reason.message}")
        self._progress.publish(
            ChunkProgress(
                header=self._header(),
                session_id=session_id,
                sequence=sequence,
                state=ChunkProgress.REJECTED,
                cause=int(reason.cause),
                message=reason.message,
                dry_run=self._dry_run,
            )
        )

    def rejected(self, chunk: ChunkRequest, reason: Reason) -> None:
        """Report that a chunk that was being planned, or waited for approval, is not played."""
        self.refused(chunk.session_id, chunk.sequence, reason)

    def accepted(self, playing: Playing, planning_s: float) -> None:
        """Report a chunk or move that was sent."""
        plan = playing.plan
        if plan.chunk is not None:
            self.counts["accepted"] += 1
            self.planning_s, self.time_stretch = planning_s, plan.time_stretch
            if plan.cut is not None:
                warn = self._node.get_logger().warning
                warn(f"chunk {playing.sequence} is cut short: {plan.cut}")
        self._say(ChunkProgress.ACCEPTED, playing, planning_s=planning_s)
        self._show(plan)

    def superseded(self, playing: Playing) -> None:
        """Report that the next chunk of the episode has taken over."""
        self._say(ChunkProgress.SUPERSEDED, playing)

    def stepped(self, playing: Playing) -> None:
        """Report one more played step."""
        if not self._dry_run:
            self._say(ChunkProgress.PLAYING, playing)

    def finished(self, playing: Playing) -> None:
        """Report that all was played and the arm rests."""
        self._say(ChunkProgress.FINISHED, playing)
        dry = "dry run: the arm was not moved"
        self._arrived.give(True, dry if self._dry_run else "arrived")

    def aborted(self, playing: Playing, reason: Reason) -> None:
        """Report a chunk or move that was stopped early."""
        self.counts["aborted"] += 1
        asked_for = reason.cause in (Cause.STOPPED, Cause.HELD)
        what = "the move" if playing.plan.chunk is None else f"chunk {playing.sequence}"
        words = f"{what} was stopped: {reason.message}"
        if asked_for:  # rclpy allows one severity per call site
            self._node.get_logger().info(words)
        else:
            self._node.get_logger().error(words)
        self._say(ChunkProgress.ABORTED, playing, reason)
        self._arrived.give(False, reason.message)

    def rested(self, success: bool, message: str) -> None:
        """Report whether the arm has come to rest after a stop, as far as is known."""
        self._at_rest.give(success, message)

    def warned(self, message: str) -> None:
        """Log an error that an operator should know of."""
        self._node.get_logger().error(message)

    def _say(
        self,
        state: int,
        playing: Playing,
        reason: Reason = _PLAYED,
        planning_s: float = 0.0,
    ) -> None:
        if playing.plan.chunk is None:
            return
        now_s, dry_run, by_s = self._now_s(), self._dry_run, self._ours_less_arms_s()
        playing, now_s = playing.later(by_s), now_s + by_s
        report = progress_message(playing, state, now_s, reason, dry_run=dry_run)
        report.header = self._header()
        report.planning_s = planning_s
        self._progress.publish(report)

    def _show(self, plan: Plan) -> None:
        """Publish the planned path of the TCP, if there is one."""
        if len(self._arm.tips) > 1:
            return
        header = self._header()
        count = int(np.ceil(plan.duration_s / _SHOWN_EVERY_S)) + 1
        q = plan.spline.derivative(0, np.linspace(0.0, plan.duration_s, count))
        poses = [
            PoseStamped(header=header, pose=pose_message(position, (0.0, 0.0, 0.0, 1.0)))
            for position in self._arm.tcp_positions(q)
        ]
        self._planned_path.publish(Path(header=header, poses=poses))

    def _header(self) -> Header:
        stamp = self._node.get_clock().now().to_msg()
        return Header(stamp=stamp, frame_id=self._arm.base_frame)

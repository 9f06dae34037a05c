# SPDX-License-Identifier: Apache-2.0
"""chunk_progress and planned_path: what becomes of chunks and moves, and where they lead."""

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
_SHOWN_EVERY_S = 0.05  # of a plan on planned_path


class ChunkReports:
    """Says in topics, log and answers what a Supervisor has to say (see its Listener).

    Args:
        node: the rclpy node.
        arm: whose plans these are.
        now_s: tells the controller's time [s].
        ours_less_arms_s: tells this machine's time less the controller's [s].
        at_rest: services that wait for the arm to rest.
        arrived: services that wait for a move's end.
        dry_run: nothing is played, so no step has a time at which anything could be seen.

    Attributes:
        counts: what became of how many chunks.
        planning_s: how long planning took last.
        time_stretch: of the last plan.
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
        """A chunk is planned like this, and waits for approval."""
        self._show(playing.plan)
        self._say(ChunkProgress.AWAITING_APPROVAL, playing, planning_s=planning_s)

    def refused(self, session_id: str, sequence: int, reason: Reason) -> None:
        """Nothing of a chunk is played."""
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
        """A chunk that was being planned, or waited for approval, is not played."""
        self.refused(chunk.session_id, chunk.sequence, reason)

    def accepted(self, playing: Playing, planning_s: float) -> None:
        """A chunk or move was sent."""
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
        """The next chunk of the episode has taken over."""
        self._say(ChunkProgress.SUPERSEDED, playing)

    def stepped(self, playing: Playing) -> None:
        """One more step has been played."""
        if not self._dry_run:
            self._say(ChunkProgress.PLAYING, playing)

    def finished(self, playing: Playing) -> None:
        """All was played, and the arm rests."""
        self._say(ChunkProgress.FINISHED, playing)
        dry = "it is a dry run: the arm was not moved"
        self._arrived.give(True, dry if self._dry_run else "arrived")

    def aborted(self, playing: Playing, reason: Reason) -> None:
        """It was stopped early."""
        self.counts["aborted"] += 1
        asked_for = reason.cause in (Cause.STOPPED, Cause.HELD)
        what = "the move" if playing.plan.chunk is None else f"chunk {playing.sequence}"
        words = f"{what} was stopped: {reason.message}"
        if asked_for:  # rclpy wants one line of code for each severity
            self._node.get_logger().info(words)
        else:
            self._node.get_logger().error(words)
        self._say(ChunkProgress.ABORTED, playing, reason)
        self._arrived.give(False, reason.message)

    def rested(self, success: bool, message: str) -> None:
        """The arm has come to rest after a stop; or it has not, or that is not known."""
        self._at_rest.give(success, message)

    def worried(self, message: str) -> None:
        """Something a person should know."""
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

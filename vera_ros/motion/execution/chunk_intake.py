# SPDX-License-Identifier: Apache-2.0
"""Intake of chunks: one is planned at a time, and one may wait for approval.

Times are the controller's [s], given by the caller.
"""

from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.chunk import ChunkRequest, Measured
from vera_ros.motion.execution.dispatcher import Dispatcher
from vera_ros.motion.execution.listener import Listener
from vera_ros.motion.execution.planning_job import Clocks, PlanningJob
from vera_ros.motion.execution.scheduled_motion import ScheduledMotion
from vera_ros.motion.observation.arm_observation import SupervisionLimits
from vera_ros.motion.safety.chunk_deadlines import ChunkDeadlines


class ChunkIntake:
    """Keeps the chunk that is being planned and the one that waits for approval.

    A planning job may run in any thread; all methods here are called from one. A job that another
    motion, a stop or a newer chunk makes void stays void, even if its plan is ready later.

    Args:
        dispatcher: checks what waits for approval, and holds what the arm was sent.
        limits: supervision thresholds.
        listener: receives reports of chunks that are not played.
        clocks: give the time while a chunk is planned.

    Attributes:
        awaiting: the chunk that waits for approval; None: none does.
        deadlines: refuse chunks that are late, outdated or repeated.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        limits: SupervisionLimits,
        listener: Listener,
        clocks: Clocks,
    ) -> None:
        self._dispatcher = dispatcher
        self._limits = limits
        self._listener = listener
        self._clocks = clocks
        self._planning: PlanningJob | None = None
        self._approved: ChunkRequest | None = None
        self.awaiting: ChunkRequest | None = None
        self.deadlines = ChunkDeadlines(limits)

    def begin(
        self, chunk: ChunkRequest, measured: Measured, now_s: float, *, approval: bool
    ) -> PlanningJob:
        """Return a job that plans a chunk from the present state; it replaces the job before.

        Args:
            chunk: what is to be played.
            measured: where the arm is.
            now_s: ROS time.
            approval: the chunk is to wait for approval once it is planned.

        Raises:
            MotionRefusedError: the chunk is late or repeated, or a chunk of another episode waits
                for approval.
        """
        waiting = self.awaiting
        if waiting is not None and waiting.session_id != chunk.session_id:
            raise MotionRefusedError(
                Cause.BUSY,
                f"chunk {waiting.sequence} of another episode waits for approval; call approve or "
                "discard first",
            )
        self.deadlines.refuse_late(chunk, now_s)
        self.deadlines.refuse_old(chunk, now_s)
        self.deadlines.refuse_repeated(chunk)
        self.void(Reason(Cause.BUSY, "another chunk has come"))
        self._planning = PlanningJob(
            self._dispatcher.scheduler,
            self._dispatcher.channel.playback,
            chunk.for_later() if approval else chunk,
            measured,
            now_s,
            approval=approval,
            most_s=self._limits.planning_timeout_s,
            clocks=self._clocks,
        )
        return self._planning

    def close(self, planning: PlanningJob) -> None:
        """Close a job whose plan is ready.

        Raises:
            MotionRefusedError: the job was made void meanwhile.
        """
        if planning.dropped is not None:
            raise planning.dropped.refused()
        self.give_up(planning)

    def give_up(self, planning: PlanningJob) -> None:
        """Forget a job."""
        if self._planning is planning:
            self._planning = None

    def offer(self, planning: PlanningJob, prepared: ScheduledMotion, planning_s: float) -> None:
        """Have a planned chunk wait for approval.

        Raises:
            MotionRefusedError: the gate would not let it through.
        """
        self._dispatcher.check(prepared)
        self.discard("the next chunk of the episode has come")
        self.awaiting = planning.chunk
        self._listener.awaiting(prepared.playing, planning_s)

    def approve(self) -> ChunkRequest:
        """Release the chunk that waits for approval, to be planned from the present state.

        Raises:
            MotionRefusedError: no chunk waits.
        """
        chunk, self.awaiting = self.awaiting, None
        if chunk is None:
            raise MotionRefusedError(Cause.NOT_APPROVED, "no chunk waits for approval")
        self._approved = chunk
        return chunk

    def discard(self, why: str) -> bool:
        """Discard the chunk that waits for approval; return whether there was one.

        A chunk that was approved and is being planned counts.
        """
        reason = Reason(Cause.NOT_APPROVED, f"the chunk was not approved: {why}")
        if self._planning is not None and self._planning.chunk is self._approved:
            self.void(reason)
            return True
        chunk, self.awaiting = self.awaiting, None
        if chunk is None:
            return False
        self._listener.rejected(chunk, reason)
        return True

    def void(self, reason: Reason) -> None:
        """Make the present planning job void: its plan is not to be played."""
        planning, self._planning = self._planning, None
        if planning is not None:
            self._listener.rejected(planning.chunk, planning.drop(reason))

    def void_all(self, reason: Reason) -> None:
        """Make the present planning job void, and discard the chunk that waits for approval."""
        self.void(reason)
        self.discard(reason.message)

# SPDX-License-Identifier: Apache-2.0
"""A planned motion with its start time. Times are the controller's [s]."""

from dataclasses import dataclass, replace

from vera_ros.motion.chunk import ChunkRequest
from vera_ros.motion.gripper.gripper import Gripper, GripperPlan, plan_fingers
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.trajectory import ArmState


@dataclass(frozen=True)
class ScheduledMotion:
    """A motion that is planned, and not sent yet.

    Attributes:
        playing: the plan, and when it begins.
        measured: measured state that it was planned for.
        gripper: what is known of the fingers from then on; None: as before.
        fingers: finger motion; None: nothing is commanded.
        chunk: the chunk that it plays; None: it plays none.
        from_rest: the arm rests until it begins, so it may begin later.
        continues: whether the set-point leads to its beginning; otherwise the controller is given
            time to get there by itself.
        joins_s: how long after its time 0 it equals what plays.
    """

    playing: Playing
    measured: ArmState
    gripper: Gripper | None = None
    fingers: GripperPlan | None = None
    chunk: ChunkRequest | None = None
    from_rest: bool = False
    continues: bool = True
    joins_s: float = 0.0

    @property
    def begins_s(self) -> float:
        """Time at which it takes over from what plays, or the arm begins to move, ROS time."""
        chunk = self.playing.plan.chunk
        return self.playing.start_s + (0.0 if chunk is None else chunk.begins_s)

    def beginning_at(self, start_s: float) -> "ScheduledMotion":
        """Return the same motion with another time 0, for an arm at rest."""
        playing, fingers = replace(self.playing, start_s=start_s), self.fingers
        if self.chunk is not None and self.gripper is not None:
            fingers = plan_fingers(self.gripper, self.chunk, playing.plan, start_s)
        return replace(self, playing=playing, fingers=fingers)

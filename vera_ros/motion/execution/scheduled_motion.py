# SPDX-License-Identifier: Apache-2.0
"""A motion that is planned and has a time. Times are the controller's [s]."""

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
        measured: the arm that it was planned for.
        gripper: what is known of the fingers from then on; None: as before.
        fingers: what they do; None: nothing is commanded.
        chunk: what is played; None: another motion.
        from_rest: the arm rests until then, and may rest longer.
        continues: the set-point leads to its beginning; otherwise the controller is given time to
            get there by itself.
        joins_s: for so long after its time 0 it goes on as what plays does.
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
        """When it goes on from what was played before, or the arm begins to move, ROS time."""
        chunk = self.playing.plan.chunk
        return self.playing.start_s + (0.0 if chunk is None else chunk.begins_s)

    def beginning_at(self, start_s: float) -> "ScheduledMotion":
        """The same with another time 0, for an arm at rest."""
        playing, fingers = replace(self.playing, start_s=start_s), self.fingers
        if self.chunk is not None and self.gripper is not None:
            fingers = plan_fingers(self.gripper, self.chunk, playing.plan, start_s)
        return replace(self, playing=playing, fingers=fingers)
